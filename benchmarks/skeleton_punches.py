"""What is left of a punch's peak wrist speed after each filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.skeleton_scenes import FIGHTS, Recording, record
from benchmarks.skeleton_table import table
from workers.ingest.simulated import DetectorNoise
from workers.pose.refine import FixedLag, RefineConfig, Refiner

Floats = NDArray[np.float64]

WRISTS = [9, 10]
# Body heights a second: a wrist this fast, at its fastest, strikes.
STRIKE = 2.0
# A filter that is late has its peak later.
AROUND_S = 0.1


def punches(seeds: range) -> None:
    """Peak speed of wrists that strike, estimate over truth: without noise, and with it."""
    rows = []
    noises = {"exact key points": DetectorNoise().variants()["none"], "detected": DetectorNoise()}
    for name, noise in noises.items():
        for fps in (30.0, 15.0):
            recording = record(
                FIGHTS, seeds, fps=fps, seconds=8.0, noise=replace(noise, misses=0.0, bursts=0.0)
            )
            for method, estimate in _estimates(recording).items():
                kept = _kept(recording, estimate)
                low, middle, high = np.percentile(kept, [10, 50, 90])
                rows.append(
                    [name, f"{fps:g}", method, str(len(kept)), *(f"{v:.2f}" for v in (low, middle, high))]
                )
    table(
        "Peak wrist speed of strikes, estimate over truth",
        ["key points", "fps", "", "strikes", "p10", "median", "p90"],
        rows,
    )


def _estimates(recording: Recording) -> dict[str, Floats]:
    config = RefineConfig()
    causal, late = Refiner(config), FixedLag(config, 2)
    found = {
        name: np.full((*recording.measured.shape[:-1], 2), np.nan) for name in ("refined", "fixed lag 2")
    }
    waiting = []
    for row, seen in enumerate(recording.detected):
        people = np.flatnonzero(seen)
        frame = (recording.measured_boxes[row, people], recording.measured[row, people], recording.frame_size)
        answer = causal.update(recording.at[row], people, *frame)
        found["refined"][row, answer.track_ids] = answer.keypoints[..., :2]
        waiting.append(late.update(recording.at[row], people, *frame))
    for row, (_, answer) in enumerate([one for one in waiting if one] + late.flush()):
        found["fixed lag 2"][row, answer.track_ids] = answer.keypoints[..., :2]
    return {"raw (what the classifier gets)": recording.measured[..., :2], **found}


def _kept(recording: Recording, estimate: Floats) -> Floats:
    """[strikes] the peak of the estimate's speed near the truth's peak, over that."""
    truth, ours = _speeds(recording, recording.keypoints[..., :2]), _speeds(recording, estimate)
    span = max(1, round(AROUND_S / float(np.median(np.diff(recording.at)))))
    kept = []
    for person in range(truth.shape[1]):
        for wrist in range(len(WRISTS)):
            speed = truth[:, person, wrist]
            for row in range(span, len(speed) - span):
                near = slice(row - span, row + span + 1)
                if (
                    speed[row] >= STRIKE
                    and speed[row] == speed[near].max()
                    and np.isfinite(ours[near, person]).all()
                ):
                    kept.append(ours[near, person, wrist].max() / speed[row])
    return np.array(kept)


def _speeds(recording: Recording, places: Floats) -> Floats:
    """[T - 1, N, 2] of the wrists, body heights a second; NaN next to where a person is not in the image."""
    ways = np.linalg.norm(np.diff(places[:, :, WRISTS], axis=0), axis=-1)
    there = recording.present[1:] & recording.present[:-1]
    heights = np.where(there, recording.heights_px[1:], np.nan)
    return np.asarray(ways / heights[..., None] / np.diff(recording.at)[:, None, None])
