"""Ways over the floor: corners are cut, and whoever is fast slows down for bends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workers.ingest.simulated.curves import RATE, Floats, ease

_SPACING_M = 0.05
# What a moving person bears: acceleration to the side (m/s2) and turning (radians a second).
_SIDEWAYS = 3.0
_TURNING = 2.5
_START_UP_S = 0.7


@dataclass(frozen=True)
class Path:
    """A way through points [M, 2], about 5 cm apart.

    Attributes:
        points: metres.
        gone: [M] metres up to each.
        yaw: [M] where the way leads there, unwrapped.
    """

    points: Floats
    gone: Floats
    yaw: Floats

    @classmethod
    def through(cls, places: Floats) -> Path:
        """The way through places [P, 2]; only its ends are reached exactly."""
        for _ in range(3 if len(places) > 2 else 0):
            heads, tails = places[:-1], places[1:]
            cut = np.stack([heads + 0.3 * (tails - heads), tails - 0.3 * (tails - heads)], axis=1)
            places = np.concatenate([places[:1], cut.reshape(-1, 2)[1:-1], places[-1:]])
        lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
        even = np.linspace(0, lengths[-1], max(3, math.ceil(lengths[-1] / _SPACING_M) + 1))
        points = np.stack([np.interp(even, lengths, column) for column in places.T], axis=1)
        gone = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        way = np.gradient(points, axis=0)
        return cls(points, gone, _evened(np.unwrap(np.arctan2(way[:, 1], way[:, 0])), 5))

    @property
    def length(self) -> float:
        """Metres."""
        return float(self.gone[-1])

    def at(self, gone: Floats) -> Floats:
        """[k, 2] the places after so many metres."""
        return np.stack([np.interp(gone, self.gone, column) for column in self.points.T], axis=1)

    def walked(self, since: Floats, speed: float) -> tuple[Floats, float]:
        """Metres gone `since` [k] seconds after the start, and the seconds it all takes.

        `speed` is reached where the way is straight.
        """
        bend = np.abs(np.gradient(self.yaw)) / max(self.length / (len(self.gone) - 1), 1e-6)
        slowest = np.minimum(np.sqrt(_SIDEWAYS / np.maximum(bend, 1e-6)), _TURNING / np.maximum(bend, 1e-6))
        effort = _evened(np.maximum(speed / np.maximum(slowest, 0.3), 1.0), 8)
        steps = np.diff(self.gone) * (effort[1:] + effort[:-1]) / 2
        worth = np.concatenate([[0], np.cumsum(steps)])
        start_up = _START_UP_S * max(1.0, speed / 2)
        cruise = max(float(worth[-1]) / speed - start_up, 0.0)
        peak = float(worth[-1]) / (cruise + start_up)
        pace = peak * ease(since / start_up) * (1 - ease((since - start_up - cruise) / start_up))
        done = np.cumsum(pace) / RATE
        return np.interp(done, worth, self.gone), cruise + 2 * start_up


def _evened(values: Floats, reach: int) -> Floats:
    """Values [M] under a bell of a few points."""
    kernel = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
