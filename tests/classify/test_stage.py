from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from shared.config import ConfigError, validate
from shared.latest import LatestVerdicts
from shared.messages import Scene, Tracks, Verdicts, decode, encode
from shared.stage import BadInput, Stage
from tests.classify.conftest import save, save_linear
from tests.classify.people import GENERATION, record
from workers.classify.config import ClassifyConfig, ExpertConfig
from workers.classify.judge import Finding
from workers.classify.stage import build_stage, people_of
from workers.classify.windows import Windows

Classify = Stage[Tracks, None, Windows, Finding]


# Sure of everybody, so that results show what the experts say.
CERTAIN = {"min_joints": 0.0, "min_seen_frames": 0, "min_height_px": 0.0, "max_changes": 100.0}


def stage(weights: dict[str, Path], **changes: object) -> Classify:
    return panel([("primary", weights["stgcnpp"]), ("veto", weights["msg3d"])], **changes)


def panel(experts: list[tuple[str, Path]], **changes: object) -> Classify:
    chosen = tuple(ExpertConfig(role=role, weights=path) for role, path in experts)  # type: ignore[arg-type]
    return build_stage(ClassifyConfig(**{"experts": chosen, "runtime": "torch", **CERTAIN, **changes}))


def findings(
    classify: Classify, camera: str, ids: list[int], seconds: float = 4.0, height: float = 200.0
) -> list[Finding]:
    state, found = classify.initial(camera, GENERATION), []
    for i in range(round(seconds * 20)):
        message = record(i / 20, ids, camera=camera, number=i, height=height)
        state, finding = classify.advance(state, classify.prepare(message), None)
        found.append(finding)
    return found


def test_lists_in_lists_out_in_order(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    lobby, yard = findings(classify, "lobby", [1, 2]), findings(classify, "yard", [7])
    mixed = [finding for pair in zip(lobby, yard, strict=True) for finding in pair]
    outputs = classify.judge(mixed)
    assert len(outputs) == len(mixed)
    for finding, output in zip(mixed, outputs, strict=True):
        if output is None:
            assert len(finding.due) == 0
            continue
        if not len(finding.due):
            assert finding.quiet
            assert output.verdicts == ()
            continue
        assert isinstance(output, Verdicts)
        assert (output.camera, output.number, output.at) == (
            finding.tracks.camera,
            finding.tracks.number,
            finding.tracks.at,
        )
        assert [v.track_id for v in output.verdicts] == finding.due.ids[finding.due.judged].tolist()
        decoded = decode(encode(output))
        assert decoded == output
    assert sum(bool(output and output.verdicts) for output in outputs) == 2 * len(range(16, 60, 8))


def test_a_batch_gives_what_one_by_one_gives(weights: dict[str, Path]) -> None:
    classify = stage(weights, veto="always")
    found = findings(classify, "lobby", [1, 2, 3])
    together = classify.judge(found)
    alone = [classify.judge([finding])[0] for finding in found]
    assert [output and output.model_dump() for output in together] == [
        output and output.model_dump() for output in alone
    ]
    assert classify.judge([]) == []


def first_verdict(classify: Classify, height: float = 400.0) -> object:
    outputs = classify.judge(findings(classify, "lobby", [1], height=height))
    records = [output for output in outputs if isinstance(output, Verdicts) and output.verdicts]
    return records[-1].verdicts[0]


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A primary that always says fight; a veto that never does; one that always does."""
    folder = tmp_path_factory.mktemp("sure")
    return {
        "yes": save("stgcnpp", folder / "yes.safetensors", bias=60.0),
        "no": save("msg3d", folder / "no.safetensors", bias=-60.0),
        "also": save("msg3d", folder / "also.safetensors", bias=60.0),
    }


def test_a_lazy_veto_is_only_asked_where_the_primary_is_sure(
    weights: dict[str, Path], sure: dict[str, Path]
) -> None:
    below = first_verdict(stage(weights, primary_threshold=0.9999, scene_threshold=0.9999))
    assert (below.result, below.scores[1]) == ("SAFE", None)
    vetoed = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["no"]}))
    assert vetoed.result == "VETOED"
    assert vetoed.scores[1] < 0.85
    agreed = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["also"]}))
    assert agreed.result == "VIOLENCE"
    assert agreed.score >= 0.94
    assert agreed.scores[1] >= 0.85


def test_always_asks_and_never_does_not(weights: dict[str, Path], sure: dict[str, Path]) -> None:
    asked = first_verdict(stage(weights, veto="always", primary_threshold=0.9999))
    assert asked.result == "SAFE"
    assert asked.scores[1] is not None
    alone = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["no"]}, veto="never"))
    assert (alone.result, len(alone.scores)) == ("VIOLENCE", 1)


def test_a_second_veto_is_asked_only_where_the_first_agrees(
    weights: dict[str, Path], sure: dict[str, Path]
) -> None:
    first = [("primary", sure["yes"]), ("veto", sure["no"]), ("veto", sure["also"])]
    vetoed = first_verdict(panel(first))
    assert (vetoed.result, vetoed.scores[2]) == ("VETOED", None)
    agreed = first_verdict(panel([first[0], first[2], first[1]]))
    assert agreed.result == "VETOED"
    assert None not in agreed.scores


def test_members_join_the_score_by_their_shares(tmp_path: Path) -> None:
    doubtful, sure_of_it = (save_linear(tmp_path / f"{bias}.safetensors", bias=bias) for bias in (-2.0, 1.0))
    alone = first_verdict(panel([("primary", doubtful)]))
    joined = first_verdict(panel([("primary", doubtful), ("member", sure_of_it)]))
    assert joined.scores[0] == alone.score
    assert joined.scores[0] < joined.score < joined.scores[1]


def test_a_scene_is_as_violent_as_its_most_violent_person_at_its_own_threshold(tmp_path: Path) -> None:
    expert = save_linear(tmp_path / "expert.safetensors", bias=1.0)
    classify = panel([("primary", expert)], primary_threshold=0.9999, scene_threshold=0.5)
    outputs = classify.judge(findings(classify, "lobby", [1, 2, 3]))
    record = [output for output in outputs if isinstance(output, Verdicts) and output.verdicts][-1]
    most = max(verdict.score for verdict in record.verdicts)
    assert record.scene.score == most
    leaders = {(v.track_id, v.partner_id) for v in record.verdicts if v.score == most}
    assert record.scene.track_ids in leaders
    assert (record.scene.result, record.scene.people) == ("VIOLENCE", 3)
    assert {verdict.result for verdict in record.verdicts} == {"SAFE"}


def test_a_guess_is_unsure_and_leads_no_scene(weights: dict[str, Path]) -> None:
    classify = stage(weights, min_height_px=500.0, primary_threshold=0.01)
    outputs = classify.judge(findings(classify, "lobby", [1, 2]))
    record = [output for output in outputs if isinstance(output, Verdicts) and output.verdicts][-1]
    assert {(verdict.result, verdict.unsure) for verdict in record.verdicts} == {("UNSURE", ("small",))}
    assert (record.scene.result, record.scene.score, record.scene.track_ids) == ("UNSURE", 0.0, ())


def test_while_somebody_is_there_nothing_is_said_of_an_empty_picture(weights: dict[str, Path]) -> None:
    found = findings(stage(weights), "lobby", [1], seconds=6.0)
    assert not any(finding.quiet for finding in found if finding.tracks.at > 1.0)


def test_an_empty_picture_is_told_once_a_second(weights: dict[str, Path]) -> None:
    classify, state, found = stage(weights), None, []
    state = classify.initial("lobby", GENERATION)
    for i in range(100):
        state, finding = classify.advance(state, classify.prepare(record(i / 20, [], number=i)), None)
        found.append(finding)
    told = [output for output in classify.judge(found) if output is not None]
    assert [output.at for output in told] == [1.0, 2.0, 3.0, 4.0]
    assert {(output.verdicts, output.scene.result) for output in told} == {((), "SAFE")}


def test_the_most_violent_verdict_of_a_step_is_explained(sure: dict[str, Path]) -> None:
    experts = [("primary", sure["yes"])]
    explained = first_verdict(panel(experts)).explanation
    assert explained is not None
    assert len(explained.joints) == 17
    assert sum(explained.moments) == pytest.approx(1, abs=0.01) or not any(explained.moments)
    assert first_verdict(panel(experts, explain="never")).explanation is None
    assert first_verdict(panel(experts, primary_threshold=0.9999, scene_threshold=0.9999)).score > 0.99


def test_small_people_give_weaker_evidence_but_the_same_side(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    large, small = first_verdict(classify, 400.0), first_verdict(classify, 40.0)
    assert large.weight == 1.0
    assert small.weight < 1.0
    assert abs(small.score - 0.5) < abs(large.score - 0.5)
    assert small.body_height_px == pytest.approx(40, abs=1)


def test_replaying_the_history_gives_the_same_verdicts(weights: dict[str, Path]) -> None:
    classify = stage(weights, veto="always")
    messages = [record(i / 12, [1, 2], number=i) for i in range(150)]
    old, new = classify.initial("lobby", GENERATION), classify.initial("lobby", GENERATION)
    ahead, replayed = [], []
    for i, message in enumerate(messages):
        old, finding = classify.advance(old, classify.prepare(message), None)
        if i >= 90:
            ahead.append(finding)
        if i >= 90 or message.at > messages[89].at - classify.history_s:
            new, finding = classify.advance(new, classify.prepare(message), None)
            if i >= 90:
                replayed.append(finding)
    assert classify.judge(ahead) == classify.judge(replayed)
    assert any(output for output in classify.judge(ahead))


def test_bad_records_are_refused_and_leave_the_state_as_it_was(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    state, _ = classify.advance(
        classify.initial("lobby", GENERATION), classify.prepare(record(5.0, [1])), None
    )
    with pytest.raises(BadInput, match=r"time goes back by 1\.000 s"):
        classify.advance(state, classify.prepare(record(4.0, [1])), None)
    assert state.at == 5.0
    with pytest.raises(BadInput, match="out of range"):
        classify.prepare(record(1e12, [1]))
    verdicts = Verdicts(
        camera="a", generation=GENERATION, number=0, at=0.0, captured_at=0.0,
        width=1, height=1, experts=(), verdicts=(),
        scene=Scene(result="SAFE", score=0.0, threshold=0.85, people=0, track_ids=(), quality=0.0),
    )  # fmt: skip
    with pytest.raises(BadInput, match="expected tracks, found verdicts"):
        classify.prepare(verdicts)


def test_absurd_coordinates_give_a_verdict_and_no_overflow(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    state, found = classify.initial("lobby", GENERATION), []
    for i in range(60):
        message = record(i / 20, [1])
        wild = message.model_copy(update={"detection_keypoints": np.full((1, 17, 3), 3e38, np.float32)})
        state, finding = classify.advance(state, classify.prepare(wild), None)
        found.append(finding)
    assert any(classify.judge(found))


def test_everything_that_changes_outputs_is_in_the_settings(weights: dict[str, Path], tmp_path: Path) -> None:
    base = stage(weights).settings
    other = {**weights, "msg3d": save("msg3d", tmp_path / "other.safetensors", seed=5)}
    for changed in (
        stage(weights, preset="fast"), stage(weights, veto="always"),
        stage(weights, min_frames=10), stage(weights, max_gap_s=0.2), stage(other),
    ):  # fmt: skip
        assert changed.settings != base
    assert stage(weights, max_batch=4).settings == base


def test_other_thresholds_leave_the_windows_alone(weights: dict[str, Path]) -> None:
    assert stage(weights, thresholds="cctv", scene_threshold=0.5).settings == stage(weights).settings


def test_nets_of_different_windows_do_not_work_together(weights: dict[str, Path], tmp_path: Path) -> None:
    other = save("msg3d", tmp_path / "other.safetensors", window_fps=20.0)
    with pytest.raises(ConfigError, match="use experts of one window"):
        stage({**weights, "msg3d": other})
    with pytest.raises(ConfigError, match=r"classify\.window: 64 frames"):
        stage(weights, window=64)


@pytest.mark.parametrize(
    ("preset", "cut"),
    [("real-time", (32, 3)), ("balanced", (32, 8)), ("efficient", (32, 16)), ("fast", (16, 4))],
)
def test_the_presets_of_window_and_stride(preset: str, cut: tuple[int, int]) -> None:
    assert ClassifyConfig(preset=preset).cut() == cut
    assert ClassifyConfig(preset=preset, stride=5).cut() == (cut[0], 5)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_frames 20 is more than the window's 16"):
        validate({"preset": "fast", "min_frames": 20}, ClassifyConfig, "site.yaml")
    with pytest.raises(ConfigError, match="did you mean 'thresholds'"):
        validate({"treshold": "cctv"}, ClassifyConfig, "site.yaml")
    with pytest.raises(ValidationError):
        ClassifyConfig(primary_threshold=1.0)
    for roles in (["veto", "primary"], ["primary", "primary"], ["member"]):
        experts = [{"weights": "x", "role": role} for role in roles]
        with pytest.raises(ConfigError, match="one has the role primary, and it stands first"):
            validate({"experts": experts}, ClassifyConfig, "site.yaml")
    assert ClassifyConfig(thresholds="cctv", veto_threshold=0.5).pair().veto == 0.5
    assert ClassifyConfig(thresholds="cctv", veto_threshold=0.5).pair().primary == 0.92


def test_the_last_verdict_is_readable_with_its_age(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    latest = LatestVerdicts(keep_s=5.0)
    for output in classify.judge(findings(classify, "lobby", [1, 2])):
        if isinstance(output, Verdicts):
            latest.push(output)
    found = latest.of(1, 4.5)
    assert found is not None
    verdict, age = found
    assert verdict.track_id == 1
    assert age == pytest.approx(4.5 - verdict.last_at)
    assert latest.of(3, 4.5) is None
    assert latest.of(1, 60.0) is None


def test_everybody_who_is_followed_is_seen_as_detected() -> None:
    message = record(0.0, [4, 5, 6])
    changes = {
        # 5 is only predicted; 8 is followed, but not told of; the last detection is nobody's.
        "detection_tracks": np.array([6, 8, 0], np.int64),
        "detection": np.array([2, -1, 0], np.int16),
        "detection_boxes": message.boxes + np.arange(3, dtype=np.float32)[:, None],
    }
    people = people_of(message.model_copy(update=changes))
    assert people.ids.tolist() == [6, 8]
    assert np.array_equal(people.keypoints, message.detection_keypoints[[0, 1]])
    assert np.array_equal(people.boxes, message.boxes[[0, 1]] + np.array([[0], [1]]))
    assert people.quality == pytest.approx([0.8, 0.8])
