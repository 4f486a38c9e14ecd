"""What a skeleton's score is: laws that need no simulated scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.pose.evaluation.skeletons import SkeletonScore, score

FPS = 30.0


def moving(frames: int = 300, people: int = 2, fps: float = FPS, delay: float = 0.0):
    """People whose joints swing smoothly: times, truth [T, N, 17, 3], present, heights."""
    random = np.random.default_rng(0)
    at = np.arange(frames) / fps
    rate = random.uniform(0.3, 1.2, (people, 17, 2))
    phase = random.uniform(0, 6.28, (people, 17, 2))
    size = random.uniform(100, 300, people)
    swing = np.sin(2 * np.pi * rate * (at[:, None, None, None] - delay) + phase)
    places = 500 + 0.2 * size[:, None, None] * swing
    truth = np.concatenate([places, np.ones((*places.shape[:3], 1))], axis=-1)
    return at, truth, np.ones((frames, people), bool), np.broadcast_to(size, (frames, people)).copy()


def test_the_truth_itself_has_no_error_no_jitter_and_no_lag() -> None:
    at, truth, present, heights = moving()
    found = score(at, truth, present, heights, truth)
    assert found.error == 0
    assert found.jitter == 0
    assert found.lag_ms == pytest.approx(0, abs=0.05)
    assert found.found == 1
    assert not len(found.gaps.frames)


@pytest.mark.parametrize("fps", [10.0, 30.0])
@pytest.mark.parametrize("late", [-0.05, 0.003, 1 / 30, 0.1, 0.2])
def test_the_lag_of_a_delayed_truth_is_that_delay(late: float, fps: float) -> None:
    at, truth, present, heights = moving(round(10 * fps), fps=fps)
    _, delayed, _, _ = moving(round(10 * fps), fps=fps, delay=late)
    found = score(at, truth, present, heights, delayed)
    assert found.lag_ms == pytest.approx(1000 * late, abs=0.5)
    assert np.abs(found.lags_ms - 1000 * late).max() < 2


def test_the_lag_is_told_in_noise_and_in_irregular_time() -> None:
    random = np.random.default_rng(1)
    at, truth, present, heights = moving(600)
    _, delayed, _, _ = moving(600, delay=0.04)
    delayed = delayed + random.normal(0, 2, delayed.shape)
    kept = random.random(600) < 0.7
    found = score(at[kept], truth[kept], present[kept], heights[kept], delayed[kept])
    assert found.lag_ms == pytest.approx(40, abs=3)


def test_somebody_who_comes_and_goes_is_no_later_for_it() -> None:
    at, truth, present, heights = moving()
    _, delayed, _, _ = moving(delay=0.1)
    present[:100] = present[160:] = False
    assert score(at, truth, present, heights, delayed).lag_ms == pytest.approx(100, abs=0.5)


def test_a_person_whose_height_changes_is_no_later_for_it() -> None:
    at, truth, present, heights = moving()
    _, delayed, _, _ = moving(delay=0.05)
    heights *= 1 + 0.1 * np.sin(7 * at)[:, None]
    assert score(at, truth, present, heights, delayed).lag_ms == pytest.approx(50, abs=0.5)


def test_white_noise_has_the_jitter_and_error_that_it_must_have() -> None:
    random = np.random.default_rng(2)
    at, truth, present, heights = moving(2000)
    sigma = 0.01
    noisy = truth[..., :2] + sigma * heights[..., None, None] * random.normal(0, 1, truth[..., :2].shape)
    found = score(at, truth, present, heights, noisy)
    assert found.error == pytest.approx(sigma * np.sqrt(2), rel=0.02)
    assert found.jitter == pytest.approx(sigma * np.sqrt(2) * np.sqrt(6), rel=0.02)
    assert found.error_by_joint == pytest.approx(found.error, rel=0.1)
    assert found.error_over_time == pytest.approx(found.error, rel=0.5)


def test_a_steady_offset_is_error_and_no_jitter() -> None:
    at, truth, present, heights = moving()
    found = score(at, truth, present, heights, truth[..., :2] + np.array([3.0, 4.0]))
    assert found.error == pytest.approx(np.sqrt(np.mean((5 / heights) ** 2)))
    assert found.jitter == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 2**32), st.floats(0.1, 10))
def test_the_size_of_the_picture_changes_nothing(seed: int, zoom: float) -> None:
    random = np.random.default_rng(seed)
    at, truth, present, heights = moving(40, people=1)
    estimate = truth[..., :2] + random.normal(0, 5, truth[..., :2].shape)
    predicted = random.random(present.shape) < 0.3
    estimate[random.random(present.shape) < 0.1] = np.nan
    small = score(at, truth, present, heights, estimate, predicted=predicted)
    zoomed = truth * [zoom, zoom, 1]
    large = score(at, zoomed, present, heights * zoom, estimate * zoom, predicted=predicted)
    for name in ("jitter", "error", "found"):
        assert getattr(large, name) == pytest.approx(getattr(small, name), rel=1e-9, nan_ok=True)
    assert large.gaps.error == pytest.approx(small.gaps.error, rel=1e-9, nan_ok=True)
    assert large.gaps.jumps == pytest.approx(small.gaps.jumps, rel=1e-9, nan_ok=True)


def in_a_gap() -> tuple[SkeletonScore, np.ndarray]:
    """Somebody of height 100 walks 2 px a frame, is held from frame 4 for three frames, and returns."""
    at = np.arange(10) / FPS
    truth = np.ones((10, 1, 17, 3))
    truth[..., 0] = 2.0 * np.arange(10)[:, None, None]
    estimate = truth[..., :2].copy()
    predicted = np.zeros((10, 1), bool)
    predicted[4:7] = True
    estimate[4:7] = estimate[3] + np.array([1.0, 0.0])
    return score(
        at, truth, np.ones((10, 1), bool), np.full((10, 1), 100.0), estimate, predicted=predicted
    ), at


def test_a_gap_is_judged_by_how_long_the_person_is_unseen_and_beside_holding_still() -> None:
    found, _ = in_a_gap()
    assert found.gaps.frames.tolist() == [1, 2, 3]
    assert found.gaps.seconds == pytest.approx(np.array([1, 2, 3]) / FPS)
    assert found.gaps.error == pytest.approx([0.01, 0.03, 0.05])
    assert found.gaps.held == pytest.approx([0.02, 0.04, 0.06])
    assert found.gaps.count.tolist() == [17, 17, 17]
    assert found.gaps.at(2) == pytest.approx((0.03, 0.04))
    assert np.isnan(found.gaps.at(9)).all()


def test_the_jump_at_the_return_is_the_step_less_the_truths_step() -> None:
    found, _ = in_a_gap()
    assert found.gaps.jumps == pytest.approx([0.05])


def test_predicted_skeletons_are_no_part_of_error_jitter_and_found() -> None:
    found, _ = in_a_gap()
    assert found.error == 0
    assert found.jitter == 0
    assert found.found == pytest.approx(0.7)


def test_jitter_needs_three_moments_in_a_row() -> None:
    at, truth, present, heights = moving(30, people=1)
    estimate = truth[..., :2] + np.random.default_rng(3).normal(0, 5, truth[..., :2].shape)
    estimate[2::3] = np.nan
    found = score(at, truth, present, heights, estimate)
    assert np.isnan(found.jitter)
    assert found.error > 0


def test_people_count_only_while_they_are_in_the_image() -> None:
    at, truth, present, heights = moving(30, people=1)
    present[10:] = False
    heights[10:] = 0
    estimate = truth[..., :2].copy()
    estimate[10:] += 1000
    found = score(at, truth, present, heights, estimate)
    assert found.error == 0
    assert np.isnan(found.error_over_time[10:]).all()


def test_hidden_joints_can_be_left_out() -> None:
    at, truth, present, heights = moving(30)
    truth[:, :, 9, 2] = 0
    estimate = truth[..., :2].copy()
    estimate[:, :, 9] += 50
    everything = score(at, truth, present, heights, estimate)
    visible = score(at, truth, present, heights, estimate, visible_only=True)
    assert everything.error > 0
    assert visible.error == 0
    assert np.isnan(visible.error_by_joint[9])


def test_nobody_gives_no_numbers_and_no_warning() -> None:
    for frames, people in ((0, 0), (1, 1), (5, 0)):
        shape = (frames, people)
        empty = np.full((*shape, 17, 2), np.nan)
        found = score(
            np.arange(frames) / FPS, np.zeros((*shape, 17, 3)), np.zeros(shape, bool), np.zeros(shape), empty
        )
        assert np.isnan([found.jitter, found.error, found.lag_ms, found.found]).all()


def test_people_who_never_move_have_no_lag() -> None:
    at = np.arange(60) / FPS
    truth = np.ones((60, 1, 17, 3)) * 50
    found = score(at, truth, np.ones((60, 1), bool), np.full((60, 1), 100.0), truth)
    assert np.isnan(found.lag_ms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heights": np.ones((30, 3))}, "do not belong together"),
        ({"estimate": np.ones((30, 2, 16, 2))}, "must be"),
        ({"at": np.zeros(30)}, "times must rise"),
        ({"predicted": np.zeros((30, 1), bool)}, "predicted"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(change: dict, message: str) -> None:
    at, truth, present, heights = moving(30)
    arrays = {"at": at, "truth": truth, "present": present, "heights": heights, "estimate": truth, **change}
    with pytest.raises(ValueError, match=message):
        score(**arrays)
