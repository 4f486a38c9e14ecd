"""Postures at moments, and the movement through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workers.ingest.simulated.controls import Controls, mix, put_foot, put_hand
from workers.ingest.simulated.curves import Floats, pulse, smooth
from workers.ingest.simulated.gait import arm

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Key:
    """A posture `at` seconds after the start; what is None is left to the other keys, or to the gait.

    Units are those of `Controls`. Arms are the angles of `gait.arm`: raised, out, bend, inward. A foot that
    is given leaves the floor's plan.
    """

    at: float
    drop: float | None = None
    offset: tuple[float, float] | None = None
    tilt: Vector | None = None
    spine: Vector | None = None
    head: Vector | None = None
    left_arm: tuple[float, float, float, float] | None = None
    right_arm: tuple[float, float, float, float] | None = None
    left_foot: Vector | None = None
    right_foot: Vector | None = None
    left_knee: Vector | None = None
    right_knee: Vector | None = None

    def mirrored(self) -> Key:
        """Left for right."""

        def turned(vector: Vector | None) -> Vector | None:
            return None if vector is None else (-vector[0], vector[1], -vector[2])

        return replace(
            self,
            offset=None if self.offset is None else (self.offset[0], -self.offset[1]),
            tilt=turned(self.tilt),
            spine=turned(self.spine),
            head=turned(self.head),
            left_arm=self.right_arm,
            right_arm=self.left_arm,
            left_foot=self.right_foot,
            right_foot=self.left_foot,
            left_knee=self.right_knee,
            right_knee=self.left_knee,
        )


def play(
    c: Controls,
    t: Floats,
    start: float,
    keys: Sequence[Key],
    *,
    until: float,
    rise: float = 0.4,
    fall: float = 0.4,
    sigma: float = 0.07,
) -> None:
    """Let the controls go through keys and leave them again before `until`.

    Args:
        c: the controls of some knots.
        t: [k] their times.
        start: the time of a key at 0.
        keys: in the order of time.
        until: when the gait has the controls to itself again.
        rise: seconds in which the keys take over.
        fall: seconds in which they let go.
        sigma: seconds over which corners are rounded.
    """
    weight = pulse(t, start, rise, until, fall)
    for name in ("drop", "offset", "tilt", "spine", "head"):
        values = _course(t - start, keys, name, sigma)
        if values is not None:
            mix(getattr(c, name), weight, values)
    for side, prefix in enumerate(("left", "right")):
        angles = _course(t - start, keys, f"{prefix}_arm", sigma)
        if angles is not None:
            hand, elbow = arm(*angles.T)
            put_hand(c, side, weight, hand, elbow)
        foot = _course(t - start, keys, f"{prefix}_foot", sigma)
        if foot is not None:
            put_foot(c, side, weight, foot)
        knee = _course(t - start, keys, f"{prefix}_knee", sigma)
        if knee is not None:
            mix(c.knee[:, side], weight, knee)


def _course(since: Floats, keys: Sequence[Key], name: str, sigma: float) -> Floats | None:
    """[k, ...] what the keys say about one control; None if they say nothing."""
    said = [(key.at, getattr(key, name)) for key in keys if getattr(key, name) is not None]
    if not said:
        return None
    at = [moment for moment, _ in said]
    values = np.array([value for _, value in said], np.float64)
    columns = values.reshape(len(said), -1).T
    course = np.stack([np.interp(since, at, column) for column in columns], axis=1)
    return smooth(course, sigma).reshape(len(since), *values.shape[1:])
