"""The One Euro filter (Casiez, Roussel, Vogel, CHI 2012), for many signals, each with its own clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class OneEuro:
    """Frequencies in Hz; `beta` in Hz for each body height a second."""

    min_cutoff: float
    beta: float
    d_cutoff: float

    def step(
        self, measured: Array, position: Array, rate: Array, elapsed: Array, unit: Array
    ) -> tuple[Array, Array, Array]:
        """The next filtered position, its rate of change and the weight of the new value.

        The filter takes its rate from the new value and the last *filtered* one, which lags: at a steady
        speed the rate is the speed divided by the weight. Rate times weight is the speed.

        Agrees with the author's package (OneEuroFilter 0.2.1) where `unit` is 1.

        Args:
            measured: [P, ...] new values.
            position: [P, ...] last filtered values.
            rate: [P, ...] last filtered rates a second.
            elapsed: [P] seconds since the last value; where it is not above 0 the last value stands.
            unit: [P] size of one body height, in which speed is told slow from fast.
        """
        shape = (-1,) + (1,) * (measured.ndim - 1)
        period, unit = elapsed.reshape(shape), unit.reshape(shape)
        running = period > 0
        safe = np.where(running, period, 1.0)
        rate_weight = _weight(np.asarray(self.d_cutoff), safe)
        new_rate = rate_weight * ((measured - position) / safe) + (1 - rate_weight) * rate
        weight = _weight(self.min_cutoff + self.beta * np.abs(new_rate) / unit, safe)
        new_position = weight * measured + (1 - weight) * position
        return np.where(running, new_position, position), np.where(running, new_rate, rate), weight


def _weight(cutoff: Array, period: Array) -> Array:
    return 1 / (1 + 1 / (2 * math.pi * cutoff * period))
