"""Changes pair windows so that the nets learn how people move and not where, how large or how well seen.

The input "body-v2" holds each vector several times (place, velocity, bone, way to the other), so what changes
one has to change all of them.

Array letters: n windows, C channels, T frames, V joints, M people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import FLIP, soft_mask
from workers.classify.inputs.graph import BONE, CONFIDENCE, OBSERVED, OTHER, PARENTS, PLACE, VELOCITY

Floats = NDArray[np.float32]

_VECTORS = 8
_X, _Y = slice(0, _VECTORS, 2), slice(1, _VECTORS, 2)
# What a shift of a joint by 1 in one frame does to its velocity there; the later one goes the other way.
_SHIFT_TO_SPEED, _SPEED_FRAMES = 2.5, 2
_MIRROR = np.ones((10, 1, 1, 1), np.float32)
_MIRROR[_X] = -1

_WARP, _TURN, _STRETCH, _SCALE = 0.2, np.deg2rad(20), 0.15, 0.2
_BENT, _NOISE, _SLIP = 0.04, 0.003, 0.1
_JOINT_LOST, _FRAME_LOST, _SPELL_LOST, _PARTNER_LOST = 0.05, 0.02, 0.15, 0.1
_BORROWED_CONFIDENCE = 0.15


def augment(windows: NDArray[np.floating], rng: np.random.Generator) -> Floats:
    """Each window in its own way: mirrored, turned, stretched, bent, warped in time, with losses.

    Args:
        windows: [n, 10, T, 17, 2] of the input "body-v2".
        rng: the source of all chance.

    Returns:
        As `windows`, new memory. What is empty stays empty.
    """
    n = len(windows)
    flipped = rng.random(n) < 0.5
    mirrored = windows[..., FLIP, :] * _MIRROR
    x = np.where(flipped[:, None, None, None, None], mirrored, windows).astype(np.float32)
    x = _warped(x, rng)
    present = x[:, CONFIDENCE : CONFIDENCE + 1].any(axis=3, keepdims=True)
    x[:, :_VECTORS] = _turned(x[:, :_VECTORS], rng)
    _shift(x, rng)
    _change_confidence(x, rng)
    _lose(x, rng)
    return x * present


def _warped(x: Floats, rng: np.random.Generator) -> Floats:
    """Play each window a little faster or slower and a little earlier or later, nearest frames."""
    n, _, frames, _, _ = x.shape
    speed = np.exp(rng.uniform(-_WARP, _WARP, n))
    centre = frames / 2 + rng.uniform(-2, 2, n)
    steps = np.arange(frames) - frames / 2
    index = np.rint(steps * speed[:, None] + centre[:, None]).clip(0, frames - 1).astype(np.int64)
    warped = x[np.arange(n)[:, None], :, index].transpose(0, 2, 1, 3, 4).copy()
    warped[:, VELOCITY] *= speed[:, None, None, None, None]
    return np.asarray(warped, np.float32)


def _turned(vectors: Floats, rng: np.random.Generator) -> Floats:
    """Turn, scale and stretch all vectors alike: another angle, another guess of the body's height."""
    n, shape = len(vectors), (len(vectors), 1, 1, 1, 1)
    angle = rng.uniform(-_TURN, _TURN, n).reshape(shape)
    scale = np.exp(rng.uniform(-_SCALE, _SCALE, n)).reshape(shape)
    stretch = np.exp(rng.uniform(-_STRETCH, _STRETCH, n)).reshape(shape)
    x, y = vectors[:, _X] * (scale * stretch), vectors[:, _Y] * (scale / stretch)
    turned = np.empty_like(vectors)
    turned[:, _X] = x * np.cos(angle) - y * np.sin(angle)
    turned[:, _Y] = x * np.sin(angle) + y * np.cos(angle)
    return turned


def _shift(x: Floats, rng: np.random.Generator) -> None:
    """Move joints: each by a constant, everybody by a constant, and a little noise."""
    n, _, frames, joints, people = x.shape
    bent = rng.normal(0, _BENT, (n, 2, 1, joints, people))
    slipped = rng.normal(0, _SLIP, (n, 2, 1, 1, people)) * np.array([0.0, 1.0])
    noise = rng.normal(0, _NOISE, (n, 2, frames, joints, people))
    moved = (bent + slipped + noise).astype(np.float32)
    belief = soft_mask(x[:, CONFIDENCE])[:, None]
    x[:, PLACE] += moved * belief
    x[:, BONE] += (moved - moved[:, :, :, PARENTS]) * belief
    x[:, OTHER] -= (moved - slipped[..., ::-1]) * belief * x[:, OTHER].any(axis=(1, 3), keepdims=True)
    speed = (noise[:, :, _SPEED_FRAMES:] - noise[:, :, :-_SPEED_FRAMES]) * _SHIFT_TO_SPEED
    x[:, VELOCITY, _SPEED_FRAMES:] += speed * belief[:, :, _SPEED_FRAMES:]


def _change_confidence(x: Floats, rng: np.random.Generator) -> None:
    """Let each window look better or worse seen, or as well as some other one."""
    n = len(x)
    borrowed = (rng.random(n) < _BORROWED_CONFIDENCE)[:, None, None, None]
    own, others = x[:, CONFIDENCE], x[rng.permutation(n), CONFIDENCE]
    own = np.where(borrowed & (own > 0) & (others > 0), others, own)
    x[:, CONFIDENCE] = own * rng.uniform(0.7, 1, (n, 1, 1, 1))


def _lose(x: Floats, rng: np.random.Generator) -> None:
    """Lose joints, frames, somebody for a while at the beginning or the end, or the partner."""
    n, _, frames, joints, people = x.shape
    kept = (rng.random((n, 1, joints, people)) >= _JOINT_LOST) & (
        rng.random((n, frames, 1, people)) >= _FRAME_LOST
    )
    spell = rng.integers(1, frames // 3 + 1, (n, people)) * (rng.random((n, people)) < _SPELL_LOST)
    first = rng.random((n, people)) < 0.5
    at = np.arange(frames)[None, :, None]
    here = np.where(first[:, None], at >= spell[:, None], at < frames - spell[:, None])
    here[..., 1] &= (rng.random(n) >= _PARTNER_LOST)[:, None]
    x *= (kept & here[:, :, None])[:, None]
    x[:, OTHER] *= here[:, None, :, None, ::-1]
    x[:, OBSERVED] *= here[:, :, None]
