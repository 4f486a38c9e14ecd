from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from shared.skeleton import JOINTS, RELIABILITY_RANKS
from tests.pose.refine.numbers import any_floats
from workers.pose.refine.reliability import next_reliability, stable_keypoints, unknown_reliability


def test_without_forgetting_it_is_the_references_mean(reference) -> None:
    random = np.random.default_rng(0)
    tracker = reference.KeypointConfidenceTracker(history_len=30)
    mean, weight = unknown_reliability(1)
    for _ in range(30):
        keypoints = random.random((17, 3))
        tracker.update(0, keypoints)
        mean, weight = next_reliability(mean, weight, keypoints[None, :, 2], np.zeros(1))
    assert mean[0] == pytest.approx([tracker.get_reliability(0, joint) for joint in range(17)])
    assert np.flatnonzero(stable_keypoints(mean)[0]).tolist() == tracker.get_stable_keypoints(0)


def test_somebody_never_seen_is_half_reliable_and_all_key_points_count_as_stable() -> None:
    mean, _ = unknown_reliability(2)
    assert (mean == 0.5).all()
    assert stable_keypoints(mean).all()


def test_the_first_frame_replaces_the_unknown() -> None:
    mean, weight = next_reliability(*unknown_reliability(1), np.full((1, 17), 0.9), np.zeros(1))
    assert mean == pytest.approx(0.9)
    assert weight == pytest.approx(1)


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_it_forgets_by_time_and_not_by_frames(fps: int) -> None:
    mean, weight = unknown_reliability(1)
    for _ in range(10 * fps):
        mean, weight = next_reliability(mean, weight, np.ones((1, 17)), np.full(1, 1 / fps))
    assert mean == pytest.approx(1)
    for _ in range(fps):
        mean, weight = next_reliability(mean, weight, np.zeros((1, 17)), np.full(1, 1 / fps))
    # A second later what was before counts e times less.
    assert mean == pytest.approx(np.exp(-1), abs=1e-3)


def test_ranks_follow_the_documents_table() -> None:
    rank = dict(zip(JOINTS, RELIABILITY_RANKS.tolist(), strict=True))
    assert rank["nose"] == rank["left_shoulder"] == rank["right_shoulder"] == 1
    assert rank["left_hip"] == rank["right_hip"] == 2
    assert rank["left_wrist"] == rank["right_wrist"] == rank["left_ankle"] == rank["right_ankle"] == 3


@given(any_floats(3, 17), any_floats(3))
def test_any_numbers_give_a_mean_between_0_and_1(confidence: np.ndarray, elapsed: np.ndarray) -> None:
    mean, weight = next_reliability(*unknown_reliability(3), confidence, elapsed)
    mean, weight = next_reliability(mean, weight, confidence[::-1], elapsed[::-1])
    assert ((mean >= 0) & (mean <= 1)).all()
    assert ((weight >= 1) & (weight <= 2)).all()
