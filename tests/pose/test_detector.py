import numpy as np
import pytest
import torch

from workers.pose.detector import Detector, Selection, people
from workers.pose.letterbox import Letterbox
from workers.pose.offline import ultralytics
from workers.pose.weights import END_TO_END, ONE_TO_MANY

MANY = Selection(ONE_TO_MANY, conf=0.1, iou=0.4, max_det=20)
SQUARE = Letterbox.fit(640, 640, 640)


def candidates(seed: int, groups: int, each: int) -> np.ndarray:
    """[56, A] clusters of overlapping boxes among much that is nothing."""
    random = np.random.default_rng(seed)
    centre = np.repeat(random.uniform(80, 560, (groups, 2)), each, 0) + random.normal(
        0, 9, (groups * each, 2)
    )
    size = np.repeat(random.uniform(30, 150, (groups, 2)), each, 0) * random.uniform(
        0.8, 1.25, (groups * each, 2)
    )
    found = np.zeros((56, groups * each + 500), np.float32)
    found[:4, : groups * each] = np.concatenate([centre - size / 2, centre + size / 2], 1).T
    found[:4, groups * each :] = np.array([[1], [1], [9], [9]])
    found[4] = np.concatenate([random.uniform(0.02, 0.95, groups * each), random.uniform(0, 0.09, 500)])
    found[5:] = random.uniform(0, 640, (51, found.shape[1]))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_suppression_agrees_with_ultralytics(seed):
    # ultralytics.utils.nms.TorchNMS.nms, its plain suppression
    found = candidates(seed, groups=12, each=15)
    likely = np.flatnonzero(found[4] >= 0.1)
    kept = ultralytics("utils.nms").TorchNMS.nms(
        torch.from_numpy(found[:4, likely].T.copy()), torch.from_numpy(found[4, likely]), 0.4
    )
    assert MANY.rows(found).tolist() == likely[kept.numpy()][:20].tolist()


def test_the_end_to_end_head_needs_no_suppression():
    found = candidates(0, groups=3, each=10)
    kept = Selection(END_TO_END, conf=0.3, iou=0.4, max_det=12).rows(found)
    order = np.argsort(-found[4], kind="stable")
    assert kept.tolist() == [row for row in order if found[4, row] >= 0.3][:12]


def test_no_more_than_max_det_and_nothing_under_conf():
    found = candidates(3, groups=60, each=4)
    assert len(Selection(ONE_TO_MANY, 0.1, 0.9, 7).rows(found)) == 7
    assert found[4, Selection(ONE_TO_MANY, 0.6, 0.4, 100).rows(found)].min() >= 0.6
    assert len(MANY.rows(np.zeros((56, 100), np.float32))) == 0


def test_people_are_in_the_images_pixels_and_own_their_memory():
    found = candidates(1, groups=4, each=6)
    features = np.random.default_rng(0).normal(size=(found.shape[1], 8)).astype(np.float32)
    box = Letterbox.fit(1280, 1280, 640)
    seen = people(found, features, box, MANY)
    rows = MANY.rows(found)
    expected = np.clip(found[:4, rows].T * 2, 0, 1280)
    assert seen.boxes == pytest.approx(expected, abs=1e-3)
    assert seen.keypoints[:, 0, :2] == pytest.approx(found[5:7, rows].T * 2, abs=1e-3)
    assert seen.keypoints[:, :, 2] == pytest.approx(found[7::3, rows].T)
    found[:], features[:] = -1, -1
    assert seen.boxes == pytest.approx(expected, abs=1e-3)
    assert (seen.features != -1).all()


class Echo:
    """A runtime whose answer is known."""

    name = "echo"

    def run(self, images, finish):
        return [finish(row, candidates(int(image[0, 0, 0]), 4, 6), None) for row, image in enumerate(images)]

    def warm_up(self, shape):
        pass


def test_each_image_gets_its_own_people():
    images = [np.full((64, 64, 3), seed, np.uint8) for seed in (5, 9)]
    seen = Detector(Echo(), MANY).look(images, [SQUARE, SQUARE])
    assert np.array_equal(seen[1].boxes, people(candidates(9, 4, 6), None, SQUARE, MANY).boxes)
