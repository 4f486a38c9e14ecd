from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pose.refine.numbers import any_floats, keypoints
from workers.ingest.simulated import DetectorNoise, make_scene, observe
from workers.pose.refine.scale import (
    SIZES,
    confidence_factors,
    measured_heights,
    running_height,
    size_classes,
)


def upright(height: float = 200.0, sure: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Somebody who stands, as box [1, 4] and key points [1, 17, 3]."""
    down = [0.07, 0.06, 0.06, 0.07, 0.07, *[0.18] * 2, *[0.35] * 2, *[0.5] * 2, *[0.48] * 2]
    down += [0.725] * 2 + [0.97] * 2
    points = np.full((1, 17, 3), sure)
    points[0, :, 0] = 100
    points[0, :, 1] = height * np.array(down)
    return np.array([[100 - height / 6, 0, 100 + height / 6, height]]), points


@pytest.mark.parametrize(
    ("height", "size", "factor"),
    [
        *((0, "tiny", 0.5), (49.9, "tiny", 0.5), (50, "small", 0.7), (99.9, "small", 0.7)),
        *((100, "medium", 0.9), (299.9, "medium", 0.9), (300, "large", 1.0), (5000, "large", 1.0)),
        *((np.nan, "tiny", 0.5), (-3, "tiny", 0.5), (np.inf, "large", 1.0), (-np.inf, "tiny", 0.5)),
    ],
)
def test_each_height_has_its_class_and_its_trust(height: float, size: str, factor: float) -> None:
    assert SIZES[size_classes(np.array([height]))[0]] == size
    assert confidence_factors(np.array([height]))[0] == factor


def test_somebody_who_stands_is_as_tall_as_the_box() -> None:
    assert measured_heights(*upright()) == pytest.approx(200, rel=0.05)


def test_somebody_whose_legs_are_hidden_keeps_most_of_the_height() -> None:
    box, points = upright()
    box[0, 3] = 110
    points[0, 13:] = [100, 110, 0.05]
    assert 0.85 * 200 < measured_heights(box, points)[0] < 1.1 * 200


def test_somebody_who_lies_towards_the_camera_keeps_what_the_box_shows() -> None:
    box, points = upright()
    points[0, :, 1] = 100
    assert measured_heights(box, points) == pytest.approx(0.85 * 200)


def test_unsure_joints_leave_it_to_the_box() -> None:
    box, points = upright(sure=0.0)
    points[0, :, :2] = np.random.default_rng(0).uniform(0, 200, (17, 2))
    assert measured_heights(box, points) == pytest.approx(200, rel=0.25)


def test_a_joint_far_off_does_not_make_a_giant() -> None:
    box, points = upright()
    points[0, 15, :2] = [5000, 5000]
    assert measured_heights(box, points)[0] <= 1.8 * 200


@given(st.integers(0, 2**32), st.floats(0.2, 5))
def test_a_picture_twice_as_large_has_people_twice_as_tall(seed: int, zoom: float) -> None:
    random = np.random.default_rng(seed)
    points = keypoints(random, 3)
    low = random.uniform(0, 100, (3, 2))
    boxes = np.concatenate([low, low + random.uniform(50, 300, (3, 2))], axis=1)
    small = measured_heights(boxes, points)
    assert measured_heights(boxes * zoom, points * [zoom, zoom, 1]) == pytest.approx(small * zoom)
    alone = [measured_heights(boxes[[row]], points[[row]])[0] for row in range(3)]
    assert small == pytest.approx(alone)


def test_growing_is_believed_sooner_than_shrinking() -> None:
    old = np.array([100.0, 100.0])
    grown, shrunk = running_height(old, np.array([200.0, 50.0]), np.full(2, 0.5))
    assert grown == pytest.approx(200 - 100 * np.exp(-1))
    assert shrunk == pytest.approx(50 + 50 * np.exp(-0.25))


@given(st.floats(20, 500), st.floats(20, 500), st.floats(0, 3), st.floats(0, 3))
def test_two_short_steps_are_one_long_one(old: float, new: float, one: float, two: float) -> None:
    def step(start: float, seconds: float) -> float:
        return float(running_height(np.array([start]), np.array([new]), np.array([seconds]))[0])

    assert step(step(old, one), two) == pytest.approx(step(old, one + two))


def test_without_a_last_height_or_a_new_one_the_other_stands() -> None:
    old = np.array([np.nan, 0.0, -5.0, 80.0, 80.0, np.inf])
    new = np.array([70.0, 70.0, 70.0, np.nan, 0.0, -np.inf])
    assert running_height(old, new, np.ones(6)).tolist() == [70, 70, 70, 80, 80, 1]


def test_time_that_stands_still_or_goes_back_changes_nothing() -> None:
    old = np.full(4, 80.0)
    found = running_height(old, np.full(4, 160.0), np.array([0.0, -1.0, np.nan, np.inf]))
    assert found.tolist() == [80, 80, 80, 160]


@given(any_floats(3, 4), any_floats(3, 17, 3), any_floats(3), any_floats(3))
def test_any_numbers_give_heights_of_a_pixel_or_more(
    boxes: np.ndarray, points: np.ndarray, old: np.ndarray, elapsed: np.ndarray
) -> None:
    heights = measured_heights(boxes, points)
    assert ((heights >= 1) & (heights <= 1e6)).all()
    for new in (heights, old[::-1]):
        after = running_height(old, new, elapsed)
        assert (np.isfinite(after) & (after >= 1)).all()


def test_nobody_is_fine() -> None:
    assert measured_heights(np.zeros((0, 4)), np.zeros((0, 17, 3))).shape == (0,)
    assert running_height(np.zeros(0), np.zeros(0), np.zeros(0)).shape == (0,)


def spread(kind: str) -> tuple[float, float]:
    """Standard deviation of the logarithm of (height / truth): by the box's longer side, and by ours."""
    ratios = [], []
    for seed in range(2):
        truth = make_scene(kind, seed, seconds=8).truth(np.arange(120) / 15)
        heights = np.full(len(truth.ids), np.nan), np.full(len(truth.ids), np.nan)
        seen_at = np.full(len(truth.ids), -1.0)
        for frame, seen in enumerate(observe(truth, DetectorNoise(), seed)):
            real = seen.owner >= 0
            who, boxes = seen.owner[real], seen.boxes[real].astype(float)
            sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
            for one, new in zip(heights, (sides, measured_heights(boxes, seen.keypoints[real])), strict=True):
                one[who] = running_height(one[who], new, seen.at - seen_at[who])
            seen_at[who] = seen.at
            there = who[truth.present[frame, who]]
            for one, found in zip(heights, ratios, strict=True):
                found.append(np.log(one[there] / truth.heights_px[frame, there]))
    return tuple(float(np.concatenate(found).std()) for found in ratios)


@pytest.mark.parametrize("kind", ["sitting", "fall"])
def test_heights_hold_better_than_boxes_when_people_sit_or_fall(kind: str) -> None:
    by_box, ours = spread(kind)
    assert ours < 0.75 * by_box
