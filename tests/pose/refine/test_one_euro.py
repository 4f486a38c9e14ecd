from __future__ import annotations

import numpy as np
import pytest
from OneEuroFilter import OneEuroFilter

from tests.pose.refine.people import FRAME, FREE, box, standing
from workers.pose.refine import RefineConfig, Refiner
from workers.pose.refine.one_euro import OneEuro


def clock(kind: str, frames: int) -> np.ndarray:
    random = np.random.default_rng(0)
    steps = np.full(frames, 1 / 30) if kind == "regular" else random.uniform(0.005, 0.4, frames)
    return 10 + np.cumsum(steps)


@pytest.mark.parametrize("kind", ["regular", "irregular"])
def test_it_agrees_with_the_authors_filter(kind: str) -> None:
    # OneEuroFilter 0.2.1 on PyPI
    times = clock(kind, 300)
    signal = np.cumsum(np.random.default_rng(1).normal(0, 0.05, (300, 4)), axis=0)
    oracle = [OneEuroFilter(30, 5.0, 10.0, 1.0) for _ in range(4)]
    ours = OneEuro(5.0, 10.0, 1.0)
    position, rate = signal[:1], np.zeros((1, 4))
    for column, one in enumerate(oracle):
        one(signal[0, column], times[0])
    for step in range(1, 300):
        elapsed = np.array([times[step] - times[step - 1]])
        position, rate, _ = ours.step(signal[step : step + 1], position, rate, elapsed, np.ones(1))
        expected = [one(signal[step, column], times[step]) for column, one in enumerate(oracle)]
        assert np.abs(position[0] - expected).max() < 1e-9


@pytest.mark.parametrize("kind", ["regular", "irregular"])
def test_the_refiner_is_that_filter_in_body_heights(kind: str) -> None:
    random, points = np.random.default_rng(2), standing()
    refiner = Refiner(RefineConfig(smoothing="one_euro"))
    oracle = [[OneEuroFilter(30, 5.0, 10.0, 1.0) for _ in range(2)] for _ in range(17)]
    heights = []
    for at in clock(kind, 200).tolist():
        points[..., :2] += random.normal(0, 4, (1, 17, 2))
        refined = refiner.update(at, [7], box(), points, FRAME)
        heights.append(refined.scale[0])
        for joint, pair in enumerate(oracle):
            for axis, one in enumerate(pair):
                one.setBeta(10.0 / heights[-1])
                expected = one(points[0, joint, axis], at)
                assert refined.keypoints[0, joint, axis] == pytest.approx(expected, abs=1e-9)
    assert max(heights) > 1.01 * min(heights)


def test_the_form_of_fixed_rate_agrees_with_the_reference(reference) -> None:
    random, points = np.random.default_rng(3), standing()
    refiner = Refiner(RefineConfig(smoothing="none"))
    unit = refiner.update(0.0, [7], box(), points, FRAME).scale[0]
    refiner = Refiner(
        RefineConfig(smoothing="one_euro", fixed_fps=30, min_cutoff=1.0, beta=0.007 * unit, d_cutoff=1.0)
    )
    oracle = [[reference.OneEuroFilter(30.0, 1.0, 0.007, 1.0) for _ in range(2)] for _ in FREE]
    at = 0.0
    for _ in range(200):
        points[0, FREE, :2] += random.normal(0, 4, (len(FREE), 2))
        at += random.uniform(0.005, 0.4)
        refined = refiner.update(at, [7], box(), points, FRAME)
        assert refined.scale[0] == pytest.approx(unit, abs=1e-9)
        for joint, pair in zip(FREE, oracle, strict=True):
            expected = [one(value) for one, value in zip(pair, points[0, joint], strict=False)]
            assert refined.keypoints[0, joint, :2] == pytest.approx(expected, abs=1e-9)


def test_a_joint_that_is_not_known_stays_where_it_was() -> None:
    refiner = Refiner(RefineConfig(smoothing="one_euro"))
    for step in range(5):
        first = refiner.update(step / 30, [7], box(), standing(), FRAME)
    points = standing(410.0)
    points[0, 9] = np.nan
    second = refiner.update(5 / 30, [7], box(410.0), points, FRAME)
    assert np.array_equal(second.keypoints[0, 9, :2], first.keypoints[0, 9, :2])
    assert second.keypoints[0, 9, 2] == 0
    assert second.keypoints[0, 10, 0] > first.keypoints[0, 10, 0] + 1
