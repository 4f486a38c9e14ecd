"""Other thresholds on known scores: as if the fleet had judged with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messages import Expert, Scene, Verdict, Verdicts
from shared.rules import Rules
from tests.classify.conftest import save_linear
from tests.cli.recorded import FPS, payloads, story
from tests.incidents.story import head, person
from workers.classify.config import ClassifyConfig, ExpertConfig
from workers.classify.stage import build_stage
from workers.cli.calibration.thresholds import Bar, Pair, Ranks, own_thresholds, rejudged
from workers.cli.recorded.pipeline import Pipeline, verdicts_of

HYSTERESIS = 0.15


def config(folder: Path, own: float | None, **changes: object) -> ClassifyConfig:
    experts = (
        ExpertConfig(weights=save_linear(folder / "p.safetensors", weight=3.0, bias=1.0), role="primary"),
        ExpertConfig(weights=save_linear(folder / "m.safetensors", weight=2.0, bias=1.0), role="member"),
        ExpertConfig(weights=save_linear(folder / "v.safetensors", weight=3.0, bias=0.0), role="veto"),
        ExpertConfig(
            weights=save_linear(folder / "w.safetensors", weight=1.0, bias=0.5), role="veto", threshold=own
        ),
    )
    return ClassifyConfig(experts=experts, sharpness=1.0, explain="never", **changes)  # type: ignore[arg-type]


def judged(config: ClassifyConfig, rules: Rules) -> list[tuple[str, Verdicts]]:
    entries = payloads(story(14.0, [(3.0, 6.0)], play=[(9.0, 12.0)]))
    pipeline = Pipeline("lobby", build_stage(config, lambda _message: rules))
    said = ((step.entry_id, verdicts_of(step)) for step in pipeline.judge(entries))
    # The trail says when.
    return [(i, record.model_copy(update={"trail": ()})) for i, record in said if record is not None]


@pytest.mark.parametrize("own", [None, 0.3])
def test_rejudging_gives_what_judging_gives(own: float | None, tmp_path: Path) -> None:
    """With every veto asked as with lazy ones."""
    scored = judged(config(tmp_path, own, veto="always"), Rules())
    assert len(scored) > 12 * FPS / 8
    seen = set()
    for primary, veto, scene in ((0.94, 0.85, 0.85), (0.7, 0.6, 0.8), (0.8, 0.55, 0.5), (0.55, 0.95, 0.9)):
        bar = Bar(Pair(primary, veto), own_thresholds(config(tmp_path, own)), scene)
        rules = Rules(primary_threshold=primary, veto_threshold=veto, scene_threshold=scene)
        always = judged(config(tmp_path, own, veto="always"), rules)
        assert [(i, rejudged(record, bar)) for i, record in scored] == always
        lazy = judged(config(tmp_path, own), rules)
        for (_, one), (_, other) in zip(always, lazy, strict=True):
            assert [v.result for v in one.verdicts] == [v.result for v in other.verdicts]
            assert one.scene == other.scene
        seen |= {v.result for _, record in always for v in record.verdicts}
    assert seen == {"SAFE", "VETOED", "VIOLENCE"}


def test_the_scenes_threshold_may_follow_the_primarys(tmp_path: Path) -> None:
    scored = judged(config(tmp_path, None, veto="always"), Rules())
    own = own_thresholds(config(tmp_path, None))
    for _, record in scored:
        follows = rejudged(record, Bar(Pair(0.7, 0.6), own, None))
        assert follows == rejudged(record, Bar(Pair(0.7, 0.6), own, 0.7))


Score = st.integers(0, 20).map(lambda n: n / 20)
Threshold = st.integers(1, 19).map(lambda n: n / 20)


@st.composite
def records(draw: st.DrawFn) -> list[Verdicts]:
    experts = tuple(
        Expert(name=name, role=role, threshold=None, share=1.0, weights="00")  # type: ignore[arg-type]
        for name, role in (("p", "primary"), ("v", "veto"), ("w", "veto"))
    )
    made = []
    for number in range(draw(st.integers(1, 4))):
        people: list[Verdict] = []
        for track in range(1, draw(st.integers(1, 3)) + 1):
            scores = (draw(Score), draw(Score), draw(Score))
            people.append(person(track, "SAFE", score=scores[0]).model_copy(update={"scores": scores}))
        first = max(people, key=lambda one: one.score)
        scene = Scene(
            result="SAFE", score=first.score, threshold=0.9, people=len(people),
            track_ids=(first.track_id,), quality=1.0,
        )  # fmt: skip
        verdicts = Verdicts(
            **head(number), width=9, height=9, experts=experts, verdicts=tuple(people), scene=scene
        )
        made.append(verdicts)
    return made


@given(records(), st.lists(st.tuples(Threshold, Threshold), min_size=2), st.none() | Threshold)
def test_equal_ranks_mean_equal_results(
    records: list[Verdicts], pairs: list[tuple[float, float]], scene: float | None
) -> None:
    ranks = Ranks(records, HYSTERESIS)
    found: dict[tuple[int, ...], object] = {}
    for primary, veto in pairs:
        bar = Bar(Pair(primary, veto), (None, None, None), scene)
        said = [rejudged(record, bar) for record in records]
        support = round(primary - HYSTERESIS, 6)
        results = [([(v.result, v.score >= support) for v in one.verdicts], one.scene.result) for one in said]
        assert found.setdefault(ranks.key(bar), results) == results


def test_no_records_have_one_rank() -> None:
    ranks = Ranks([], HYSTERESIS)
    keys = {ranks.key(Bar(Pair(p, 0.5), (None,), 0.8)) for p in np.linspace(0.1, 0.9, 9).tolist()}
    assert len(keys) == 1
