"""How far estimated skeletons are from the truth: jitter, error, lag, and what happens while nobody is seen.

All lengths are in body heights (of the truth, at that moment), all means over points: the length of a point's
difference is sqrt(dx^2 + dy^2), so white noise of sigma in x and in y is an error of sqrt(2) sigma. People
count in the moments at which they are in the image. Estimates that are marked as predicted count in the gap
error only.

T moments, N people, J = 17 joints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.pose.evaluation.lag import best_lags, lag_costs
from workers.pose.evaluation.unseen import GapScore, gap_score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SkeletonScore:
    """Each number is NaN where nothing could be measured.

    Attributes:
        jitter: RMS second difference, over three moments in a row, of (estimate - truth). It grows with the
            frame rate's inverse for a drifting estimate: compare at equal rates only.
        error: RMS of (estimate - truth).
        lag_ms: the delay of the truth that brings it nearest to the estimate (least squares, -100 to 300 ms).
        found: share of the truth's person-moments that have an estimate which is not predicted.
        jitter_by_joint: [17].
        error_by_joint: [17].
        error_over_time: [T].
        lags_ms: [N, 17].
        gaps: what happens while people are unseen.
    """

    jitter: float
    error: float
    lag_ms: float
    found: float
    jitter_by_joint: Floats
    error_by_joint: Floats
    error_over_time: Floats
    lags_ms: Floats
    gaps: GapScore


def score(
    at: Floats,
    truth: Floats,
    present: Bools,
    heights: Floats,
    estimate: Floats,
    *,
    predicted: Bools | None = None,
    visible_only: bool = False,
) -> SkeletonScore:
    """Compare estimated key points with the truth of the same moments.

    Args:
        at: [T] seconds, rising.
        truth: [T, N, 17, 2 or 3] x, y in pixels; the third tells visible (above 0) from hidden joints.
        present: [T, N] who is in the image.
        heights: [T, N] body heights, pixels.
        estimate: [T, N, 17, 2 or more] x, y in pixels, NaN where there is none.
        predicted: [T, N] estimates made while the person was not seen; none if absent.
        visible_only: leave out joints that are hidden in truth.

    Raises:
        ValueError: the shapes do not belong together, or time does not rise.
    """
    _check(at, truth, present, heights, estimate, predicted)
    at, heights = np.asarray(at, np.float64), np.asarray(heights, np.float64)
    unseen = np.zeros(present.shape, bool) if predicted is None else predicted.astype(bool)
    places = np.asarray(truth[..., :2], np.float64)
    guesses = np.asarray(estimate[..., :2], np.float64)
    there = present & np.isfinite(heights) & (heights > 0)
    counts = there[..., None] & np.isfinite(places).all(axis=-1)
    if visible_only:
        counts &= truth[..., 2] > 0
    here: Bools = np.asarray(counts.any(axis=2))
    known = counts & np.isfinite(guesses).all(axis=-1)
    size = np.where(there, heights, 1.0)[..., None, None]
    places, guesses = np.where(counts[..., None], places, 0.0), np.where(known[..., None], guesses, 0.0)
    seen = known & ~unseen[..., None]
    off = (guesses - places) / size
    squares = np.where(seen, np.square(off).sum(axis=-1), 0.0)
    bends, bent = _second_differences(off, seen)
    costs = lag_costs(at, places, size[..., 0, 0], here, guesses, seen)
    return SkeletonScore(
        jitter=float(_rms(bends, bent)),
        error=float(_rms(squares, seen)),
        lag_ms=1000 * float(best_lags(_pooled(costs, seen))),
        found=_share(np.asarray(seen.any(axis=2)), here),
        jitter_by_joint=_rms(bends, bent, (0, 1)),
        error_by_joint=_rms(squares, seen, (0, 1)),
        error_over_time=_rms(squares, seen, (1, 2)),
        lags_ms=1000 * best_lags(costs),
        gaps=gap_score(at, places, size[..., 0, 0], known, guesses, unseen),
    )


def _check(
    at: Floats, truth: Floats, present: Bools, heights: Floats, estimate: Floats, predicted: Bools | None
) -> None:
    shape = present.shape
    joints = (*shape, 17)
    if len(shape) != 2 or at.shape != shape[:1] or heights.shape != shape:
        raise ValueError(
            f"times {at.shape}, present {shape} and heights {heights.shape} do not belong together"
        )
    if truth.shape[:-1] != joints or truth.shape[-1] < 2 or estimate.shape[:-1] != joints:
        raise ValueError(f"truth {truth.shape} and estimate {estimate.shape} must be {joints} and x, y")
    if predicted is not None and predicted.shape != shape:
        raise ValueError(f"predicted {predicted.shape} must be {shape}")
    if not (np.isfinite(at).all() and (np.diff(at) > 0).all()):
        raise ValueError("times must rise")


def _second_differences(off: Floats, seen: Bools) -> tuple[Floats, Bools]:
    """[T - 2, N, J] squared second differences, and where all three moments are seen."""
    bent = seen[2:] & seen[1:-1] & seen[:-2]
    bends = np.square(off[2:] - 2 * off[1:-1] + off[:-2]).sum(axis=-1)
    return np.where(bent, bends, 0.0), bent


def _rms(squares: Floats, counted: Bools, axis: tuple[int, ...] | None = None) -> Floats:
    """Root of the mean of squares that are 0 where they do not count; NaN where none does."""
    count = counted.sum(axis=axis)
    total = np.asarray(squares.sum(axis=axis))
    return np.asarray(np.sqrt(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)))


def _pooled(costs: Floats, seen: Bools) -> Floats:
    """[L] costs of all people and joints, each by how often it is seen."""
    weights = np.where(np.isfinite(costs[0]), seen.sum(axis=0), 0)
    if not weights.any():
        return np.full(len(costs), np.nan)
    return np.asarray((np.nan_to_num(costs) * weights).sum(axis=(1, 2)) / weights.sum())


def _share(part: Bools, whole: Bools) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else float("nan")
