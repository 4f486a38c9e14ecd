import numpy as np
import pytest
import torch

from workers.pose.detector import Detector, Selection, people
from workers.pose.offline import ultralytics
from workers.pose.views import View, ViewPlan
from workers.pose.weights import END_TO_END, ONE_TO_MANY

MANY = Selection(ONE_TO_MANY, conf=0.1, iou=0.4, max_det=20)
SQUARE = View.whole(640, 640, 640)


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
    seen = people(found, features, View.whole(1280, 1280, 640), MANY)
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
    images = [[np.full((64, 64, 3), seed, np.uint8)] for seed in (5, 9)]
    seen = Detector(Echo(), MANY).look(images, [[SQUARE], [SQUARE]])
    assert np.array_equal(seen[1].boxes, people(candidates(9, 4, 6), None, SQUARE, MANY).boxes)


def test_frames_may_have_different_numbers_of_views():
    detector = Detector(Echo(), MANY)
    twice = ViewPlan((640, 320)).views(640, 640)
    images = [np.full((64, 64, 3), seed, np.uint8) for seed in (5, 7, 9)]
    seen = detector.look([images[:1], images[1:]], [[SQUARE], twice])
    (alone,) = detector.look([images[1:]], [twice])
    assert np.array_equal(seen[1].boxes, alone.boxes)
    assert np.array_equal(seen[0].boxes, people(candidates(5, 4, 6), None, SQUARE, MANY).boxes)


def test_the_appearance_of_the_best_view_is_kept():
    features = np.arange(524, dtype=np.float32)[:, None]

    class Featured(Echo):
        def run(self, images, finish):
            looks = enumerate(int(image[0, 0, 0]) for image in images)
            return [finish(row, candidates(3, 4, 6), features + 1000 * seed) for row, seed in looks]

    plan = ViewPlan((640, 96)).views(640, 640)
    images = [np.full((64, 64, 3), seed, np.uint8) for seed in (1, 2)]
    ((alone,), (both,)) = (
        Detector(Featured(), MANY).look([images[:count]], [plan[:count]]) for count in (1, 2)
    )
    rows = np.isin(both.features[:, 0], alone.features[:, 0])
    # The small view's answer, carried back, is a much larger person; the sharp one keeps its own.
    assert rows.sum() == len(alone)


def test_who_is_cut_by_a_tiles_edge_is_left_to_other_views():
    _, left, _right = ViewPlan((640,), "2x1").views(1000, 500)
    found = np.zeros((56, 2), np.float32)
    end = left.box.inner_width + left.box.left
    found[:5, 0] = [end - 90, 100, end, 300, 0.9]
    found[:5, 1] = [100, 100, 200, 300, 0.8]
    assert people(found, None, left, MANY).scores == pytest.approx([0.8])
