"""Surfaces' colours: paving, tiles, asphalt, plaster, brick, windows, wood. Metres in, linear RGB out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Texture = Callable[[Floats, Floats], Floats]

_TABLE = np.random.default_rng(20).random((256, 256), np.float32)


def _table(x: NDArray[np.int64], y: NDArray[np.int64]) -> Floats:
    return np.asarray(_TABLE[x & 255, y & 255], np.float32)


def noise(x: Floats, y: Floats, size: float, octaves: int = 3) -> Floats:
    """Cloudy numbers around 0, -1 to 1; the largest clouds are `size` metres wide."""
    total = np.zeros_like(x, np.float32)
    strength = np.float32(0.6)
    for octave in range(octaves):
        u, v = x / np.float32(size), y / np.float32(size)
        iu, iv = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        fu, fv = (u - iu).astype(np.float32), (v - iv).astype(np.float32)
        fu, fv = fu * fu * (3 - 2 * fu), fv * fv * (3 - 2 * fv)
        iu, iv = iu + 37 * octave, iv + 101 * octave
        top = _table(iu, iv) * (1 - fu) + _table(iu + 1, iv) * fu
        bottom = _table(iu, iv + 1) * (1 - fu) + _table(iu + 1, iv + 1) * fu
        total += strength * (2 * (top * (1 - fv) + bottom * fv) - 1)
        strength, size = strength * np.float32(0.55), size / 2.3
    return total


def _tinted(colour: tuple[float, float, float], shade: Floats) -> Floats:
    return np.asarray(np.array(colour, np.float32) * shade[..., None], np.float32)


def _gap(x: Floats, pitch: float, width: float) -> Floats:
    """1 in lines of a width at every pitch, 0 between."""
    off = np.abs(x / np.float32(pitch) - np.round(x / np.float32(pitch))) * np.float32(pitch)
    return np.asarray((off < width / 2).astype(np.float32))


def slabs(
    colour: tuple[float, float, float], side: float, joint: float = 0.014, spread: float = 0.12
) -> Texture:
    """Square slabs with joints; each is a little lighter or darker than the next."""

    def texture(x: Floats, y: Floats) -> Floats:
        # Lines lie at whole sides; slabs between them.
        own = _table(np.floor(x / side).astype(np.int64), np.floor(y / side).astype(np.int64))
        shade = 1 + spread * (2 * own - 1) + 0.10 * noise(x, y, 1.7) + 0.06 * noise(x, y, 0.05, 2)
        lines = np.maximum(_gap(x, side, joint), _gap(y, side, joint))
        return _tinted(colour, np.asarray(shade * (1 - 0.45 * lines), np.float32))

    return texture


def asphalt(colour: tuple[float, float, float], bay: float = 2.6, first: float = 2.4) -> Texture:
    """Asphalt with the lines of parking bays, which begin `first` metres up."""

    def texture(x: Floats, y: Floats) -> Floats:
        shade = 1 + 0.16 * noise(x, y, 2.9) + 0.14 * noise(x, y, 0.04, 2)
        painted = (y > first) * (y < first + 4.6) * _gap(x + bay / 2, bay, 0.11)
        painted = np.maximum(painted, (np.abs(y - first - 4.6) < 0.055) * 1.0)
        worn = (0.75 + 0.4 * noise(x, y, 0.3)).clip(0, 1) * painted
        base = _tinted(colour, np.asarray(shade, np.float32))
        return np.asarray(base + worn[..., None] * (np.float32(0.5) - base), np.float32)

    return texture


def plaster(colour: tuple[float, float, float], plinth: float = 0.0) -> Texture:
    """A plain wall, a little stained, with a darker foot of so many metres."""

    def texture(x: Floats, y: Floats) -> Floats:
        shade = 1 + 0.07 * noise(x, y, 2.4) + 0.03 * noise(x, y, 0.07, 2) - 0.06 * np.exp(-y / 0.5)
        shade = np.where(y < plinth, 0.55 * shade, shade)
        return _tinted(colour, np.asarray(shade, np.float32))

    return texture


def brick(colour: tuple[float, float, float]) -> Texture:
    """Courses of bricks."""

    def texture(x: Floats, y: Floats) -> Floats:
        course = np.floor(y / 0.09).astype(np.int64)
        shifted = x + 0.13 * (course % 2)
        own = _table(np.floor(shifted / 0.26).astype(np.int64), course)
        lines = np.maximum(_gap(y, 0.09, 0.014), _gap(shifted, 0.26, 0.014))
        shade = (0.72 + 0.5 * own + 0.12 * noise(x, y, 1.9)) * (1 - lines)
        return np.asarray(
            _tinted(colour, np.asarray(shade, np.float32)) + lines[..., None] * 0.22, np.float32
        )

    return texture


def facade(wall: Texture, lit: float, across: float = 2.6, floor: float = 3.2) -> Texture:
    """A wall with rows of windows; `lit` is the share of them that glow."""

    def texture(x: Floats, y: Floats) -> Floats:
        column, level = np.floor(x / across), np.floor((y - 0.3) / floor)
        u = np.abs(x - (column + 0.5) * across)
        v = np.abs(y - 0.3 - (level + 0.55) * floor)
        frame = (u < 0.72) & (v < 0.95)
        glass = (u < 0.64) & (v < 0.87) & (np.abs(u) > 0.025)
        own = _table(column.astype(np.int64), level.astype(np.int64) + 40)
        pane = np.where((own < lit)[..., None], np.array([0.85, 0.58, 0.28]), np.array([0.035, 0.05, 0.065]))
        pane = pane * (1 + 0.35 * (v[..., None] - 0.4)) + 0.05 * (noise(x, y, 0.9)[..., None] + 0.3).clip(0)
        colour = np.where(frame[..., None], np.float32(0.42), wall(x, y))
        return np.asarray(np.where(glass[..., None], pane, colour), np.float32)

    return texture


def panels(colour: tuple[float, float, float], across: float = 1.2, height: float = 2.7) -> Texture:
    """Fitted panels with dark joints and a rail at the hip."""

    def texture(x: Floats, y: Floats) -> Floats:
        own = _table(np.floor(x / across).astype(np.int64), np.floor(y / height).astype(np.int64))
        lines = np.maximum(_gap(x, across, 0.02), (np.abs(y - 0.95) < 0.05) * 0.8)
        shade = (0.95 + 0.12 * own + 0.04 * noise(x, 0.2 * y, 0.3)) * (1 - 0.6 * lines)
        return _tinted(colour, np.asarray(np.where(y < 0.12, 0.4, shade), np.float32))

    return texture


def wood(colour: tuple[float, float, float]) -> Texture:
    """Planks along x."""

    def texture(x: Floats, y: Floats) -> Floats:
        own = _table(np.floor(y / 0.14).astype(np.int64), np.floor(x / 9).astype(np.int64))
        grain = noise(0.25 * x, 3 * y, 0.2)
        shade = (0.85 + 0.3 * own + 0.15 * grain) * (1 - 0.5 * _gap(y, 0.14, 0.012))
        return _tinted(colour, np.asarray(shade, np.float32))

    return texture


def plain(colour: tuple[float, float, float]) -> Texture:
    """One colour, slightly uneven."""

    def texture(x: Floats, y: Floats) -> Floats:
        return _tinted(colour, np.asarray(1 + 0.06 * noise(x, y, 0.5), np.float32))

    return texture


def leaves(colour: tuple[float, float, float]) -> Texture:
    """A hedge."""

    def texture(x: Floats, y: Floats) -> Floats:
        shade = 0.75 + 0.9 * noise(x, y, 0.14) + 0.3 * noise(x, y, 1.1)
        return _tinted(colour, np.asarray(shade.clip(0.15, 1.8), np.float32))

    return texture
