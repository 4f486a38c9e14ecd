import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pose_gate import Person, similarity
from workers.pose.suppression import Sameness, body_area, likeness, merge, overlap

SAME = Sameness(iou=0.4)


def skeletons(seed: int, count: int, confidence: float = 0.9) -> np.ndarray:
    """[count, 17, 3] in boxes of 100 x 200 pixels at the origin."""
    random = np.random.default_rng(seed)
    keypoints = random.uniform((5, 5), (95, 195), (count, 17, 2))
    return np.concatenate([keypoints, np.full((count, 17, 1), confidence)], axis=2).astype(np.float32)


def looks(seed: int, people: int, views: int) -> tuple[np.ndarray, ...]:
    """People apart, seen a little differently in each view: boxes, scores, key points, quality."""
    random = np.random.default_rng(seed)
    corner = np.arange(people)[:, None] * np.array([300, 0])
    boxes = np.concatenate([corner, corner + np.array([100, 200])], axis=1)
    boxes = np.tile(boxes, (views, 1)) + random.normal(0, 2, (views * people, 4))
    keypoints = skeletons(seed, people)
    keypoints[..., :2] += corner[:, None]
    keypoints = np.tile(keypoints, (views, 1, 1))
    keypoints[..., :2] += random.normal(0, 1.5, (*keypoints.shape[:2], 2))
    scores = random.uniform(0.2, 1, views * people)
    quality = np.repeat(random.uniform(0.5, 1, views), people)
    return tuple(part.astype(np.float32) for part in (boxes, scores, keypoints, quality))


def test_likeness_is_cocos_similarity_where_all_joints_are_equally_sure():
    one, others = skeletons(0, 1)[0], skeletons(1, 5)
    others[:, :, :2] = one[:, :2] + (others[:, :, :2] - one[:, :2]) * 0.1
    person = Person(np.concatenate([one[:, :2], np.ones((17, 1))], axis=1), 9000.0)
    assert likeness(one, others, np.float32(9000)) == pytest.approx(similarity(person, others), abs=1e-4)


@given(st.integers(0, 1000), st.floats(0.2, 5), st.floats(-500, 500))
def test_likeness_depends_neither_on_scale_nor_on_place(seed, scale, shift):
    one, other = skeletons(seed, 2)
    other[:, :2] = one[:, :2] + 0.1 * (other[:, :2] - one[:, :2])
    plain = likeness(one, other[None], np.float32(9000))
    assert 0 < plain[0] < 1
    assert likeness(other, one[None], np.float32(9000)) == pytest.approx(plain, abs=1e-4)
    for points in (one, other):
        points[:, :2] = points[:, :2] * scale + shift
    assert likeness(one, other[None], np.float32(9000 * scale**2)) == pytest.approx(plain, abs=2e-3)
    assert likeness(one, one[None], np.float32(1)) == pytest.approx([1])


def test_joints_that_nobody_is_sure_of_say_little():
    one = skeletons(0, 1)[0]
    other = one.copy()
    other[5:, :2] += 80
    unsure = other.copy()
    unsure[5:, 2] = 0.01
    area = np.float32(9000)
    assert likeness(one, other[None], area)[0] < 0.5 < 0.95 < likeness(one, unsure[None], area)[0]


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 5))
def test_each_person_stays_once_however_many_views_show_him(seed, people, views):
    boxes, scores, keypoints, quality = looks(seed, people, views)
    merged = merge(boxes, scores, keypoints, quality, SAME, 20)
    assert len(merged.rows) == people
    who = (merged.boxes[:, 0] / 300).round().astype(int)
    assert sorted(who) == list(range(people))
    for person, score, points in zip(who, merged.scores, merged.keypoints, strict=True):
        own = np.arange(views) * people + person
        assert score == scores[own].max()
        spread = keypoints[own][..., :2]
        assert (points[:, :2] >= spread.min(axis=0) - 0.01).all()
        assert (points[:, :2] <= spread.max(axis=0) + 0.01).all()
    assert (np.diff(merged.scores) <= 0).all()


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_the_order_of_the_views_does_not_matter(seed, shuffle):
    parts = looks(seed, 4, 3)
    order = list(range(12))
    shuffle.shuffle(order)
    one = merge(*parts, SAME, 20)
    other = merge(*(part[order] for part in parts), SAME, 20)
    assert np.array(order)[other.rows].tolist() == one.rows.tolist()
    assert other.boxes == pytest.approx(one.boxes, abs=1e-3)
    assert other.keypoints == pytest.approx(one.keypoints, abs=1e-3)


def test_who_is_found_in_one_view_only_is_returned_unchanged():
    boxes, scores, keypoints, quality = looks(3, 5, 1)
    merged = merge(boxes, scores, keypoints, quality, SAME, 20)
    assert np.array_equal(merged.scores, scores[merged.rows])
    assert merged.boxes == pytest.approx(boxes[merged.rows], abs=1e-3)
    assert merged.keypoints == pytest.approx(keypoints[merged.rows], abs=1e-3)


def embrace() -> tuple[np.ndarray, ...]:
    """Two people in boxes that overlap by two thirds, with skeletons of their own, seen in two views."""
    keypoints = skeletons(1, 2)
    keypoints[1, :, 0] = 120 - keypoints[1, ::-1, 0]
    boxes = np.array([[0, 0, 100, 200], [20, 0, 120, 200]], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.75], np.float32)
    return np.tile(boxes, (2, 1)), scores, np.tile(keypoints, (2, 1, 1)), np.ones(4, np.float32)


def test_two_who_embrace_both_stay():
    boxes, scores, keypoints, quality = embrace()
    assert overlap(boxes[0], boxes[1:2])[0] == pytest.approx(2 / 3)
    assert likeness(keypoints[0], keypoints[1:2], body_area(boxes[:1]))[0] < 0.3
    merged = merge(boxes, scores, keypoints, quality, SAME, 20)
    assert merged.rows.tolist() == [0, 1]
    # By the boxes alone the second would be lost.
    assert merge(boxes, scores, keypoints, quality, Sameness(0.4, oks=0), 20).rows.tolist() == [0]


def test_boxes_that_are_all_but_equal_are_one_person_whatever_the_skeletons():
    boxes, scores, keypoints, quality = embrace()
    boxes[:] = boxes[0]
    assert merge(boxes, scores, keypoints, quality, SAME, 20).rows.tolist() == [0]


def test_the_likelier_and_better_seen_stands_for_the_group_and_not_the_larger():
    boxes = np.array([[0, 0, 100, 200], [0, 0, 130, 220]], np.float32)
    keypoints = np.repeat(skeletons(0, 1), 2, axis=0)
    even = np.ones(2, np.float32)
    assert merge(boxes, np.float32([0.9, 0.5]), keypoints, even, SAME, 20).rows.tolist() == [0]
    blurred = np.float32([0.5, 1])
    merged = merge(boxes, np.float32([0.9, 0.8]), keypoints, blurred, SAME, 20)
    assert (merged.rows.tolist(), merged.scores.tolist()) == ([1], pytest.approx([0.9]))
    # A blurred view adds nothing to a sharp one.
    assert merged.boxes[0] == pytest.approx(boxes[1])


def test_views_of_equal_quality_are_averaged_by_confidence():
    boxes = np.repeat(np.float32([[0, 0, 100, 200]]), 2, axis=0)
    keypoints = np.repeat(skeletons(0, 1), 2, axis=0)
    keypoints[1, :, 0] += 3
    keypoints[1, :, 2] = 0.3
    merged = merge(boxes, np.float32([0.8, 0.8]), keypoints, np.ones(2, np.float32), SAME, 20)
    assert merged.keypoints[0, :, 0] == pytest.approx(keypoints[0, :, 0] + 0.75, abs=0.01)


def test_there_are_never_more_people_than_the_limit():
    parts = looks(0, 6, 2)
    merged = merge(*parts, SAME, 3)
    assert len(merged.rows) == 3
    assert len(merge(*(part[:0] for part in parts), SAME, 3).rows) == 0


numbers = st.floats(-1e4, 1e4, width=32)


@given(st.lists(st.tuples(numbers, numbers, st.floats(0, 1, width=32)), min_size=1, max_size=8))
def test_odd_boxes_never_make_a_result_that_is_not_a_number(rows):
    points = np.array(rows, np.float32)
    boxes = np.concatenate([points[:, :2], points[:, :2]], axis=1)  # of no size at all
    keypoints = np.repeat(points[:, None], 17, axis=1)
    merged = merge(boxes, points[:, 2], keypoints, np.full(len(rows), 0.1, np.float32), SAME, 20)
    assert len(merged.rows) >= 1
    assert np.isfinite(merged.boxes).all()
    assert np.isfinite(merged.keypoints).all()
