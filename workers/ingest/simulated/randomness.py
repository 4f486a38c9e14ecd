"""Random signals over any moments: correlated in elapsed time, not in frames."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.curves import Floats


def wandering(
    rng: np.random.Generator,
    at: Floats,
    shape: tuple[int, ...],
    correlation_s: float,
    degrees: float = math.inf,
) -> Floats:
    """[T, *shape] noise of unit variance whose correlation falls by e in `correlation_s` (0: white).

    An Ornstein-Uhlenbeck process, so that other frame rates see samples of the same law. With `degrees` of
    freedom (above 2) its innovations are Student's t.
    """
    fresh = rng.standard_normal((len(at), *shape))
    if math.isfinite(degrees):
        fresh *= np.sqrt((degrees - 2) / rng.chisquare(degrees, fresh.shape))
    if correlation_s <= 0:
        return fresh
    kept = np.exp(-np.diff(at) / correlation_s)
    new = np.sqrt(1 - kept**2)
    for moment in range(1, len(at)):
        fresh[moment] = kept[moment - 1] * fresh[moment - 1] + new[moment - 1] * fresh[moment]
    return fresh


def spells(
    rng: np.random.Generator,
    at: Floats,
    shape: tuple[int, ...],
    per_second: float,
    seconds: tuple[float, float],
) -> NDArray[np.bool_]:
    """[T, *shape] when something lasts that begins `per_second` times a second and takes `seconds` from, to.

    Lengths are log-uniform. What falls between two moments is not seen.
    """
    shortest, longest = seconds
    here = np.zeros((len(at), math.prod(shape)), bool)
    if not len(at) or not here.shape[1] or per_second <= 0:
        return here.reshape(len(at), *shape)
    begin, end = float(at[0]) - longest, float(at[-1])
    count = int(rng.poisson(per_second * (end - begin) * here.shape[1]))
    whose = rng.integers(here.shape[1], size=count)
    starts = rng.uniform(begin, end, count)
    ends = starts + np.exp(rng.uniform(math.log(shortest), math.log(longest), count))
    bounds = np.searchsorted(at, np.stack([starts, ends], axis=1))
    for column, (low, high) in zip(whose, bounds, strict=True):
        here[low:high, column] = True
    return here.reshape(len(at), *shape)


def mean_length(seconds: tuple[float, float]) -> float:
    """The mean of those log-uniform lengths."""
    shortest, longest = seconds
    return (longest - shortest) / math.log(longest / shortest) if longest > shortest else shortest
