from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.skeleton import BONES, FLIP, JOINT_COUNT, JOINTS, OKS_SIGMAS, RELIABILITY_RANKS, soft_mask


def test_a_mirrored_skeleton_has_left_and_right_swapped() -> None:
    for joint, name in enumerate(JOINTS):
        swapped = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert JOINTS[FLIP[joint]] == swapped


def test_every_joint_has_a_bone_a_spread_and_a_rank_that_its_other_side_shares() -> None:
    assert {joint for bone in BONES for joint in bone} == set(range(JOINT_COUNT))
    for values in (OKS_SIGMAS, RELIABILITY_RANKS):
        assert values.shape == (JOINT_COUNT,)
        assert np.array_equal(values, values[FLIP])


def test_the_soft_mask_is_a_half_at_its_threshold() -> None:
    assert soft_mask(np.array([0.0, 0.3, 1.0])) == pytest.approx([0.04743, 0.5, 0.99909], abs=1e-5)
    assert soft_mask(np.array([0.6]), threshold=0.6, slope=50.0) == pytest.approx([0.5])
    assert soft_mask(np.array([np.nan, np.inf, -np.inf])) == pytest.approx([0.04743, 1, 0], abs=1e-5)


def test_the_soft_mask_keeps_the_precision_of_what_it_is_given() -> None:
    assert soft_mask(np.zeros((2, 3), np.float32)).dtype == np.float32
    assert soft_mask(np.zeros((2, 3))).dtype == np.float64


@given(st.lists(st.floats(), min_size=1), st.floats(0, 1), st.floats(0, 100))
def test_the_soft_mask_lies_between_nothing_and_all_and_never_falls(
    confidence: list[float], threshold: float, slope: float
) -> None:
    known = np.sort(np.nan_to_num(np.array(confidence), nan=0.0))
    mask = soft_mask(known, threshold, slope)
    assert ((mask >= 0) & (mask <= 1)).all()
    assert (np.diff(mask) >= 0).all()
