"""From what a body is told to do (`Controls`) to where its points are; axes and units are said there.

Limbs keep their lengths: the joint between is solved for (two-bone inverse kinematics).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.ingest.simulated.body import POINT, POINTS, SIDES, Body
from workers.ingest.simulated.controls import Controls, mix
from workers.ingest.simulated.curves import Floats

# Limbs give way softly in the last part of their reach, so that nothing snaps when they are stretched.
_SOFT_SHARE = 0.03
_LONGEST = 0.999
_SHORTEST = 0.25
# No joint comes nearer to the floor than flesh allows, in metres.
_FLOOR_M = 0.035
# What lifts the whole body where it would be in the floor. An elbow may be a little: it moves too fast.
_LIFTING = [POINT[name] for name in POINTS[: POINT["chest"]] if "elbow" not in name]
# The part of the spine that moves with the pelvis.
_WAIST = 0.35


def rotation(vector: Floats) -> Floats:
    """[..., 3, 3] rotations by vectors [..., 3] (Rodrigues)."""
    angle = np.sqrt((vector * vector).sum(-1) + 1e-24)
    x, y, z = (vector[..., i] / angle for i in range(3))
    s, c = np.sin(angle), np.cos(angle)
    d = 1 - c
    rows = [c + x * x * d, x * y * d - z * s, x * z * d + y * s]
    rows += [x * y * d + z * s, c + y * y * d, y * z * d - x * s]
    rows += [x * z * d - y * s, y * z * d + x * s, c + z * z * d]
    return np.stack(rows, axis=-1).reshape(*angle.shape, 3, 3)


def turned(frame: Floats, vector: Any) -> Floats:
    """Vectors [..., 3] of a frame's axes, in the world's."""
    return np.asarray(np.einsum("...ij,...j->...i", frame, vector))


@dataclass(frozen=True)
class Trunk:
    """Axes [..., 3, 3] of pelvis, chest and head, and where they begin [..., 3], in metres."""

    heading: Floats
    pelvis_axes: Floats
    pelvis: Floats
    waist: Floats
    chest_axes: Floats
    chest: Floats  # the middle of the shoulders
    neck: Floats
    head_axes: Floats


def trunk_of(body: Body, c: Controls) -> Trunk:
    """Where the trunk is; limbs do not matter to it."""
    zero = np.zeros_like(c.yaw)
    heading = rotation(np.stack([zero, zero, c.yaw], axis=-1))
    pelvis_axes = heading @ rotation(c.tilt)
    hip = body.hip_height
    aside = np.concatenate([c.offset * hip[..., None], zero[..., None]], axis=-1)
    base = np.concatenate([c.root, zero[..., None]], axis=-1)
    pelvis = base + turned(heading, aside)
    pelvis[..., 2] = hip * (1 - c.drop)
    waist = pelvis + pelvis_axes[..., 2] * (_WAIST * body.spine)[..., None]
    chest_axes = pelvis_axes @ rotation(c.spine)
    chest = waist + chest_axes[..., 2] * ((1 - _WAIST) * body.spine)[..., None]
    neck = chest + chest_axes[..., 2] * (0.03 * body.height)[..., None]
    return Trunk(heading, pelvis_axes, pelvis, waist, chest_axes, chest, neck, chest_axes @ rotation(c.head))


def limb(origin: Floats, target: Floats, pole: Floats, upper: Floats, lower: Floats) -> tuple[Floats, Floats]:
    """The middle and the end of a two-bone limb that reaches for `target` and bends towards `pole`.

    Args:
        origin: [..., 3], as are the next two.
        target: where the end would be; as near as the bones allow.
        pole: a direction, not along the limb.
        upper: [...] the bones' lengths, as is the next.
        lower: towards the end.
    """
    way = target - origin
    distance = np.sqrt((way * way).sum(-1) + 1e-12)
    way = way / distance[..., None]
    reach = _LONGEST * (upper + lower)
    soft = _SOFT_SHARE * reach
    over = np.maximum(distance - (reach - soft), 0.0)
    distance = np.minimum(distance, reach - soft) + soft * (1 - np.exp(-over / soft))
    distance = np.maximum(distance, _SHORTEST * reach)
    side = pole - (pole * way).sum(-1)[..., None] * way
    side = side / np.sqrt((side * side).sum(-1) + 1e-12)[..., None]
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2 * upper * distance), -1.0, 1.0)
    along, across = upper * cosine, upper * np.sqrt(1 - cosine**2)
    middle = origin + way * along[..., None] + side * across[..., None]
    return middle, origin + way * distance[..., None]


def points_of(body: Body, c: Controls, trunk: Trunk | None = None) -> Floats:
    """[..., P, 3] the points of `body.POINTS`, metres in the world."""
    trunk = trunk_of(body, c) if trunk is None else trunk
    points = np.zeros((*c.yaw.shape, len(POINTS), 3))
    _place_head(points, body, trunk)
    points[..., POINT["chest"], :] = trunk.chest - trunk.chest_axes[..., 2] * (0.06 * body.height)[..., None]
    points[..., POINT["waist"], :] = trunk.waist
    points[..., POINT["pelvis"], :] = trunk.pelvis
    for side, name in enumerate(("left", "right")):
        _place_arm(points, name, side, body, c, trunk)
        _place_leg(points, name, side, body, c, trunk)
    lowest = points[..., _LIFTING, 2].min(axis=-1)
    points[..., 2] += np.maximum(_FLOOR_M - lowest, 0.0)[..., None]
    return points


def _place_head(points: Floats, body: Body, trunk: Trunk) -> None:
    unit = body.height * body.head
    places = {
        "nose": (0.068, 0.0, 0.067),
        "left_eye": (0.055, 0.018, 0.088),
        "right_eye": (0.055, -0.018, 0.088),
        "left_ear": (0.006, 0.043, 0.078),
        "right_ear": (0.006, -0.043, 0.078),
        "head": (0.012, 0.0, 0.088),
        "head_top": (0.006, 0.0, 0.152),
        "neck": (0.0, 0.0, 0.0),
    }
    for name, place in places.items():
        points[..., POINT[name], :] = trunk.neck + turned(trunk.head_axes, unit[..., None] * np.array(place))


def _mirrored(vector: Floats, side: int) -> Floats:
    return np.asarray(vector * np.array([1.0, SIDES[side], 1.0]))


def shoulder_of(body: Body, trunk: Trunk, side: int) -> Floats:
    """[..., 3] where an arm begins."""
    aside = trunk.chest_axes[..., 1] * (SIDES[side] * body.shoulder_width / 2)[..., None]
    return np.asarray(trunk.chest + aside)


def _place_arm(points: Floats, name: str, side: int, body: Body, c: Controls, trunk: Trunk) -> None:
    shoulder = shoulder_of(body, trunk, side)
    hand = _mirrored(c.hand[..., side, :], side) * body.arm[..., None]
    target = shoulder + turned(trunk.chest_axes, hand)
    pole = turned(trunk.chest_axes, _mirrored(c.elbow[..., side, :], side))
    placed = _on_the_floor(shoulder, target, trunk)
    if placed is not target:
        # The elbow turns with the hand: else the hand might pass the way that the elbow points.
        pole = _carried_along(pole, target - shoulder, placed - shoulder)
        target = placed
    elbow, wrist = limb(shoulder, target, pole, body.upper_arm, body.forearm)
    forward = (wrist - elbow) / body.forearm[..., None]
    tip = wrist + forward * body.hand[..., None]
    tip[..., 2] = np.maximum(tip[..., 2], 0.02)
    for part, place in (("shoulder", shoulder), ("elbow", elbow), ("wrist", wrist), ("hand", tip)):
        points[..., POINT[f"{name}_{part}"], :] = place
    points[..., POINT[f"{name}_bag"], :] = tip - np.array([0.0, 0.0, 0.22])


def _carried_along(vector: Floats, before: Floats, after: Floats) -> Floats:
    """Vectors [..., 3] turned by the least rotation that turns one direction into another."""
    before = before / np.sqrt((before * before).sum(-1, keepdims=True) + 1e-12)
    after = after / np.sqrt((after * after).sum(-1, keepdims=True) + 1e-12)
    middle = before + after
    share = (middle * vector).sum(-1, keepdims=True) / np.maximum(
        1 + (before * after).sum(-1, keepdims=True), 1e-3
    )
    return np.asarray(vector - share * middle + 2 * (before * vector).sum(-1, keepdims=True) * after)


def _on_the_floor(shoulder: Floats, target: Floats, trunk: Trunk) -> Floats:
    """A hand that would be in the floor slides along it: ahead of the chest and beyond the head."""
    under = np.maximum(_FLOOR_M - target[..., 2], 0.0)
    if not under.any():
        return target
    ahead = trunk.chest_axes[..., :2, 0] + trunk.chest_axes[..., :2, 2]
    ahead = ahead / np.maximum(np.sqrt((ahead * ahead).sum(-1)), 0.5)[..., None]
    way = target - shoulder
    level = np.sqrt(np.maximum((way * way).sum(-1) - (_FLOOR_M - shoulder[..., 2]) ** 2, 0.0) + 1e-9)
    missing = np.maximum(level - np.sqrt((way[..., :2] ** 2).sum(-1)), 0.0)
    placed = target + under[..., None] * np.array([0.0, 0.0, 1.0])
    placed[..., :2] += (np.minimum(under / 0.1, 1.0) * missing)[..., None] * ahead
    return np.asarray(placed)


def _place_leg(points: Floats, name: str, side: int, body: Body, c: Controls, trunk: Trunk) -> None:
    hip = trunk.pelvis + trunk.pelvis_axes[..., 1] * (SIDES[side] * body.hip_width / 2)[..., None]
    free = _mirrored(c.foot[..., side, :], side) * body.hip_height[..., None]
    base = np.concatenate([c.root, np.broadcast_to(body.ankle, c.yaw.shape)[..., None]], axis=-1)
    target = c.ankle[..., side, :].copy()
    mix(target, c.free[..., side], base + turned(trunk.heading, free))
    target[..., 2] = np.maximum(target[..., 2], _FLOOR_M)
    pole = turned(trunk.pelvis_axes, _mirrored(c.knee[..., side, :], side))
    knee, ankle = limb(hip, target, pole, body.thigh, body.shank)
    for part, place in (("hip", hip), ("knee", knee), ("ankle", ankle)):
        points[..., POINT[f"{name}_{part}"], :] = place
    points[..., POINT[f"{name}_toe"], :] = ankle + _sole(knee, ankle, c.toe[..., side], body)


def _sole(knee: Floats, ankle: Floats, toe_yaw: Floats, body: Body) -> Floats:
    """[..., 3] ankle to toe: flat on the floor, square to the shank as soon as the foot leaves it."""
    shank = (ankle - knee) / body.shank[..., None]
    ahead = np.stack([np.cos(toe_yaw), np.sin(toe_yaw), np.zeros_like(toe_yaw)], axis=-1)
    hanging = ahead - (ahead * shank).sum(-1)[..., None] * shank + 0.6 * shank
    flat = ahead.copy()
    flat[..., 2] = -0.6 * body.ankle / body.foot
    # A heel that rises leaves the toes behind on the floor.
    raised = (ankle[..., 2] - body.ankle) / body.foot
    lifted = np.clip(1.2 * raised, 0, 1)[..., None]
    way = flat + lifted * (hanging - flat)
    way = way / np.sqrt((way * way).sum(-1) + 1e-12)[..., None] * body.foot[..., None]
    way[..., 2] = np.maximum(way[..., 2], 0.015 - ankle[..., 2])
    return np.asarray(way)
