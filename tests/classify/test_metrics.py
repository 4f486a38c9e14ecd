"""What is counted of committed verdicts."""

from prometheus_client import REGISTRY

from tests.shared.examples import VERDICTS
from workers.classify.metrics import measure

CAMERA = "counted"


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def results() -> dict[str, float | None]:
    name = "nexara_classify_verdicts_total"
    return {r: shown(name, camera=CAMERA, result=r) for r in ("SAFE", "VETOED", "VIOLENCE", "UNSURE")}


def test_every_result_is_shown_before_the_first_verdict_and_counted_once():
    assert set(results().values()) == {None}
    measure(CAMERA, [])
    assert set(results().values()) == {0.0}
    [verdict] = VERDICTS.verdicts
    asked = verdict.model_copy(update={"result": "VIOLENCE", "scores": (0.95, 0.9)})
    before = shown("nexara_classify_veto_asked_total") or 0.0
    scores = {net: shown("nexara_classify_score_count", expert=net) or 0.0 for net in ("primary", "veto")}
    measure(CAMERA, [VERDICTS, VERDICTS.model_copy(update={"verdicts": (asked,)})])
    assert results() == {"SAFE": 1, "VETOED": 0, "VIOLENCE": 1, "UNSURE": 0}
    assert shown("nexara_classify_veto_asked_total") == before + 1
    assert shown("nexara_classify_score_count", expert="primary") == scores["primary"] + 2
    assert shown("nexara_classify_score_count", expert="veto") == scores["veto"] + 1
