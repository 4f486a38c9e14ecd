from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pose.refine.numbers import any_floats, keypoints
from workers.pose.refine.fusion import exponential_fusion, window_fusion


def joint(*values: tuple[float, float, float]) -> np.ndarray:
    """[1, F, 17, 3] all joints alike in each frame."""
    return np.repeat(np.array(values)[None, :, None], 17, axis=2)


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_a_window_agrees_with_the_reference(reference, frames: int) -> None:
    random = np.random.default_rng(frames)
    history = keypoints(random, 4, frames)
    fused = window_fusion(history)
    for person in range(4):
        fusion = reference.ConfidenceWeightedFusion(window_size=5, min_conf=0.1)
        for frame in history[person]:
            fusion.add_frame(0, frame)
        assert fused[person] == pytest.approx(fusion.get_fused(0), abs=1e-9)


def test_decaying_fusion_agrees_with_the_reference(reference) -> None:
    random = np.random.default_rng(0)
    fusions = [reference.ExponentialConfidenceFusion(decay=0.8) for _ in range(4)]
    previous = np.full((4, 17, 3), np.nan)
    for _ in range(40):
        new = keypoints(random, 4)
        previous = exponential_fusion(previous, new)
        expected = [fusion.fuse(0, frame) for fusion, frame in zip(fusions, new, strict=True)]
        assert previous == pytest.approx(np.array(expected), abs=1e-9)


def test_a_window_weighs_by_confidence_and_keeps_the_highest() -> None:
    fused = window_fusion(joint((0, 0, 0.2), (10, 20, 0.6)))
    assert fused[0, 0] == pytest.approx([7.5, 15, 0.6])


def test_unsure_frames_do_not_count_and_joints_never_seen_are_as_in_the_last_frame() -> None:
    assert window_fusion(joint((0, 0, 0.05), (8, 4, 0.5)))[0, 0] == pytest.approx([8, 4, 0.5])
    assert window_fusion(joint((0, 0, 0.05), (8, 4, 0.01)))[0, 0] == pytest.approx([8, 4, 0.01])


def test_frames_before_somebody_came_do_not_count() -> None:
    nothing = (np.nan, np.nan, np.nan)
    assert window_fusion(joint(nothing, (8, 4, 0.5)))[0, 0] == pytest.approx([8, 4, 0.5])


def test_decaying_fusion_holds_what_is_unseen_and_less_surely_each_frame() -> None:
    previous, unseen = joint((5, 6, 0.5))[:, 0], joint((90, 90, 0.05))[:, 0]
    once = exponential_fusion(previous, unseen)
    assert once[0, 0] == pytest.approx([5, 6, 0.4])
    assert exponential_fusion(once, unseen)[0, 0] == pytest.approx([5, 6, 0.32])


def test_decaying_fusion_mixes_by_confidence() -> None:
    fused = exponential_fusion(joint((0, 0, 0.5))[:, 0], joint((10, 20, 0.4))[:, 0])
    assert fused[0, 0] == pytest.approx([5, 10, 0.4])


@given(st.integers(0, 2**32))
def test_fused_places_lie_between_those_fused(seed: int) -> None:
    history = keypoints(np.random.default_rng(seed), 3, 5)
    history[..., 2] = np.maximum(history[..., 2], 0.1)
    for fused in (window_fusion(history), exponential_fusion(history[:, 0], history[:, 1])):
        assert (fused[..., :2] >= history[..., :2].min(axis=1) - 1e-9).all()
        assert (fused[..., :2] <= history[..., :2].max(axis=1) + 1e-9).all()


@given(any_floats(2, 3, 17, 3))
def test_any_numbers_give_finite_ones(history: np.ndarray) -> None:
    assert np.isfinite(window_fusion(history)).all()
    assert np.isfinite(exponential_fusion(history[:, 0], history[:, 1])).all()


def test_nobody_and_no_frame_are_fine() -> None:
    assert window_fusion(np.zeros((0, 5, 17, 3))).shape == (0, 17, 3)
    assert not window_fusion(np.zeros((2, 0, 17, 3))).any()
    assert exponential_fusion(np.zeros((0, 17, 3)), np.zeros((0, 17, 3))).shape == (0, 17, 3)
