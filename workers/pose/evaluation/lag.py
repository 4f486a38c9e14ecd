"""How much later than the truth an estimate is.

T moments, N people, J joints, L lags that are tried.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LAGS_S = np.arange(-0.1, 0.3 + 1e-9, 0.01)


def lag_costs(
    at: Floats, truth: Floats, heights: Floats, there: Bools, estimate: Floats, counted: Bools
) -> Floats:
    """[L, N, J] mean squared distance of estimate(t) to truth(t - lag), for each lag of `LAGS_S`.

    The truth between its moments is a cubic (Hermite, tangents from the neighbours). Only moments count at
    which the truth is known for every lag, so that all lags are judged by the same moments.

    Args:
        at: [T] seconds, rising.
        truth: [T, N, J, 2] pixels.
        heights: [T, N] pixels: the unit of the distances at each moment of the estimate.
        there: [T, N] where the truth is known.
        estimate: [T, N, J, 2] pixels, of the same moments.
        counted: [T, N, J] which estimates count.

    Returns:
        NaN for joints without a moment that counts.
    """
    if len(at) < 2:
        return np.full((len(LAGS_S), *counted.shape[1:]), np.nan)
    tangents = _tangents(at, truth, there)
    moments = at[:, None] - LAGS_S
    before = np.clip(np.searchsorted(at, moments, side="right") - 1, 0, len(at) - 2)
    covered = (moments >= at[0] - 1e-9) & (moments <= at[-1] + 1e-9)
    known = (covered[..., None] & there[before] & there[before + 1]).all(axis=1)
    counted = counted & known[..., None]
    here = np.where(counted[..., None], estimate, 0.0)
    counts = counted.sum(axis=0).astype(np.float64)
    costs = np.empty((len(LAGS_S), *counts.shape))
    for column, row in enumerate(before.T):
        delayed = _between(at, truth, tangents, row, moments[:, column])
        off = np.where(counted[..., None], (here - delayed) / heights[..., None, None], 0.0)
        costs[column] = np.einsum("tnjc,tnjc->nj", off, off)
    return np.asarray(np.divide(costs, counts, out=np.full_like(costs, np.nan), where=counts > 0))


def best_lags(costs: Floats) -> Floats:
    """[...] seconds at which the costs [L, ...] are least, between the lags tried too; NaN where none is."""
    known = np.isfinite(costs).all(axis=0)
    filled = np.where(known, costs, 0.0)
    # Nothing moves: every lag is as good as any other.
    known &= np.ptp(filled, axis=0) > 1e-12
    middle = np.clip(filled.argmin(axis=0), 1, len(costs) - 2)
    left, least, right = (np.take_along_axis(filled, (middle + step)[None], 0)[0] for step in (-1, 0, 1))
    bend = left - 2 * least + right
    shift = np.divide(left - right, 2 * bend, out=np.zeros_like(bend), where=bend > 0)
    spacing = LAGS_S[1] - LAGS_S[0]
    return np.asarray(np.where(known, LAGS_S[middle] + spacing * np.clip(shift, -1, 1), np.nan))


def _tangents(at: Floats, truth: Floats, there: Bools) -> Floats:
    """[T, N, J, 2] rates of change a second: from both neighbours, or from the one that is there."""
    slopes = np.diff(truth, axis=0) / np.diff(at)[:, None, None, None]
    both = (there[1:] & there[:-1])[..., None, None]
    # A short step tells more about the moment than a long one.
    weights = np.broadcast_to(both / np.diff(at)[:, None, None, None], (*both.shape[:2], 1, 1))
    total, mass = np.zeros_like(truth), np.zeros((*truth.shape[:2], 1, 1))
    for side in (slice(1, None), slice(None, -1)):
        total[side] += np.where(both, weights * slopes, 0.0)
        mass[side] += weights
    return np.divide(total, mass, out=np.zeros_like(total), where=mass > 0)


def _between(at: Floats, values: Floats, tangents: Floats, before: NDArray[Any], moments: Floats) -> Floats:
    """[T, N, J, 2] values at the moments [T], each between the rows `before` and the next."""
    period = (at[before + 1] - at[before])[:, None, None, None]
    share = ((moments - at[before])[:, None, None, None] / period).clip(0, 1)
    rest = 1 - share
    start, end = values[before], values[before + 1]
    return np.asarray(
        rest**2 * (1 + 2 * share) * start
        + share**2 * (1 + 2 * rest) * end
        + share * rest * period * (rest * tangents[before] - share * tangents[before + 1])
    )
