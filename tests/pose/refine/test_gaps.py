from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pose.refine.numbers import any_floats, keypoints
from workers.ingest.simulated import make_scene
from workers.pose.refine.gaps import fill_gaps

METHODS = ["linear", "smoothstep", "cubic"]


def with_gap(frames: int = 20, start: int = 6, length: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Times at 30 fps and [T, 17, 3] of somebody at a steady speed, unseen for some frames."""
    at = np.arange(frames) / 30
    points = np.full((frames, 17, 3), 0.5)
    points[..., 0] = 100 + 60 * at[:, None]
    points[..., 1] = 50 - 30 * at[:, None]
    points[start : start + length] = np.nan
    return at, points


def test_smoothstep_agrees_with_the_reference(reference) -> None:
    random = np.random.default_rng(0)
    ends = keypoints(random, 2)
    points = np.full((9, 17, 3), np.nan)
    points[0], points[8] = ends
    filled, _ = fill_gaps(np.arange(9) / 30, points, method="smoothstep")
    expected = reference.SkeletonInterpolator().interpolate_gap(0, ends[0], ends[1], 7)
    assert filled[1:8] == pytest.approx(np.array(expected))


@pytest.mark.parametrize("method", ["linear", "cubic"])
def test_a_steady_speed_is_gone_on_with(method: str) -> None:
    at, points = with_gap()
    filled, marks = fill_gaps(at, points, method=method)
    assert filled[..., 0] == pytest.approx(100 + 60 * at[:, None] + np.zeros(17))
    assert filled[..., 1] == pytest.approx(50 - 30 * at[:, None] + np.zeros(17))
    assert np.flatnonzero(marks.all(axis=1)).tolist() == [6, 7, 8, 9, 10]
    assert not marks[:6].any()
    assert filled[6:11, :, 2] == pytest.approx(0.4)


def test_cubic_leaves_and_arrives_with_the_velocities_of_both_sides() -> None:
    at = np.arange(40) / 30
    points = np.full((40, 1, 17, 3), 0.5)
    points[..., :2] = (100 * np.cos(4 * at))[:, None, None, None]
    points[15:25] = np.nan
    truth = 100 * np.cos(4 * at[15:25])[:, None, None, None]
    away = {m: np.abs(fill_gaps(at, points, method=m)[0][15:25, ..., :2] - truth).mean() for m in METHODS}
    assert away["cubic"] < 0.6 * away["linear"] < 0.6 * away["smoothstep"]


@pytest.mark.parametrize("method", METHODS)
def test_gaps_that_are_too_long_or_have_one_side_only_stay(method: str) -> None:
    at, points = with_gap(frames=40, start=6, length=10)
    points[:2] = points[38:] = np.nan
    filled, marks = fill_gaps(at, points, max_gap_s=11 / 30, method=method)
    assert marks[6:16].all()
    assert np.isnan(filled[[0, 1, 38, 39]]).all()
    shorter, marks = fill_gaps(at, points, max_gap_s=10.9 / 30, method=method)
    assert not marks.any()
    assert np.array_equal(shorter, points, equal_nan=True)


def test_single_joints_are_filled_by_the_less_sure_side() -> None:
    at, points = with_gap(length=0)
    points[8:10, 9] = np.nan
    points[7, 9, 2], points[10, 9, 2] = 0.9, 0.2
    filled, marks = fill_gaps(at, points)
    assert np.argwhere(marks).tolist() == [[8, 9], [9, 9]]
    assert filled[8:10, 9, 2] == pytest.approx(0.16)


def test_a_velocity_beyond_another_gap_is_not_used() -> None:
    at, points = with_gap(frames=30, start=10, length=3)
    points[:8, :, :2] = 9e3
    points[8] = np.nan
    filled, _ = fill_gaps(at, points, max_gap_s=0.14)
    assert filled[10:13, :, 0] == pytest.approx(100 + 60 * at[10:13, None] + np.zeros(17))


@given(st.integers(0, 2**32), st.sampled_from(METHODS))
def test_all_people_at_once_equal_one_by_one_at_irregular_times(seed: int, method: str) -> None:
    random = np.random.default_rng(seed)
    at = np.cumsum(random.uniform(0.01, 0.2, 15))
    points = keypoints(random, 15, 3)
    points[random.random((15, 3)) < 0.5] = np.nan
    filled, marks = fill_gaps(at, points, max_gap_s=0.5, method=method)
    for person in range(3):
        alone, marked = fill_gaps(at, points[:, person], max_gap_s=0.5, method=method)
        assert np.array_equal(filled[:, person], alone, equal_nan=True)
        assert np.array_equal(marks[:, person], marked)
    known = np.isfinite(points)
    assert np.array_equal(filled[known], points[known])
    again, none = fill_gaps(at, filled, max_gap_s=0.5, method=method)
    assert np.array_equal(again, filled, equal_nan=True)
    assert not none.any()


@given(any_floats(8, 17, 3), st.sampled_from(METHODS))
def test_any_numbers_give_finite_ones_where_something_was_filled(points: np.ndarray, method: str) -> None:
    filled, marks = fill_gaps(np.arange(8) / 10, points, method=method)
    assert np.isfinite(filled[marks]).all()
    assert not np.isinf(filled).any()
    assert np.array_equal(np.isfinite(filled).all(axis=-1), np.isfinite(filled).any(axis=-1))


@pytest.mark.parametrize("shape", [(0, 17, 3), (4, 0, 17, 3), (1, 17, 3)])
def test_nothing_is_fine(shape: tuple[int, ...]) -> None:
    filled, marks = fill_gaps(np.arange(shape[0]) / 30, np.zeros(shape))
    assert filled.shape == shape
    assert marks.shape == shape[:-1]


@pytest.mark.parametrize("at", [np.zeros(20), np.arange(19.0), np.full(20, np.nan)])
def test_times_that_do_not_rise_or_fit_are_refused(at: np.ndarray) -> None:
    with pytest.raises(ValueError, match="must rise"):
        fill_gaps(at, with_gap()[1])


def test_walkers_are_followed_through_gaps_better_than_by_smoothstep() -> None:
    truth = make_scene("walking", 4, seconds=8, people=3).truth(np.arange(240) / 30)
    points = np.where(truth.present[..., None, None], truth.keypoints, np.nan)
    gap = (np.arange(240) % 40 >= 20) & (np.arange(240) % 40 < 35)
    points[gap] = np.nan
    away = {}
    for method in METHODS:
        filled, marks = fill_gaps(truth.at, points, method=method)
        off = np.linalg.norm(filled[..., :2] - truth.keypoints[..., :2], axis=-1)
        away[method] = float(np.mean((off / np.maximum(truth.heights_px, 1)[..., None])[marks]))
    assert away["cubic"] < away["linear"] < away["smoothstep"]
