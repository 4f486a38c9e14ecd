"""What of each person a camera sees: behind whom, behind what, behind themselves, outside the image.

T moments, N people, P points, V volumes. People hide each other by the capsules of `body.VOLUMES`, as the
image shows them; props are boxes on the floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT
from workers.ingest.simulated.body import LOADS, POINT, VOLUMES, Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.curves import Floats

Bools = NDArray[np.bool_]

_ALL = (*VOLUMES, *LOADS)
_STARTS = np.array([volume.start for volume in _ALL])
_ENDS = np.array([volume.end for volume in _ALL])
# Somebody is in front who is nearer by more than this, in metres.
_NEARER_M = 0.05
_PAIRS_AT_ONCE = 1500

# The points that stand for the body's surface, each with its share of it.
_SHARES = {
    **{"head": 5, "head_top": 3, "neck": 2, "chest": 9, "waist": 9, "pelvis": 7},
    **{f"{side}_shoulder": 4 for side in ("left", "right")},
    **{f"{side}_elbow": 3 for side in ("left", "right")},
    **{f"{side}_wrist": 2 for side in ("left", "right")},
    **{f"{side}_hip": 4 for side in ("left", "right")},
    **{f"{side}_knee": 6 for side in ("left", "right")},
    **{f"{side}_ankle": 4 for side in ("left", "right")},
}
_SURFACE = np.array([POINT[name] for name in _SHARES])
_SURFACE_SHARES = np.array(list(_SHARES.values())) / sum(_SHARES.values())
_NEEDED = np.union1d(np.arange(JOINT_COUNT), _SURFACE)


@dataclass(frozen=True)
class Prop:
    """A box that stands on the floor: a pillar, a counter, a seat; sizes in metres along its own axes."""

    kind: str
    place: tuple[float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0


@dataclass(frozen=True)
class View:
    """People as a camera sees them.

    Attributes:
        pixels: [T, N, P, 2] of all points.
        depth: [T, N, P] metres along the camera's axis.
        visible: [T, N, 17] joints that are in the image and not hidden.
        whole: [T, N, 4] boxes around the bodies, beyond the image too.
        share: [T, N] of the body's surface that is in the image and not hidden by others or by props.
        inside: [T, N] whether any of it is in the image.
    """

    pixels: Floats
    depth: Floats
    visible: Bools
    whole: Floats
    share: Floats
    inside: Bools


def view(camera: Camera, body: Body, points: Floats, loads: Floats, props: tuple[Prop, ...]) -> View:
    """Look at people.

    Args:
        camera: where from.
        body: of N people.
        points: [T, N, P, 3] metres.
        loads: [T, N, 3] radii of what they carry, metres.
        props: what stands about.
    """
    pixels, depth = camera.project(points)
    # Who is behind the camera may be anywhere: keep numbers small.
    pixels = np.clip(pixels, -8 * max(camera.frame_size), 9 * max(camera.frame_size))
    flesh = np.array([volume.radius for volume in VOLUMES]) * (body.height * body.girth)[:, None]
    radii = np.broadcast_to(flesh, (len(points), *flesh.shape))
    if loads.any():
        radii = np.concatenate([radii, loads], axis=-1)
    whole = _boxes(pixels, depth, radii, camera.focal_px)
    size = np.array(camera.frame_size)
    in_image = np.asarray(((pixels >= 0) & (pixels < size)).all(-1) & (depth > 0.2))
    inside = np.asarray(in_image[..., _SURFACE].any(-1))
    hidden = _behind_people(pixels, depth, radii, camera.focal_px, whole, inside)
    for prop in props:
        hidden |= _behind_prop(camera, points, prop)
    exposed = in_image & ~hidden
    share = exposed[..., _SURFACE] @ _SURFACE_SHARES
    visible = exposed[..., :JOINT_COUNT] & ~_behind_oneself(pixels, depth, radii, camera.focal_px)
    visible &= ~_face_averted(camera, points)
    return View(pixels, depth, visible, whole, np.asarray(share * inside), inside)


def _boxes(pixels: Floats, depth: Floats, radii: Floats, focal: float) -> Floats:
    ends = np.concatenate([_STARTS[: len(VOLUMES)], _ENDS[: len(VOLUMES)]])
    radius = np.concatenate([radii[..., : len(VOLUMES)]] * 2, axis=-1)
    spread = (focal * radius / np.maximum(depth[..., ends], 0.2))[..., None]
    low = (pixels[..., ends, :] - spread).min(axis=-2)
    high = (pixels[..., ends, :] + spread).max(axis=-2)
    return np.concatenate([low, high], axis=-1)


def _behind_people(
    pixels: Floats, depth: Floats, radii: Floats, focal: float, boxes: Floats, inside: Bools
) -> Bools:
    """[T, N, P] points that another person is in front of."""
    hidden = np.zeros(depth.shape, bool)
    one, other = boxes[:, :, None], boxes[:, None]
    overlap = (one[..., :2] < other[..., 2:]).all(-1) & (other[..., :2] < one[..., 2:]).all(-1)
    overlap &= inside[:, :, None] & inside[:, None]
    overlap &= depth.min(-1)[:, None] + _NEARER_M < depth.max(-1)[:, :, None]
    overlap &= ~np.eye(boxes.shape[1], dtype=bool)
    when, who, by = np.nonzero(overlap)
    for low in range(0, len(when), _PAIRS_AT_ONCE):
        t, i, j = (index[low : low + _PAIRS_AT_ONCE] for index in (when, who, by))
        goals, far = pixels[t[:, None], i[:, None], _NEEDED], depth[t[:, None], i[:, None], _NEEDED]
        covered = _covered(goals, far - _NEARER_M, pixels[t, j], depth[t, j], radii[t, j], focal).any(-1)
        # The same point may be hidden by several people.
        row, column = np.nonzero(covered)
        hidden[t[row], i[row], _NEEDED[column]] = True
    return hidden


def _behind_oneself(pixels: Floats, depth: Floats, radii: Floats, focal: float) -> Bools:
    """[T, N, 17] joints behind another part of the same body."""
    count = pixels.shape[0] * pixels.shape[1]
    hidden = np.zeros((count, JOINT_COUNT), bool)
    flat_pixels, flat_depth = pixels.reshape(count, -1, 2), depth.reshape(count, -1)
    flat_radii = radii.reshape(count, -1)
    for low in range(0, count, _PAIRS_AT_ONCE):
        rows = slice(low, low + _PAIRS_AT_ONCE)
        p, d, r = flat_pixels[rows], flat_depth[rows], flat_radii[rows]
        covered = _covered(p[:, :JOINT_COUNT], d[:, :JOINT_COUNT], p, d, r, focal, thick=1.2)
        hidden[rows] = (covered & _APART[:, : radii.shape[-1]]).any(-1)
    return hidden.reshape(*depth.shape[:2], JOINT_COUNT)


def _apart() -> Bools:
    """[17, V] which volumes may hide which joints of the same body: not those the joint is part of."""
    apart = np.ones((JOINT_COUNT, len(_ALL)), bool)
    for joint in range(JOINT_COUNT):
        touching = (joint == _STARTS) | (joint == _ENDS)
        near = set(_STARTS[touching]) | set(_ENDS[touching])
        apart[joint] = ~touching
        if near:
            apart[joint] &= ~(np.isin(_STARTS, list(near)) & np.isin(_ENDS, list(near)))
    # Faces are told by where they look.
    apart[:5, :2] = False
    hips_and_shoulders = [
        POINT[f"{side}_{part}"] for side in ("left", "right") for part in ("hip", "shoulder")
    ]
    apart[hips_and_shoulders, [v.start for v in _ALL].index(POINT["chest"])] = False
    return apart


_APART = _apart()


def _covered(
    points: Floats,
    depth: Floats,
    by_pixels: Floats,
    by_depth: Floats,
    radii: Floats,
    focal: float,
    thick: float = 0.0,
) -> Bools:
    """[K, M, V] whether points [K, M] are behind volumes, by more than `thick` times their radius."""
    starts, ends = _STARTS[: radii.shape[1]], _ENDS[: radii.shape[1]]
    # Single precision and one axis at a time: nothing here takes longer.
    x, y = (points[:, :, None, axis].astype(np.float32) for axis in (0, 1))
    ax, ay = (by_pixels[:, None, starts, axis].astype(np.float32) for axis in (0, 1))
    bx, by = (by_pixels[:, None, ends, axis].astype(np.float32) for axis in (0, 1))
    bx, by, x, y = bx - ax, by - ay, x - ax, y - ay
    u = np.clip((x * bx + y * by) / (bx * bx + by * by + np.float32(1e-6)), 0, 1)
    x -= u * bx
    y -= u * by
    near, far = (by_depth[:, None, index].astype(np.float32) for index in (starts, ends))
    nearest = near + u * (far - near)
    radius = radii[:, None].astype(np.float32)
    wide = np.float32(focal) * radius / np.maximum(nearest, np.float32(0.2))
    behind = nearest + np.float32(thick) * radius < depth[:, :, None].astype(np.float32)
    return np.asarray((x * x + y * y < wide * wide) & behind & (nearest > 0.2))


def _face_averted(camera: Camera, points: Floats) -> Bools:
    """[T, N, 17] face joints on the far side of the head."""
    averted = np.zeros((*points.shape[:2], JOINT_COUNT), bool)
    head = points[..., POINT["head"], :]
    ears = points[..., POINT["left_ear"], :] - points[..., POINT["right_ear"], :]
    left = ears / np.linalg.norm(ears, axis=-1, keepdims=True)
    middle = (points[..., POINT["left_ear"], :] + points[..., POINT["right_ear"], :]) / 2
    ahead = points[..., POINT["nose"], :] - middle
    ahead = ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)
    sight = np.array(camera.position) - head
    sight = sight / np.maximum(np.linalg.norm(sight, axis=-1, keepdims=True), 1e-6)
    facing, leftness = (sight * ahead).sum(-1), (sight * left).sum(-1)
    averted[..., 0] = facing < -0.10
    averted[..., 1] = 0.9 * facing + 0.45 * leftness < -0.05
    averted[..., 2] = 0.9 * facing - 0.45 * leftness < -0.05
    averted[..., 3] = leftness < -0.30
    averted[..., 4] = leftness > 0.30
    return averted


def _behind_prop(camera: Camera, points: Floats, prop: Prop) -> Bools:
    """[T, N, P] points whose line of sight goes through a box."""
    cosine, sine = math.cos(prop.yaw), math.sin(prop.yaw)
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    base = np.array([*prop.place, 0.0])
    half = np.array([prop.size[0] / 2, prop.size[1] / 2, prop.size[2]])
    eye = turn @ (np.array(camera.position) - base)
    way = (points - base) @ turn.T - eye
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)
    low = (np.array([-half[0], -half[1], 0.0]) - eye) / way
    high = (half - eye) / way
    enters = np.minimum(low, high).max(-1)
    leaves = np.maximum(low, high).min(-1)
    return np.asarray((enters < leaves) & (leaves > 0) & (enters < 0.995))


def cropped(boxes: Floats, frame_size: tuple[int, int]) -> Floats:
    """Boxes [..., 4] within an image."""
    return np.clip(boxes, 0.0, np.array([*frame_size, *frame_size], np.float64))
