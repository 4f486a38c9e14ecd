"""Smooth curves over time, from which every movement of the simulated site is made.

Motion is composed on knots, `RATE` a second, and read between them by a cubic; so it is one function of time,
whatever the frame rate it is looked at with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATE = 100.0


def ease(share: Floats) -> Floats:
    """The minimum-jerk path from 0 to 1 (Flash and Hogan, 1985); its peak speed is 1.875 a unit of time."""
    u = np.clip(share, 0.0, 1.0)
    return u * u * u * (10 - 15 * u + 6 * u * u)


def pulse(t: Floats, start: float, rise: float, end: float, fall: float) -> Floats:
    """Up from 0 to 1 in the `rise` seconds after `start`, down to 0 in the `fall` seconds before `end`."""
    return ease((t - start) / rise) * (1 - ease((t - end + fall) / fall))


def waves(rng: np.random.Generator, t: Floats, low: float, high: float, count: int = 4) -> Floats:
    """[K] a wandering signal with frequencies between `low` and `high` Hz and about unit spread."""
    frequency = rng.uniform(low, high, count)
    phase = rng.uniform(0, 2 * np.pi, count)
    size = np.sqrt(2 / count) * rng.uniform(0.7, 1.3, count)
    return np.asarray(np.sin(2 * np.pi * frequency * t[:, None] + phase) @ size)


def through(t: Floats, at: list[float] | Floats, values: Any) -> Floats:
    """[K, ...] from value to value, at rest at each (`values` [M, ...] at the times `at` [M])."""
    at, values = np.asarray(at, np.float64), np.asarray(values, np.float64)
    if len(at) == 1:
        return np.broadcast_to(values[0], t.shape + values.shape[1:]).copy()
    before = np.clip(np.searchsorted(at, t, side="right") - 1, 0, len(at) - 2)
    share = ease((t - at[before]) / np.maximum(at[before + 1] - at[before], 1e-9))
    share = share.reshape(share.shape + (1,) * (values.ndim - 1))
    return np.asarray(values[before] + share * (values[before + 1] - values[before]))


def smooth(values: Floats, sigma: float) -> Floats:
    """Values [K, ...] on knots under a Gaussian of `sigma` seconds; the ends go on as they are."""
    reach = int(np.ceil(3 * sigma * RATE))
    if reach < 1 or len(values) == 0:
        return values
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (sigma * RATE)) ** 2)
    kernel /= kernel.sum()
    columns = np.pad(values.reshape(len(values), -1), ((reach, reach), (0, 0)), mode="edge")
    done = [np.convolve(column, kernel, mode="valid") for column in columns.T]
    return np.stack(done, axis=1).reshape(values.shape)


def speed(values: Floats) -> Floats:
    """Change a second of values [K, ...] on knots."""
    return np.gradient(values, 1 / RATE, axis=0)


def between(values: Floats, first: float, at: Floats) -> Floats:
    """Values [K, ...] on knots, the first at the time `first`, read at the times `at` [T] by a cubic.

    Catmull-Rom: it goes through the knots and its speed is continuous. Outside it stands still.
    """
    place = np.clip((np.asarray(at, np.float64) - first) * RATE, 0, len(values) - 1)
    knot = np.minimum(place.astype(np.int64), max(len(values) - 2, 0))
    u = (place - knot).reshape((-1,) + (1,) * (values.ndim - 1))
    p, q, r, s = (values[np.clip(knot + step, 0, len(values) - 1)] for step in (-1, 0, 1, 2))
    bent = 2 * p - 5 * q + 4 * r - s + u * (3 * (q - r) + s - p)
    return np.asarray(q + 0.5 * u * (r - p + u * bent))
