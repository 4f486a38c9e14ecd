"""How estimates do while a person is not seen, and at the return.

T moments, N people, J joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class GapScore:
    """Distances from the truth, in body heights, while people are unseen.

    Attributes:
        frames: [G] for how many frames the person has been unseen, each number that occurs, rising.
        seconds: [G] for how long, on average.
        error: [G] mean distance of the predicted key points.
        held: [G] the same, had the last seen estimate been held instead.
        count: [G] key points behind these means.
        jumps: [R] for each return, the mean over the joints of how far the step from the last predicted to
            the first seen estimate differs from the truth's step.
    """

    frames: Ints
    seconds: Floats
    error: Floats
    held: Floats
    count: Ints
    jumps: Floats

    def at(self, frames: int) -> tuple[float, float]:
        """Error and error of holding at that many frames; NaN where no gap was so long."""
        found = self.frames == frames
        return (float(self.error[found][0]), float(self.held[found][0])) if found.any() else (np.nan, np.nan)


def gap_score(
    at: Floats, truth: Floats, heights: Floats, known: Bools, estimate: Floats, predicted: Bools
) -> GapScore:
    """Judge the estimates of people who are not seen.

    Args:
        at: [T] seconds.
        truth: [T, N, J, 2] pixels.
        heights: [T, N] pixels.
        known: [T, N, J] where there are both a truth that counts and an estimate.
        estimate: [T, N, J, 2] pixels.
        predicted: [T, N] estimates made while the person was not seen.
    """
    seen = known.any(axis=2) & ~predicted
    last = _last_seen(seen)
    rows, people = np.nonzero(predicted & known.any(axis=2) & (last >= 0))
    earlier = last[rows, people]
    size = heights[rows, people, None]
    valid = known[rows, people] & known[earlier, people]
    off = np.linalg.norm(estimate[rows, people] - truth[rows, people], axis=-1) / size
    stale = np.linalg.norm(estimate[earlier, people] - truth[rows, people], axis=-1) / size
    frames, group = np.unique(rows - earlier, return_inverse=True)
    count = _sums(group, valid.astype(np.float64), len(frames))
    return GapScore(
        frames=frames.astype(np.int64),
        seconds=_sums(group, (at[rows] - at[earlier])[:, None], len(frames))
        / np.maximum(np.bincount(group, minlength=len(frames)), 1),
        error=_sums(group, np.where(valid, off, 0.0), len(frames)) / np.maximum(count, 1),
        held=_sums(group, np.where(valid, stale, 0.0), len(frames)) / np.maximum(count, 1),
        count=count.astype(np.int64),
        jumps=_jumps(truth, heights, known, estimate, predicted),
    )


def _last_seen(seen: Bools) -> Ints:
    """[T, N] the newest moment, up to each, at which the person was seen; -1 before the first."""
    moments = np.where(seen, np.arange(len(seen))[:, None], -1)
    return np.maximum.accumulate(moments, axis=0).astype(np.int64)


def _jumps(truth: Floats, heights: Floats, known: Bools, estimate: Floats, predicted: Bools) -> Floats:
    both = known[1:] & known[:-1]
    rows, people = np.nonzero(predicted[:-1] & ~predicted[1:] & both.any(axis=2))
    step = estimate[rows + 1, people] - estimate[rows, people]
    due = truth[rows + 1, people] - truth[rows, people]
    away = np.linalg.norm(step - due, axis=-1) / heights[rows + 1, people, None]
    valid = both[rows, people]
    return np.asarray(np.where(valid, away, 0.0).sum(axis=1) / np.maximum(valid.sum(axis=1), 1))


def _sums(group: Ints, values: Floats, groups: int) -> Floats:
    """[G] sums of the rows [K, ...] of each group."""
    return np.asarray(np.bincount(group, values.sum(axis=1), minlength=groups), np.float64)
