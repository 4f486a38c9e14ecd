"""What a camera sees of a place without people: traced once, ray by ray, with light and shadows.

Array letters: H, W of the image; L lamps.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.picture.lights import Lights
from workers.ingest.simulated.picture.textures import Texture

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Rays of a pixel's side: edges and textures are smoothed.
_FINER = 2
_FAR_M = 500.0
_ABOVE_M = 1e-3
_BEFORE_M, _BENT = 0.3, 0.02


@dataclass(frozen=True)
class Quad:
    """A flat piece: all places `origin` + u * `along` + v * `up` for u, v from 0 to 1; metres.

    Attributes:
        texture: of metres along both sides.
        casts: whether it throws a shadow.
        glows: shown as bright as it is, whatever lights it.
    """

    origin: tuple[float, float, float]
    along: tuple[float, float, float]
    up: tuple[float, float, float]
    texture: Texture
    casts: bool = False
    glows: bool = False


def floor(half: float, texture: Texture) -> Quad:
    """The ground, a square around the world's origin."""
    return Quad((-half, -half, 0.0), (2 * half, 0.0, 0.0), (0.0, 2 * half, 0.0), texture)


def wall(start: tuple[float, float], end: tuple[float, float], height: float, texture: Texture) -> Quad:
    """An upright wall from one place on the floor to another."""
    return Quad((*start, 0.0), (end[0] - start[0], end[1] - start[1], 0.0), (0.0, 0.0, height), texture)


def box(
    place: tuple[float, float],
    size: tuple[float, float, float],
    yaw: float,
    texture: Texture,
    lifted: float = 0.0,
) -> list[Quad]:
    """Four sides and the top of a box on the floor, or `lifted` metres above it."""
    c, s = np.cos(yaw), np.sin(yaw)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(size[:2]) / 2
    corners = half @ np.array([[c, s], [-s, c]]) + np.array(place)
    quads = []
    for number in range(4):
        (ax, ay), (bx, by) = corners[number], corners[(number + 1) % 4]
        quads.append(
            Quad((ax, ay, lifted), (bx - ax, by - ay, 0.0), (0.0, 0.0, size[2]), texture, casts=True)
        )
    origin, along, up = corners[0], corners[1] - corners[0], corners[3] - corners[0]
    top = Quad((*origin, lifted + size[2]), (*along, 0.0), (*up, 0.0), texture, casts=True)
    return [*quads, top]


@dataclass(frozen=True)
class Backdrop:
    """A picture without people.

    Attributes:
        light: [H, W, 3] linear RGB.
        depth: [H, W] metres along the camera's axis.
        shares: [L, H, W] how much of the light on the floor is each lamp's; 0 where there is no floor.
    """

    light: Floats
    depth: Floats
    shares: Floats


def rays(camera: Camera, finer: int = 1) -> Floats:
    """[h, w, 3] the ways, in the world, that pixels' middles look; 1 metre along the camera's axis."""
    width, height = camera.frame_size
    x = (np.arange(width * finer, dtype=np.float32) + 0.5) / finer - width / 2
    y = (np.arange(height * finer, dtype=np.float32) + 0.5) / finer - height / 2
    bent = np.stack(np.meshgrid(x, y), axis=-1) / np.float32(camera.focal_px)
    k1, k2 = camera.distortion
    flat = bent.copy()
    for _ in range(8):
        square = (flat * flat).sum(-1, keepdims=True)
        flat = bent / (1 + k1 * square + k2 * square * square)
    local = np.concatenate([flat, np.ones((*flat.shape[:2], 1), np.float32)], axis=-1)
    return np.asarray(local @ camera.axes.astype(np.float32), np.float32)


def seen_by(camera: Camera, quads: list[Quad], lights: Lights) -> Backdrop:
    """Trace what a camera sees; the first quad is the floor."""
    width, height = camera.frame_size
    way = rays(camera, _FINER).reshape(-1, 3)
    eye = np.array(camera.position, np.float32)
    depth = np.full(len(way), _FAR_M, np.float32)
    which = np.full(len(way), -1, np.int64)
    for number, quad in enumerate(quads):
        rows = _may_meet(camera, quad)
        far, _, _ = _met(eye, way[rows], quad)
        nearer = far < depth[rows]
        depth[rows[nearer]], which[rows[nearer]] = far[nearer], number
    light = _sky(way, lights)
    shares = np.zeros((len(lights.lamps), len(way)), np.float32)
    for number, quad in enumerate(quads):
        rows = np.flatnonzero(which == number)
        if len(rows):
            light[rows], parts = _lit(quad, eye, way[rows], depth[rows], quads, lights)
            if number == 0:
                shares[:, rows] = parts
    shape = (height * _FINER, width * _FINER)

    def smaller(values: Floats) -> Floats:
        image = np.ascontiguousarray(values.reshape(*shape, -1).clip(0, 1.5))
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32)

    near = depth.reshape(height, _FINER, width, _FINER).min(axis=(1, 3))
    return Backdrop(smaller(light), near, np.stack([smaller(part) for part in shares]))


def _may_meet(camera: Camera, quad: Quad) -> Integers:
    """Numbers of the rays that can meet a quad: those around its corners, if all are before the camera."""
    width, height = (side * _FINER for side in camera.frame_size)
    pixels, depth = camera.project(_corners(quad))
    low, high = np.zeros(2, int), np.array([width, height])
    if depth.min() > _BEFORE_M:
        # Lines bend a little in a wide lens.
        low = np.floor(pixels.min(axis=0) * _FINER - _BENT * width).clip(0, high).astype(int)
        high = np.ceil(pixels.max(axis=0) * _FINER + _BENT * width).clip(0, high).astype(int)
    return np.arange(width * height).reshape(height, width)[low[1] : high[1], low[0] : high[0]].reshape(-1)


def _corners(quad: Quad) -> NDArray[np.float64]:
    """[4, 3]."""
    origin, along, up = (np.array(part, float) for part in (quad.origin, quad.along, quad.up))
    return np.stack([origin, origin + along, origin + up, origin + along + up])


def _met(eye: Floats, way: Floats, quad: Quad) -> tuple[Floats, Floats, Floats]:
    """[n] how far along its ray (endless: not at all) a quad is met, and at which u and v."""
    origin, along, up = (np.array(part, np.float32) for part in (quad.origin, quad.along, quad.up))
    normal = np.cross(along, up)
    toward = way @ normal
    toward = np.where(np.abs(toward) < 1e-9, np.float32(1e-9), toward)
    far = ((origin - eye) @ normal / toward).astype(np.float32)
    u = ((eye - origin) @ along + far * (way @ along)) / (along @ along)
    v = ((eye - origin) @ up + far * (way @ up)) / (up @ up)
    inside = (far > 1e-3) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    return np.where(inside, far, np.float32(np.inf)), u, v


def _lit(
    quad: Quad, eye: Floats, way: Floats, far: Floats, quads: list[Quad], lights: Lights
) -> tuple[Floats, Floats]:
    """[n, 3] what is seen of a quad, and [L, n] each lamp's share of it."""
    _, u, v = _met(eye, way, quad)
    along, up = np.array(quad.along, np.float32), np.array(quad.up, np.float32)
    long, high = float(np.linalg.norm(along)), float(np.linalg.norm(up))
    # Measured from the world's origin on the floor, so that patterns do not depend on how large it is.
    shift = (long / 2, high / 2) if quad is quads[0] else (0.0, 0.0)
    colour = quad.texture(
        np.asarray(u * long - shift[0], np.float32), np.asarray(v * high - shift[1], np.float32)
    )
    if quad.glows:
        return colour, np.zeros((len(lights.lamps), len(way)), np.float32)
    normal = np.cross(along, up)
    normal = normal / np.linalg.norm(normal)
    normal = np.where((way @ normal > 0)[:, None], -normal, normal).astype(np.float32)
    points = eye + far[:, None] * way
    total = lights.around(normal[:, 2]) * _corners_are_dark(points)[:, None]
    parts = []
    for lamp in lights.lamps:
        to, strength = lamp.at(points)
        strength = strength * (to * normal).sum(-1).clip(0)
        strength *= 1 - _shaded(points + _ABOVE_M * normal, u, v, quad, lamp.place, quads)
        parts.append(strength[:, None] * np.array(lamp.colour, np.float32))
        total = total + parts[-1]
    shares = (
        np.stack([part.sum(-1) / total.sum(-1).clip(1e-6) for part in parts])
        if parts
        else np.zeros((0, len(way)))
    )
    return np.asarray(colour * total, np.float32), np.asarray(shares, np.float32)


def _shaded(
    points: Floats, u: Floats, v: Floats, quad: Quad, lamp: tuple[float, float, float], quads: list[Quad]
) -> Floats:
    """[n] 1 where something stands between a lamp and a quad's points, which lie at its u and v."""
    hidden = np.zeros(len(points), bool)
    for caster in quads:
        if caster.casts and caster is not quad:
            rows = _under(caster, quad, lamp, u, v)
            hidden[rows] |= _between(points[rows], lamp, caster)
    return hidden.astype(np.float32)


def _under(
    caster: Quad, quad: Quad, lamp: tuple[float, float, float], u: Floats, v: Floats
) -> NDArray[np.int64]:
    """Numbers of a quad's points that can be in a caster's shadow: those around its corners' shadows."""
    origin, along, up = (np.array(part, float) for part in (quad.origin, quad.along, quad.up))
    normal, way = np.cross(along, up), _corners(caster) - np.array(lamp)
    share = ((origin - np.array(lamp)) @ normal) / np.where(np.abs(way @ normal) < 1e-9, 1e-9, way @ normal)
    if share.min() < 1 - 1e-6:
        # It does not stand between the two as a whole.
        return np.arange(len(u))
    at = np.array(lamp) + share[:, None] * way - origin
    across, high = at @ along / (along @ along), at @ up / (up @ up)
    inside = (u >= across.min() - 1e-4) & (u <= across.max() + 1e-4)
    return np.flatnonzero(inside & (v >= high.min() - 1e-4) & (v <= high.max() + 1e-4))


def _between(points: Floats, lamp: tuple[float, float, float], caster: Quad) -> NDArray[np.bool_]:
    """[n] whether a caster stands between points and a lamp."""
    way = np.array(lamp, np.float32) - points
    origin, along, up = (np.array(part, np.float32) for part in (caster.origin, caster.along, caster.up))
    normal = np.cross(along, up)
    toward = way @ normal
    toward = np.where(np.abs(toward) < 1e-9, np.float32(1e-9), toward)
    far = ((origin - points) @ normal) / toward
    at = points + far[:, None] * way - origin
    u, v = at @ along / (along @ along), at @ up / (up @ up)
    return np.asarray((far > 1e-4) & (far < 1) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1))


def _corners_are_dark(points: Floats) -> Floats:
    """[n] less light comes from everywhere near the floor."""
    return np.asarray(1 - 0.25 * np.exp(-points[:, 2] / 0.6), np.float32)


def _sky(way: Floats, lights: Lights) -> Floats:
    up = (way[:, 2] / np.linalg.norm(way, axis=-1)).clip(0, 1)[:, None]
    horizon, zenith = (np.array(colour, np.float32) for colour in lights.sky)
    return np.asarray(horizon + np.sqrt(up) * (zenith - horizon), np.float32)
