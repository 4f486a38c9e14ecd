"""What a body is told to do, and how postures are mixed.

Every control is a plain number or vector, so postures mix by weighted sums. Leading axes [...] are [K] knots
of one person or [T, N] moments and people. Vectors are (forward, left, up); those of a limb are (forward,
outward, up), so that left and right mirror each other. Rotations are vectors along their axis, in radians: x
leans to the right, y forward, z turns to the left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from workers.ingest.simulated.curves import Floats, between, smooth


@dataclass
class Controls:
    """What a body is told to do; written by `gait` and by actions, then read by `points_of`."""

    root: Floats  # [..., 2] metres on the floor
    yaw: Floats  # [...] where the body faces
    drop: Floats  # [...] of the pelvis, in hip heights
    offset: Floats  # [..., 2] of the pelvis from the root, in hip heights
    tilt: Floats  # [..., 3] rotation of the pelvis
    spine: Floats  # [..., 3] rotation of the chest against the pelvis
    head: Floats  # [..., 3] rotation of the head against the chest
    hand: Floats  # [..., 2, 3] wrist from shoulder, in the chest's axes, in arm lengths
    elbow: Floats  # [..., 2, 3] where the elbow points, in the chest's axes
    ankle: Floats  # [..., 2, 3] the walking feet's ankles, metres in the world
    free: Floats  # [..., 2] in [0, 1]: how far `foot` overrules `ankle`
    foot: Floats  # [..., 2, 3] ankle from root, in the heading's axes, in hip heights; up from ankle height
    knee: Floats  # [..., 2, 3] where the knee points, in the pelvis's axes
    toe: Floats  # [..., 2] where the toes point in the world
    load: Floats  # [..., 3] radii in metres of what is carried: between the hands, left bag, right bag

    def on(self, knots: slice) -> Controls:
        """Views of some knots."""
        return Controls(**{f.name: getattr(self, f.name)[knots] for f in fields(self)})


@dataclass(frozen=True)
class Sampler:
    """People's controls on knots, to be read between them.

    Attributes:
        values: [K, N, F] all fields of all people, one after the other: they are read in one go.
        shapes: of each field, for one person at one time.
        first: time of the first knot.
    """

    values: Floats
    shapes: tuple[tuple[int, ...], ...]
    first: float

    @classmethod
    def of(cls, people: Sequence[Controls], first: float) -> Sampler:
        """Of one person or more."""
        names = [f.name for f in fields(Controls)]
        rows = [
            np.concatenate([getattr(one, name).reshape(len(one.yaw), -1) for name in names], 1)
            for one in people
        ]
        shapes = tuple(getattr(people[0], name).shape[1:] for name in names)
        return cls(np.stack(rows, axis=1), shapes, first)

    def at(self, times: Floats) -> Controls:
        """Fields are [T, N, ...]."""
        read = between(self.values, self.first, times)
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        parts = np.split(read, ends[:-1], axis=-1)
        return Controls(
            *(part.reshape(*read.shape[:2], *shape) for part, shape in zip(parts, self.shapes, strict=True))
        )


def mix(control: Floats, weight: Any, value: Any) -> None:
    """Replace a control by `value` as far as `weight` [K] in [0, 1] says, in place."""
    weight = np.asarray(weight, np.float64)
    weight = weight.reshape(weight.shape + (1,) * (control.ndim - weight.ndim))
    control += weight * (value - control)


def put_hand(c: Controls, side: int, weight: Any, hand: Any, elbow: Any) -> None:
    """Bring a hand to `hand` [3] or [k, 3], as far as `weight` [k] says, in place: on an arc.

    On the straight way from hanging to overhead it would go through the shoulder. Where the directions are
    nearly opposite, it goes around in front and outside.
    """
    weight = np.asarray(weight, np.float64)[:, None]
    before, hand = c.hand[:, side], np.asarray(hand, np.float64)
    near, far = _length(before), _length(hand)
    one, other = before / np.maximum(near, 1e-6), hand / np.maximum(far, 1e-6)
    opposite = np.clip(-(one * other).sum(-1, keepdims=True) - 0.3, 0, None) * 3
    middle = one + other + opposite * np.array([0.7, 0.6, -0.2])
    middle = middle / np.maximum(_length(middle), 1e-6)
    way = _turned_towards(
        _turned_towards(one, middle, weight), _turned_towards(middle, other, weight), weight
    )
    c.hand[:, side] = way * (near + weight * (far - near))
    mix(c.elbow[:, side], weight[:, 0], elbow)


def _turned_towards(one: Floats, other: Floats, share: Floats) -> Floats:
    """Unit vectors [..., 3] a share of the way from one to the other, on the sphere."""
    angle = np.arccos(np.clip((one * other).sum(-1, keepdims=True), -1.0, 0.99999))
    way = np.sin((1 - share) * angle) * one + np.sin(share * angle) * other
    return np.asarray(way / np.maximum(_length(way), 1e-6))


def _length(vector: Floats) -> Floats:
    return np.asarray(np.linalg.norm(vector, axis=-1, keepdims=True))


def steady_elbows(c: Controls, sigma: float = 0.07) -> None:
    """Let elbows swing around, not snap, where a hand passes the direction that its elbow points to.

    The angle of the elbow about the line from shoulder to hand is followed from knot to knot and smoothed.
    """
    way = c.hand / np.maximum(_length(c.hand), 1e-6)
    aside = c.elbow - (c.elbow * way).sum(-1, keepdims=True) * way
    aside = aside / np.maximum(_length(aside), 1e-6)
    carried = aside[:-1] - (aside[:-1] * way[1:]).sum(-1, keepdims=True) * way[1:]
    crossed = (way[1:] * np.cross(carried, aside[1:])).sum(-1)
    swung = np.arctan2(crossed, (carried * aside[1:]).sum(-1))
    angle = np.concatenate([np.zeros((1, 2)), np.cumsum(swung, axis=0)])
    back = (smooth(angle, sigma) - angle)[..., None]
    c.elbow[:] = np.cos(back) * aside + np.sin(back) * np.cross(way, aside)


def put_foot(c: Controls, side: int, weight: Any, target: Any) -> None:
    """Send a foot from wherever it is to `target` [k, 3], as far as `weight` [k] says, in place."""
    before = (1 - weight) * c.free[:, side]
    c.free[:, side] = before + weight
    share = (weight / np.maximum(c.free[:, side], 1e-9))[:, None]
    c.foot[:, side] += share * (target - c.foot[:, side])
