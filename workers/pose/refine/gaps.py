"""Gaps in tracks that are already recorded, filled from both sides. T moments, P people, 17 joints."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Method = Literal["linear", "smoothstep", "cubic"]

MAX_GAP_S = 1.0
# How sure what is filled is, of the less sure side (the research document, iteration 3).
FILLED_CONFIDENCE = 0.8
# Of a joint's way before and after the gap, to tell its velocity there.
_VELOCITY_S = 0.15
# A velocity tells less of a gap the longer that is: then the line between its ends is the better guess.
_VELOCITY_LASTS_S = 0.5
_MOST = 1e9


def fill_gaps(
    at: Floats, keypoints: Floats, max_gap_s: float = MAX_GAP_S, method: Method = "cubic"
) -> tuple[NDArray[np.float64], Bools]:
    """Fill what is missing between two moments at which a key point is known.

    smoothstep agrees with `SkeletonInterpolator.interpolate_gap` of the research document (iteration 3) and
    stands still at both ends; cubic goes on with the velocities of both sides (Hermite), the less so the
    longer the gap.

    Args:
        at: [T] seconds, rising.
        keypoints: [T, 17, 3] or [T, P, 17, 3] x, y, confidence; missing where not finite, or beyond 1e9.
        max_gap_s: gaps up to this long, from the last to the next known moment, are filled.
        method: how.

    Returns:
        The key points, NaN where still missing, and which of them were filled: the same shape without the
        last axis.

    Raises:
        ValueError: `at` does not rise, or does not fit.
    """
    times = np.asarray(at, np.float64)
    if times.shape != keypoints.shape[:1] or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError(f"times {times.shape} must rise, one for each of {keypoints.shape[0]} moments")
    columns = int(np.prod(keypoints.shape[1:-1]))
    values = np.asarray(keypoints, np.float64).reshape(len(times), columns, 3)
    known: Bools = np.asarray((np.abs(values) <= _MOST).all(axis=-1))
    values = np.where(known[..., None], values, np.nan)
    before, after = _known_neighbours(known)
    row, column = np.nonzero(~known & (before >= 0) & (after < len(times)))
    start, end = before[row, column], after[row, column]
    short = times[end] - times[start] <= max_gap_s + 1e-9
    row, column, start, end = row[short], column[short], start[short], end[short]
    first, last = values[start, column], values[end, column]
    length = times[end] - times[start]
    share = ((times[row] - times[start]) / length)[:, None]
    filled = np.empty((len(row), 3))
    eased = share * share * (3 - 2 * share) if method == "smoothstep" else share
    filled[:, :2] = (1 - eased) * first[:, :2] + eased * last[:, :2]
    if method == "cubic":
        through = (last[:, :2] - first[:, :2]) / length[:, None]
        leaving = _velocities(times, values, known, start, column, -1, through) - through
        arriving = _velocities(times, values, known, end, column, 1, through) - through
        bend = (length * np.exp(-length / _VELOCITY_LASTS_S))[:, None] * share * (1 - share)
        filled[:, :2] += bend * ((1 - share) * leaving - share * arriving)
    filled[:, 2] = FILLED_CONFIDENCE * np.minimum(first[:, 2], last[:, 2])
    marks = np.zeros(known.shape, bool)
    values[row, column], marks[row, column] = filled, True
    return values.reshape(keypoints.shape), marks.reshape(keypoints.shape[:-1])


def _known_neighbours(known: Bools) -> tuple[Ints, Ints]:
    """[T, K] the newest known moment up to each, -1 if none; the first one from it on, T if none."""
    moments = np.arange(len(known))[:, None]
    before = np.maximum.accumulate(np.where(known, moments, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, moments, len(known))[::-1], axis=0)[::-1]
    return before.astype(np.int64), after.astype(np.int64)


def _velocities(
    at: NDArray[np.float64],
    values: NDArray[np.float64],
    known: Bools,
    edge: Ints,
    column: Ints,
    step: Literal[-1, 1],
    otherwise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """[G, 2] velocity at the edge of each gap, a least-squares line through what is known near it.

    It is `otherwise` [G, 2] where nothing but the edge itself is known.
    """
    reach = np.searchsorted(at, at + _VELOCITY_S + 1e-9, side="right") - np.arange(len(at))
    rows = edge[:, None] + step * np.arange(reach.max(initial=0))
    inside = (rows >= 0) & (rows < len(at))
    rows = np.clip(rows, 0, max(len(at) - 1, 0))
    away = at[rows] - at[edge][:, None]
    near = inside & known[rows, column[:, None]] & (np.abs(away) <= _VELOCITY_S + 1e-9)
    # Only what hangs together with the edge: beyond another gap it was another motion.
    weights = np.logical_and.accumulate(near, axis=1).astype(np.float64)
    mass = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    places = np.where(weights[..., None] > 0, values[rows, column[:, None], :2], 0.0)
    centred = np.where(weights > 0, away - (weights * away).sum(axis=1, keepdims=True) / mass, 0.0)
    spread = np.square(centred).sum(axis=1, keepdims=True)
    covered = (centred[..., None] * places).sum(axis=1)
    return np.asarray(np.divide(covered, spread, out=otherwise.copy(), where=spread > 1e-12))
