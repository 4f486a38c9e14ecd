"""Several views of a frame, through the whole stage on real pictures."""

import cv2
import numpy as np
import pytest

from tests.pose.footage import frame_with, frames_of
from workers.pose.config import CameraOptions, PoseConfig
from workers.pose.stage import build_stage

CAMERAS = {
    "plain": CameraOptions(),
    "mirrored": CameraOptions(flip_test=True),
    "sharper": CameraOptions(extra_sizes=(640,)),
    "tiled": CameraOptions(tiles="2x1"),
}


@pytest.fixture(scope="module")
def stage(checkpoint, weights):
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", image_size=320, parallel=2)
    return build_stage(config, CAMERAS)


@pytest.fixture(scope="module")
def picture(shared_data) -> np.ndarray:
    (frame,) = frames_of(shared_data / "videos" / "four_crossing_bonn_060470979.mp4", 1)
    return cv2.imdecode(np.frombuffer(frame.image, np.uint8), cv2.IMREAD_COLOR)


def frame_of(pixels: np.ndarray, camera: str):
    image = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return frame_with(image, pixels.shape[1], pixels.shape[0], camera=camera)


def look(stage, pixels, camera):
    (seen,) = stage.look([stage.prepare(frame_of(pixels, camera))])
    return seen


def test_every_view_is_an_input_of_its_own(stage, picture):
    shapes = {
        camera: [image.shape[:2] for image in stage.prepare(frame_of(picture, camera)).inputs]
        for camera in CAMERAS
    }
    whole = shapes["plain"][0]
    assert shapes["plain"] == [whole]
    assert shapes["mirrored"] == [whole, whole]
    assert shapes["sharper"][0] == whole
    assert max(shapes["sharper"][1]) == 640
    assert len(shapes["tiled"]) == 3


def test_batches_of_cameras_with_different_views_equal_one_by_one(stage, picture):
    items = [stage.prepare(frame_of(picture, camera)) for camera in ("tiled", "plain", "mirrored", "sharper")]
    for item, seen in zip(items, stage.look(items), strict=True):
        (alone,) = stage.look([item])
        assert len(seen) >= 2
        assert np.array_equal(seen.boxes, alone.boxes)
        assert np.array_equal(seen.keypoints, alone.keypoints)


def test_with_a_flip_test_a_picture_and_its_mirror_image_show_the_same_people(stage, picture):
    width = picture.shape[1]
    seen = look(stage, picture, "mirrored")
    other = look(stage, np.ascontiguousarray(picture[:, ::-1]), "mirrored")
    sure = seen.scores > 0.3
    assert sure.sum() >= 2
    mirrored = seen.boxes[sure][:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
    distance = np.abs(mirrored[:, None] - other.boxes[None]).max(axis=2)
    assert distance.min(axis=1).max() < 0.03 * width


def test_a_larger_size_finds_people_whom_the_small_one_misses(stage, picture):
    plain, sharper = (look(stage, picture, camera) for camera in ("plain", "sharper"))
    assert (sharper.scores > 0.6).sum() > (plain.scores > 0.6).sum()


def test_views_change_the_settings_of_the_section(stage, checkpoint):
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", image_size=320, parallel=2)
    for changed in ({"flip_test": True}, {"tiles": "2x1"}, {"extra_sizes": (640,)}):
        assert build_stage(config.model_copy(update=changed), {}).settings != stage.settings
