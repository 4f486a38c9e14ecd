"""How the people of a window move, in body heights and seconds: what every hand-made feature starts from.

Array letters: A people, T frames, V joints. Unknown values are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.classify.due import Due, body_heights

Floats = NDArray[np.floating[Any]]

HEAD, ARMS, LEGS = [0, 1, 2, 3, 4], [7, 8, 9, 10], [13, 14, 15, 16]
SHOULDERS, HIPS = [5, 6], [11, 12]
ELBOWS, WRISTS, KNEES, ANKLES = [7, 8], [9, 10], [13, 14], [15, 16]
TORSO = SHOULDERS + HIPS
LIMBS = TORSO + ARMS + LEGS

# A speed is a difference over this long: shorter ones are the detector's noise, longer ones miss a punch.
SPEED_S = 0.08
# Confidence from which a joint counts, alone and among others.
_SEEN, _HARDLY = 0.2, 0.05
# Faster than anybody moves, in body heights a second: a joint that was found elsewhere.
_FASTEST = 12.0


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Series of each person, in body heights (and seconds).

    Attributes:
        height: [A] pixels.
        points: [A, T, 17, 2] places in the image.
        sure: [A, T, 17] confidence, 0 in empty frames.
        limbs: [A, T, 17, 2] velocity against the own torso's.
        speed: [A, T, 17] of `limbs`.
        torso: [A, T, 2] velocity of the torso.
        place: [A, T, 2] the hips' middle, the box's where they are not seen.
        shoulders, hips: [A, T, 2] their middles.
        tall: [A, T] the box's height.
        wide: [A, T] the box's width over its height.
        energy: [A, T] mean squared speed of the limbs.
    """

    height: Floats
    points: Floats
    sure: Floats
    limbs: Floats
    speed: Floats
    torso: Floats
    place: Floats
    shoulders: Floats
    hips: Floats
    tall: Floats
    wide: Floats
    energy: Floats


def motion_of(due: Due) -> Motion:
    """The movements in a window's people."""
    height = np.maximum(body_heights(due), 4.0)
    points = due.keypoints[..., :2] / height[:, None, None, None]
    sure = due.keypoints[..., 2].clip(0, 1) * due.filled[..., None]
    velocity, known = velocities(points, sure, due.fps)
    torso = weighted(velocity[:, :, TORSO], known[:, :, TORSO])
    limbs = velocity - torso[:, :, None]
    shoulders, hips = (weighted(points[:, :, joints], sure[:, :, joints]) for joints in (SHOULDERS, HIPS))
    filled = np.where(due.filled, np.float32(1), np.float32(np.nan))
    size = (due.boxes[..., 2:] - due.boxes[..., :2]) * filled[..., None]
    centre = (due.boxes[..., :2] + due.boxes[..., 2:]) / 2 / height[:, None, None] * filled[..., None]
    speed = np.sqrt((limbs**2).sum(axis=-1))
    return Motion(
        height=height,
        points=points,
        sure=sure,
        limbs=limbs,
        speed=speed,
        torso=torso,
        place=np.where(np.isnan(hips), centre, hips),
        shoulders=shoulders,
        hips=hips,
        tall=size[..., 1] / height[:, None],
        wide=size[..., 0] / np.maximum(size[..., 1], 1),
        energy=weighted(speed[:, :, LIMBS, None] ** 2, known[:, :, LIMBS])[..., 0],
    )


def velocities(points: Floats, sure: Floats, fps: float) -> tuple[Floats, Floats]:
    """[A, T, 17, 2] velocities over `SPEED_S`, NaN where unknown, and [A, T, 17] how sure they are."""
    steps = max(1, round(SPEED_S * fps))
    velocity = np.full(points.shape, np.nan, np.float32)
    known = np.zeros(sure.shape, np.float32)
    velocity[:, steps:] = (points[:, steps:] - points[:, :-steps]) * np.float32(fps / steps)
    known[:, steps:] = np.minimum(sure[:, steps:], sure[:, :-steps])
    velocity[known <= _HARDLY] = np.nan
    return velocity.clip(-_FASTEST, _FASTEST), known


def weighted(values: Floats, weight: Floats) -> Floats:
    """Mean over joints.

    Args:
        values: [A, T, J, C], NaN where unknown.
        weight: [A, T, J].

    Returns:
        [A, T, C], NaN where the weights of what is known do not reach 0.2.
    """
    used = np.where(np.isnan(values[..., 0]), 0, weight)
    total = used.sum(axis=-1)
    mean = (np.nan_to_num(values) * used[..., None]).sum(axis=-2) / np.maximum(total, 1e-6)[..., None]
    return np.where(total[..., None] > _SEEN, mean, np.float32(np.nan))


def seen_places(motion: Motion, joints: list[int]) -> Floats:
    """[A, T, J, 2] places of joints, NaN where they are not seen."""
    return np.where(motion.sure[:, :, joints, None] > _SEEN, motion.points[:, :, joints], np.float32(np.nan))


def greatest(values: Floats) -> Floats:
    """Maximum over the last axis; NaN only where all are."""
    return _unless_all_nan(np.where(np.isnan(values), -np.inf, values).max(axis=-1))


def least(values: Floats) -> Floats:
    """Minimum over the last axis; NaN only where all are."""
    return _unless_all_nan(np.where(np.isnan(values), np.inf, values).min(axis=-1))


def _unless_all_nan(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)
