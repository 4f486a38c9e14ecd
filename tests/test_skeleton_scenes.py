"""Recordings for benchmarks of skeletons: what is stacked is what was observed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.skeleton_scenes import clock, record
from workers.ingest.simulated import DetectorNoise


def test_each_detection_stands_in_the_row_of_its_owner() -> None:
    recording = record(("walking", "standing"), (0, 1), fps=10, seconds=3, people=2)
    assert recording.measured.shape == (30, 8, 17, 3)
    assert recording.detected.any()
    found = np.zeros_like(recording.detected)
    for scene, frames in enumerate(recording.observations):
        for row, seen in enumerate(frames):
            for who, box, keypoints in zip(seen.owner, seen.boxes, seen.keypoints, strict=True):
                if who >= 0:
                    found[row, 2 * scene + who] = True
                    assert np.array_equal(recording.measured[row, 2 * scene + who], keypoints)
                    assert np.array_equal(recording.measured_boxes[row, 2 * scene + who], box)
    assert np.array_equal(recording.detected, found)
    assert np.isnan(recording.measured[~found]).all()


def test_the_truth_stands_beside_what_is_measured() -> None:
    recording = record("fight", (3,), fps=15, seconds=3, noise=DetectorNoise().variants()["none"])
    both = recording.detected & recording.present
    away = np.linalg.norm(recording.measured[..., :2] - recording.keypoints[..., :2], axis=-1)
    seen = both[..., None] & (recording.keypoints[..., 2] > 0)
    assert np.median(away[seen] / np.broadcast_to(recording.heights_px[..., None], seen.shape)[seen]) < 0.005


def test_irregular_time_rises_and_is_the_same_for_every_scene() -> None:
    at = clock(25, 10, irregular=True)
    steps = np.diff(at)
    assert (steps > 0).all()
    assert steps.max() > 2 * steps.min()
    assert len(at) < 250
    assert np.array_equal(record("standing", (5,), fps=25, irregular=True, people=1).at, at)


def test_nothing_to_record_is_said() -> None:
    with pytest.raises(ValueError, match="name one of each"):
        record("standing", ())
