from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from shared.config import ConfigError, validate
from shared.messages import Tracks, Verdicts, decode, encode
from shared.stage import BadInput, Stage
from tests.classify.conftest import save
from tests.classify.people import GENERATION, record
from workers.classify.config import ClassifyConfig
from workers.classify.latest import LatestVerdicts
from workers.classify.stage import Finding, build_stage, people_of
from workers.classify.windows import Windows

Classify = Stage[Tracks, None, Windows, Finding]


def stage(weights: dict[str, Path], **changes: object) -> Classify:
    return build_stage(
        ClassifyConfig(
            primary_weights=weights["stgcnpp"], veto_weights=weights["msg3d"], runtime="torch", **changes
        )
    )


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
        assert isinstance(output, Verdicts)
        assert (output.camera, output.number, output.at) == (
            finding.tracks.camera,
            finding.tracks.number,
            finding.tracks.at,
        )
        assert [verdict.track_id for verdict in output.verdicts] == finding.due.ids.tolist()
        decoded = decode(encode(output))
        assert decoded == output
    assert sum(output is not None for output in outputs) == 2 * len(range(16, 60, 8))


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
    outputs = [output for output in classify.judge(findings(classify, "lobby", [1], height=height)) if output]
    assert isinstance(outputs[-1], Verdicts)
    return outputs[-1].verdicts[0]


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
    below = first_verdict(stage(weights, primary_threshold=0.9999))
    assert (below.result, below.veto_score, below.veto_reason) == ("SAFE", None, "below_primary")
    vetoed = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["no"]}))
    assert (vetoed.result, vetoed.veto_reason) == ("VETOED", None)
    assert vetoed.veto_score < 0.85
    agreed = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["also"]}))
    assert agreed.result == "VIOLENCE"
    assert agreed.primary_score >= 0.94
    assert agreed.veto_score >= 0.85


def test_always_asks_and_off_never_does(weights: dict[str, Path], sure: dict[str, Path]) -> None:
    asked = first_verdict(stage(weights, veto="always", primary_threshold=0.9999))
    assert asked.result == "SAFE"
    assert asked.veto_score is not None
    assert asked.veto_reason is None
    alone = first_verdict(stage({"stgcnpp": sure["yes"], "msg3d": sure["no"]}, veto="never"))
    assert (alone.result, alone.veto_score, alone.veto_reason) == ("VIOLENCE", None, "no_veto")


def test_small_people_give_weaker_evidence_but_the_same_side(weights: dict[str, Path]) -> None:
    classify = stage(weights)
    large, small = first_verdict(classify, 400.0), first_verdict(classify, 40.0)
    assert (large.weight, small.weight) == (1.0, 0.4)
    assert abs(small.primary_score - 0.5) < abs(large.primary_score - 0.5)
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
    state, _ = classify.advance(classify.initial("lobby", GENERATION), record(5.0, [1]), None)
    with pytest.raises(BadInput, match=r"time goes back by 1\.000 s"):
        classify.advance(state, record(4.0, [1]), None)
    assert state.at == 5.0
    with pytest.raises(BadInput, match="out of range"):
        classify.prepare(record(1e12, [1]))
    verdicts = Verdicts(
        camera="a", generation=GENERATION, number=0, at=0.0, captured_at=0.0,
        primary_model="", veto_model="", verdicts=(),
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


def test_refined_key_points_are_a_choice(weights: dict[str, Path]) -> None:
    raw, refined = stage(weights), stage(weights, keypoints="refined")
    assert raw.settings != refined.settings
    message = record(0.0, [1])
    moved = message.model_copy(update={"keypoints": message.keypoints + 5})
    _, a = raw.advance(raw.initial("a", GENERATION), moved, None)
    _, b = refined.advance(refined.initial("a", GENERATION), moved, None)
    assert len(a.due) == len(b.due) == 0


def test_everything_that_changes_outputs_is_in_the_settings(weights: dict[str, Path], tmp_path: Path) -> None:
    base = stage(weights).settings
    other = {**weights, "msg3d": save("msg3d", tmp_path / "other.safetensors", seed=5)}
    for changed in (
        stage(weights, preset="fast"), stage(weights, thresholds="cctv"), stage(weights, veto="always"),
        stage(weights, min_frames=10), stage(weights, max_gap_s=0.2), stage(other),
    ):  # fmt: skip
        assert changed.settings != base
    assert stage(weights, max_batch=4).settings == base


def test_nets_of_different_windows_do_not_work_together(weights: dict[str, Path], tmp_path: Path) -> None:
    other = save("msg3d", tmp_path / "other.safetensors", window_fps=20.0)
    with pytest.raises(ConfigError, match="use two nets of one window"):
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


@pytest.mark.parametrize("source", ["raw", "refined"])
def test_people_who_are_only_predicted_are_passed_over(source: str) -> None:
    message = record(0.0, [4, 5, 6])
    changes = {
        "detection": np.array([2, -1, 0], np.int16),
        "predicted": np.array([False, True, False]),
        "scores": np.array([1, 0, 1], np.float32),
        "quality": np.array([0.9, 0.4, 0.7], np.float32),
        "boxes": message.boxes + np.arange(3, dtype=np.float32)[:, None],
    }
    people = people_of(message.model_copy(update=changes), source)
    assert people.ids.tolist() == [4, 6]
    detections = message.detection_keypoints[[2, 0]] if source == "raw" else message.keypoints[[0, 2]]
    assert np.array_equal(people.keypoints, detections)
    assert np.array_equal(people.boxes, message.boxes[[0, 2]] + np.array([[0], [2]]))
    assert people.quality == pytest.approx([0.9, 0.7])


def test_a_prediction_in_mid_window_changes_no_verdict(weights: dict[str, Path]) -> None:
    classify = stage(weights, keypoints="refined")

    def verdicts(predicted: bool) -> list[object]:
        state, found = classify.initial("lobby", GENERATION), []
        for i in range(80):
            message = record(i / 20, [1], number=i)
            if i in (30, 31):
                message = (
                    message.model_copy(
                        update={
                            "detection": np.array([-1], np.int16),
                            "predicted": np.array([True]),
                            "keypoints": message.keypoints + 300,
                        }
                    )
                    if predicted
                    else record(i / 20, [], number=i)
                )
            state, finding = classify.advance(state, classify.prepare(message), None)
            found.append(finding)
        outputs = classify.judge(found)
        return [output.verdicts for output in outputs if isinstance(output, Verdicts)]

    assert verdicts(predicted=True) == verdicts(predicted=False)
    assert verdicts(predicted=True)
