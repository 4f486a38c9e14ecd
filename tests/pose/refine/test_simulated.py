"""The default on simulated people, against what the detector says itself."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.skeleton_scenes import FIGHTS, MOVING, STILL, Recording, record
from tests.pose.refine.people import played
from workers.ingest.simulated import DetectorNoise
from workers.pose.evaluation.skeletons import SkeletonScore, score
from workers.pose.refine import RefineConfig, Refiner

NOISES = DetectorNoise().variants()


def judged(recording: Recording, answers: np.ndarray, predicted: np.ndarray | None = None) -> SkeletonScore:
    r = recording
    return score(r.at, r.keypoints, r.present, r.heights_px, answers, predicted=predicted)


def refined_and_raw(recording: Recording) -> tuple[SkeletonScore, SkeletonScore]:
    answers, predicted = played(Refiner(RefineConfig()), recording)
    return judged(recording, answers, predicted), judged(recording, recording.measured)


@pytest.mark.parametrize("kinds", [STILL, MOVING, FIGHTS], ids=["standing", "moving", "fights"])
@pytest.mark.parametrize(
    ("fps", "irregular"), [(30, False), (25, False), (15, False), (10, False), (30, True), (15, True)]
)
def test_it_is_much_steadier_and_never_farther_off(kinds: tuple[str, ...], fps: int, irregular: bool) -> None:
    # Fights have two people each, and blows of their own.
    seeds = range(61, 67) if kinds is FIGHTS else [61]
    ours, raw = refined_and_raw(record(kinds, seeds, fps=fps, seconds=4.0, irregular=irregular))
    assert ours.jitter < (0.6 if fps > 10 else 0.7) * raw.jitter
    assert ours.error < raw.error
    assert ours.found == raw.found


@pytest.mark.parametrize("kinds", [STILL, MOVING, FIGHTS], ids=["standing", "moving", "fights"])
@pytest.mark.parametrize("noise", [name for name in NOISES if name not in ("default", "none")])
def test_other_detectors_are_steadied_too(kinds: tuple[str, ...], noise: str) -> None:
    ours, raw = refined_and_raw(record(kinds, [63], seconds=4.0, noise=NOISES[noise]))
    assert ours.jitter < 0.6 * raw.jitter
    assert ours.error < raw.error


def test_a_perfect_detector_is_hardly_made_worse() -> None:
    # It still guesses at what is hidden.
    ours, raw = refined_and_raw(record(MOVING, [64], seconds=4.0, noise=NOISES["none"]))
    assert ours.error < 1.02 * raw.error


@pytest.mark.parametrize("kinds", [MOVING, FIGHTS], ids=["moving", "fights"])
def test_the_unseen_are_nearer_to_where_they_are_than_to_where_they_were(kinds: tuple[str, ...]) -> None:
    recording = record(kinds, range(65, 68), seconds=4.0)
    answers, predicted = played(Refiner(RefineConfig()), recording)
    gaps = judged(recording, answers, predicted).gaps
    assert gaps.count.sum() > 400
    assert np.average(gaps.error, weights=gaps.count) < np.average(gaps.held, weights=gaps.count)
