"""Paints people into a place: who is nearest, how light falls on them, and their shadows on the floor.

Array letters: N people, P points, V shapes of a body, n fragments, L lamps; H, W of the image.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.body import POINT
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.picture import looks
from workers.ingest.simulated.picture.backdrop import Backdrop
from workers.ingest.simulated.picture.lights import Lamp, Lights
from workers.ingest.simulated.picture.solids import Fragments, Solids, nearest, rasterized

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Shadows are drawn this much coarser, and are soft at their edges.
_COARSER = 2
_ROUND = np.exp(2j * np.pi * np.arange(6) / 6)
_RING = np.stack([_ROUND.real, _ROUND.imag, np.zeros(6)], axis=-1)
_HAIR_FROM = 0.25
_SHADOWS = 2


def solids_of(camera: Camera, points: NDArray[np.float64], scale: Floats, loads: Floats) -> Solids:
    """Everybody's shapes, one person after the other.

    Args:
        camera: what looks on.
        points: [N, P, 3] metres.
        scale: [N] metres of a radius of 1: height times girth.
        loads: [N, 3] radii of what is carried, metres.
    """
    pixels, depth = camera.project(points)
    thick = np.asarray(looks.RADII * scale[:, None, None], np.float32)
    thick[:, looks.CARRIED] = loads[..., None]
    ends = np.stack([looks.STARTS, looks.ENDS], axis=-1)
    far = depth[:, ends].astype(np.float32)
    radii = np.asarray(thick * camera.focal_px / np.maximum(far, 0.2), np.float32)
    return Solids(
        ends=pixels[:, ends].astype(np.float32).reshape(-1, 2, 2),
        radii=radii.reshape(-1, 2),
        depth=far.reshape(-1, 2),
        thick=thick.reshape(-1, 2),
    )


def painted(
    light: Floats,
    backdrop: Backdrop,
    camera: Camera,
    lights: Lights,
    people: tuple[NDArray[np.float64], Floats, Floats],
    outfits: list[looks.Outfit],
) -> Integers:
    """Paint people into light [H, W, 3] in place, behind what is nearer than they are.

    Args:
        light: linear RGB, of the place with everybody's shadows.
        backdrop: the place.
        camera: what looks on.
        lights: what lights it.
        people: points, scale and loads, as `solids_of` takes them.
        outfits: of N people.

    Returns:
        The numbers of the pixels that they are in; some twice.
    """
    points, scale, loads = people
    solids = solids_of(camera, points, scale, loads)
    found = rasterized(solids, camera.frame_size)
    pixels = light.reshape(-1, 3)
    limit = backdrop.depth.reshape(-1).copy()
    whole = _nearest(found, found.cover >= 1, limit)
    limit[found.pixel[whole]] = found.depth[whole]
    # Edges, where a shape covers a part of the pixel, over whatever is behind them.
    edges = _nearest(found, found.cover < 1, limit)
    shown = _shaded(found, np.concatenate([whole, edges]), solids, camera, lights, points, outfits)
    pixels[found.pixel[whole]] = shown[: len(whole)]
    at, share = found.pixel[edges], found.cover[edges, None]
    pixels[at] += share * (shown[len(whole) :] - pixels[at])
    touched: Integers = found.pixel[np.concatenate([whole, edges])]
    return touched


def _nearest(found: Fragments, among: NDArray[np.bool_], limit: Floats) -> Integers:
    """The nearest of some fragments in each pixel that has one, nearer than a limit [H * W]."""
    winner = nearest(found, np.flatnonzero(among & (found.depth < limit[found.pixel])), len(limit))
    return winner[winner >= 0]


def _shaded(
    found: Fragments,
    chosen: Integers,
    solids: Solids,
    camera: Camera,
    lights: Lights,
    points: NDArray[np.float64],
    outfits: list[looks.Outfit],
) -> Floats:
    """[n, 3] the light that comes from fragments."""
    solid = found.solid[chosen]
    normal = found.normal[chosen] @ camera.axes.astype(np.float32)
    colour = _colours(found, chosen, normal, points, outfits)
    middles = points[:, np.stack([looks.STARTS, looks.ENDS])].mean(axis=1).reshape(-1, 3)
    total = lights.around(normal[:, 2])
    # Bodies shade themselves: little light from everywhere reaches what turns away and down.
    total *= (0.72 + 0.28 * (-found.normal[chosen, 2]))[:, None]
    for lamp in lights.lamps:
        to, strength = lamp.at(middles)
        falls = np.einsum("ij,ij->i", normal, to[solid])
        falls = ((falls + np.float32(0.15)) / np.float32(1.15)).clip(0) * strength[solid]
        total += falls[:, None] * np.array(lamp.colour, np.float32)
    return np.asarray(colour * total, np.float32)


def _colours(
    found: Fragments,
    chosen: Integers,
    normal: Floats,
    points: NDArray[np.float64],
    outfits: list[looks.Outfit],
) -> Floats:
    """[n, 3] what fragments are painted with: clothes, bands, hair."""
    solid = found.solid[chosen]
    colours = np.concatenate([outfit.colours for outfit in outfits])[solid]
    shape = solid % len(looks.SHAPES)
    along = found.along[chosen]
    first, last = looks.BANDS[shape, 0], looks.BANDS[shape, 1]
    banded = (along < first) | (along > 1 - last)
    colours = np.where(banded[:, None], np.array(looks.BAND, np.float32), colours)
    heads = np.flatnonzero(np.isin(shape, looks.HEADS))
    if len(heads):
        person = solid[heads] // len(looks.SHAPES)
        up, ahead = _head_axes(points)
        n = normal[heads]
        high, front = (n * up[person]).sum(-1), (n * ahead[person]).sum(-1)
        reach = np.array([outfit.length for outfit in outfits], np.float32)[person]
        bald = reach > 0.8
        hairy = (high > _HAIR_FROM + 0.75 * front) & (high > np.where(front > 0, 0.3, reach)) & ~bald
        hair = np.stack([outfit.hair for outfit in outfits])[person]
        colours[heads] = np.where(hairy[:, None], hair, colours[heads])
    return np.asarray(colours, np.float32)


def _head_axes(points: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """[N, 3] each: up and ahead of everybody's head."""
    up = points[:, POINT["head_top"]] - points[:, POINT["head"]]
    ahead = points[:, POINT["nose"]] - points[:, [POINT["left_ear"], POINT["right_ear"]]].mean(axis=1)
    ahead = ahead - (ahead * up).sum(-1, keepdims=True) * up / (up * up).sum(-1, keepdims=True).clip(1e-9)
    return tuple(  # type: ignore[return-value]
        np.asarray(axis / np.linalg.norm(axis, axis=-1, keepdims=True).clip(1e-6), np.float32)
        for axis in (up, ahead)
    )


def shadows(
    light: Floats,
    backdrop: Backdrop,
    camera: Camera,
    lights: Lights,
    points: NDArray[np.float64],
    scale: Floats,
) -> Integers:
    """Take people's shadows from the light [H, W, 3] on the floor, in place.

    Returns:
        The numbers of the pixels that they are in; some twice.
    """
    thick = looks.RADII.max(axis=1) * scale[:, None]
    pixels, touched = light.reshape(-1, 3), [np.zeros(0, np.int64)]
    for lamp, share in zip(lights.lamps[:_SHADOWS], backdrop.shares, strict=False):
        dark = _dark(camera, points, thick, lamp).reshape(-1)
        at = np.flatnonzero(dark)
        pixels[at] *= (1 - dark[at] / np.float32(255) * share.reshape(-1)[at])[:, None]
        touched.append(at)
    return np.concatenate(touched)


def _dark(camera: Camera, points: NDArray[np.float64], thick: Floats, lamp: Lamp) -> NDArray[np.uint8]:
    """[H, W] 255 where a lamp does not reach the floor, soft at the edges."""
    worn = np.flatnonzero([shape.what not in ("eye", "load") for shape in looks.SHAPES])
    ends = np.stack([looks.STARTS, looks.ENDS], axis=-1)[worn]
    source = np.array(lamp.place)
    rim = points[:, ends][..., None, :] + thick[:, worn, None, None, None] * _RING
    way = rim - source
    down = np.minimum(way[..., 2], -1e-6)
    share = -source[2] / down
    floor = source + share[..., None] * way
    # What is as high as the lamp throws no shadow that ends.
    whole = ((rim[..., 2] < source[2] - 0.1) & (share < 4)).all(axis=(-1, -2)) if source[2] < 100 else None
    width, height = (side // _COARSER for side in camera.frame_size)
    pixels, depth = camera.project(floor.reshape(*floor.shape[:2], -1, 3))
    ahead = (depth > 0.3).all(axis=-1)
    ahead = ahead if whole is None else ahead & whole
    mask = np.zeros((height, width), np.uint8)
    drawn = (pixels[ahead] / _COARSER).clip(-2000, 4000).astype(np.int32)
    for outline in drawn:
        cv2.fillConvexPoly(mask, cv2.convexHull(outline), 255)
    soft = cv2.resize(cv2.blur(mask, (3, 3)), camera.frame_size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, np.uint8)
