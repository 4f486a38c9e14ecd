"""Lists in, lists out, on real video."""

import zlib

import cv2
import numpy as np
import pytest
import yaml

from shared.config import ConfigError
from shared.messages import Mark, decode, encode
from shared.rules import Rules
from shared.stage import BadInput
from tests.pose.conftest import IMAGE_SIZE
from tests.pose.footage import GENERATION, detections, frame_with, frames_of
from tests.pose.refine.people import box, standing
from workers.pose.config import TRACKER_FILES, CameraOptions, PoseConfig, load_tracker
from workers.pose.detector import Detections
from workers.pose.stage import Prepared, build_stage

EXERCISING = "videos/three_exercising.avi"


@pytest.fixture(scope="module")
def frames(shared_data):
    return list(frames_of(shared_data / EXERCISING, 20, every=2))


@pytest.fixture(scope="module")
def looked(stage, frames):
    items = [stage.prepare(frame) for frame in frames]
    return list(zip(items, stage.look(items), strict=True))


def follow(stage, state, looked):
    findings = []
    for item, seen in looked:
        state, finding = stage.advance(state, item, seen)
        findings.append(finding)
    return state, findings


def test_people_are_followed_through_a_real_video(stage, frames, looked):
    _, findings = follow(stage, stage.initial("lobby", GENERATION), looked)
    assert [finding.number for finding in findings] == [frame.number for frame in frames]
    for finding, frame in zip(findings, frames, strict=True):
        assert (finding.camera, finding.at, finding.width) == ("lobby", frame.at, frame.width)
        assert decode(encode(finding)).track_ids.tolist() == finding.track_ids.tolist()
        seen = finding.detection >= 0
        assert np.array_equal(finding.boxes[seen], finding.detection_boxes[finding.detection[seen]])
        assert np.array_equal(finding.predicted, ~seen)
    last = findings[-1]
    assert len(last.track_ids) >= 3
    assert set(last.track_ids.tolist()) & set(findings[5].track_ids.tolist())
    assert (last.scale > 50).all()
    inside = (last.keypoints[..., :2] > -50) & (last.keypoints[..., :2] < [last.width + 50, last.height + 50])
    assert inside.all()


def test_a_takeover_in_mid_video_changes_nothing(stage, looked):
    _, expected = follow(stage, stage.initial("lobby", GENERATION), looked)
    for cut in (1, 9, 16):
        state, before = follow(stage, stage.initial("lobby", GENERATION), looked[:cut])
        _, after = follow(stage, stage.load(stage.dump(state)), looked[cut:])
        assert [encode(finding) for finding in before + after] == [encode(finding) for finding in expected]


def test_batches_of_several_cameras_equal_one_by_one(stage, frames, looked):
    small = cv2.imencode(".jpg", np.full((100, 100, 3), 90, np.uint8))[1].tobytes()
    other = stage.prepare(frame_with(small, 100, 100, camera="yard"))
    items = [other, looked[3][0], other, looked[7][0], looked[0][0]]
    together = stage.look(items)
    for item, seen in zip(items, together, strict=True):
        (alone,) = stage.look([item])
        assert np.array_equal(seen.boxes, alone.boxes)
        assert np.array_equal(seen.keypoints, alone.keypoints)
    assert np.array_equal(together[1].boxes, looked[3][1].boxes)


def test_who_is_hidden_for_half_a_second_stays_predicted_and_comes_back_the_same(stage):
    x, y, at = 200.0, 40.0, np.arange(60) / 20
    hidden = (at >= 1.5) & (at < 2.0)
    state, findings = stage.initial("lobby", GENERATION), []
    for number, moment in enumerate(at.tolist()):
        place = x + 60 * moment, y
        seen = Detections(
            box(*place).astype(np.float32),
            np.array([0.9], np.float32),
            standing(*place).astype(np.float32),
            None,
        )
        if hidden[number]:
            seen = detections([], [])
        frame = frame_with(b"", 640, 360, number=number, at=moment)
        state, finding = stage.advance(state, Prepared(frame, Rules(), (), (), None), seen)
        findings.append(decode(encode(finding)))
    (track,) = findings[29].track_ids.tolist()
    for finding in np.array(findings, object)[hidden]:
        assert finding.track_ids.tolist() == [track]
        assert finding.predicted.tolist() == [True]
        assert finding.detection.tolist() == [-1]
        assert finding.scores.tolist() == [0]
        assert finding.keypoints[0, 5, 0] > findings[29].keypoints[0, 5, 0]
    assert findings[39].quality[0] < findings[30].quality[0] < findings[29].quality[0]
    for finding in findings[40:]:
        assert finding.track_ids.tolist() == [track]
        assert finding.predicted.tolist() == [False]
        assert finding.detection.tolist() == [0]
        assert finding.scores == pytest.approx(0.9)


def test_nothing_to_look_at_is_fine(stage):
    assert list(stage.look([])) == []


def test_bad_inputs_are_named_and_the_camera_goes_on(stage, frames, looked):
    frame = frames[0]
    state, _ = follow(stage, stage.initial("lobby", GENERATION), looked[:3])
    before = stage.dump(state)
    half = frame.image[: len(frame.image) // 2]
    for bad in (
        frame.model_copy(update={"image": half, "crc": zlib.crc32(half)}),
        frame.model_copy(update={"crc": frame.crc ^ 1}),
        frame.model_copy(update={"width": 100}),
        Mark(camera="lobby", generation=GENERATION, number=1, at=0.0, captured_at=0.0),
    ):
        with pytest.raises(BadInput):
            stage.prepare(bad)
    assert stage.dump(state) == before


def test_marks_pass_through(stage):
    state = stage.initial("lobby", GENERATION)
    mark = Mark(camera="lobby", generation=GENERATION, number=1, at=0.0, captured_at=0.0, final=True)
    assert stage.mark(state, mark) == (state, mark)


def test_settings_tell_what_changes_outputs_and_nothing_else(stage, checkpoint):
    def settings(**changes: object) -> str:
        config = PoseConfig(
            **{"weights": str(checkpoint), "runtime": "openvino", "image_size": IMAGE_SIZE, **changes}
        )
        return build_stage(config, {}).settings

    assert settings(parallel=1, max_batch=3) == stage.settings
    assert settings(conf=0.05) != stage.settings
    assert settings(tracker="bytetrack") != stage.settings


def test_a_camera_that_begins_to_move_starts_afresh(stage, checkpoint, looked):
    state, _ = follow(stage, stage.initial("lobby", GENERATION), looked[:4])
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", image_size=IMAGE_SIZE)
    moving = build_stage(config, {"lobby": CameraOptions(moving=True)})
    loaded = moving.load(stage.dump(state))
    assert moving.dump(loaded) == moving.dump(moving.initial("lobby", GENERATION))


def test_a_moving_camera_is_followed_and_taken_over(checkpoint, frames):
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", image_size=IMAGE_SIZE, parallel=2)
    stage = build_stage(config, {"lobby": CameraOptions(moving=True)})
    items = [stage.prepare(frame) for frame in frames[:8]]
    looked = list(zip(items, stage.look(items), strict=True))
    _, expected = follow(stage, stage.initial("lobby", GENERATION), looked)
    state, _ = follow(stage, stage.initial("lobby", GENERATION), looked[:4])
    _, after = follow(stage, stage.load(stage.dump(state)), looked[4:])
    assert [encode(finding) for finding in after] == [encode(finding) for finding in expected[4:]]


@pytest.mark.parametrize("reid", ["native", "osnet"])
def test_appearance_travels_with_the_detections_and_the_state(
    reid, checkpoint, weights, frames, tmp_path, shared_data
):
    path = shared_data / "weights" / "osnet_x0_25_msmt17.onnx" if reid == "osnet" else reid
    tracker = tmp_path / "tracker.yaml"
    tracker.write_text((TRACKER_FILES / "botsort.yaml").read_text().replace("reid: none", f"reid: {path}"))
    config = PoseConfig(
        weights=str(checkpoint), runtime="torch", image_size=IMAGE_SIZE, parallel=1, tracker=str(tracker)
    )
    stage = build_stage(config, {})
    items = [stage.prepare(frame) for frame in frames[:6]]
    looked = list(zip(items, stage.look(items), strict=True))
    assert looked[0][1].features.shape == (len(looked[0][1]), 64 if reid == "native" else 512)
    _, expected = follow(stage, stage.initial("lobby", GENERATION), looked)
    state, _ = follow(stage, stage.initial("lobby", GENERATION), looked[:3])
    _, after = follow(stage, stage.load(stage.dump(state)), looked[3:])
    assert [encode(finding) for finding in after] == [encode(finding) for finding in expected[3:]]
    assert len(expected[-1].track_ids) >= 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conf": 0.3}, "conf: 0.3 is above track_low_thresh 0.1.*set conf to 0.1 or less"),
        ({"tracker": "/nowhere.yaml"}, "cannot be read"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, reason):
    with pytest.raises(ConfigError, match=reason):
        load_tracker(PoseConfig(**changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tracker": "bytetrack", "reid": "native"}, "ByteTrack knows no appearance"),
        ({"reid": "yolo26n-cls.pt"}, "none, native"),
        ({"reid": "auto"}, "none, native"),
        ({"track_bufer_s": 1}, "did you mean 'track_buffer_s'"),
        ({"track_low_thresh": 0.7}, "must be below"),
        ({"exit_s": 1}, "exit_s: tracker botsort does not know it"),
    ],
)
def test_tracker_files_that_do_not_fit_are_refused_at_start(changes, reason, checkpoint, weights, tmp_path):
    content = yaml.safe_load((TRACKER_FILES / "botsort.yaml").read_text())
    (tmp_path / "tracker.yaml").write_text(yaml.safe_dump({**content, **changes}))
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", tracker=str(tmp_path / "tracker.yaml"))
    with pytest.raises(ConfigError, match=reason):
        build_stage(config, {})
