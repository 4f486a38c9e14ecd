"""What pyskl's nets see: two people in the frame's own coordinates, as one of four streams.

Does what pyskl's pipeline does in a test (`PreNormalize2D`, `GenSkeFeat`, `UniformSample`, `FormatGCNInput`),
since its checkpoints know nothing else: https://github.com/kennymckormick/pyskl, pyskl/datasets/pipelines.

Array letters: N people judged, C channels, T frames, V joints, M people of an input.
"""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.classify.pairs import Pairs

Floats = NDArray[np.float32]
Stream = Literal["joint", "bone", "joint-motion", "bone-motion"]

# Frames of an input: shorter clips are repeated, longer ones thinned out.
FRAMES = 100

# Parent of each joint: unlike in the nets' graph, hips hang from the nose.
PARENTS = np.array([0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 13, 14])

_LEAST_SCORE = 0.01
# Half images from the middle. Nothing that is seen is so far away; half precision must not overflow.
_FURTHEST = 3.0
_SEED = 255


def pyskl(pairs: Pairs, stream: Stream) -> Floats:
    """The inputs "pyskl-joint", "pyskl-bone", "pyskl-joint-motion" and "pyskl-bone-motion".

    The clip is the part of the window in which either of the two is there; cells between that are empty are
    zeros, as where pyskl's own detector missed somebody.

    Args:
        pairs: a window.
        stream: what the net was trained on.

    Returns:
        [N, 3, 100, 17, 2] x, y and score; who is judged comes first, then the partner, zeros where there is
        none. x and y of joints, before they become bones or motions, are 0 in the middle of the image and
        1 at its right and lower edges.
    """
    due = pairs.due
    inputs = np.zeros((len(due), 2, FRAMES, 17, 3), np.float32)
    if len(due):
        rows = pairs.rows
        there = due.filled[rows]
        there[pairs.alone, 1] = False
        people = normalised(due.keypoints[rows] * there[..., None, None], due.image_size)
        for n, cells in enumerate(np.asarray(there.any(axis=1))):
            first, last = np.flatnonzero(cells)[[0, -1]]
            clip = streamed(people[n, :, first : last + 1], stream)
            inputs[n] = clip[:, sampled(clip.shape[1])]
    return np.ascontiguousarray(inputs.transpose(0, 4, 2, 3, 1))


def normalised(keypoints: Floats, image_size: tuple[int, int]) -> Floats:
    """Pixels to half images from the middle; joints that are hardly seen lie in the middle.

    Args:
        keypoints: [..., 17, 3] x, y in pixels, score.
        image_size: width and height in pixels.
    """
    middle = np.array(image_size, np.float32) / 2
    places = ((keypoints[..., :2] - middle) / middle).clip(-_FURTHEST, _FURTHEST)
    score = keypoints[..., 2:]
    return np.concatenate([np.where(score > _LEAST_SCORE, places, np.float32(0)), score], axis=-1)


def streamed(clip: Floats, stream: Stream) -> Floats:
    """Normalised key points [M, T, 17, 3] as a stream of the same shape."""
    values = clip if stream.startswith("joint") else _difference(clip[:, :, PARENTS], clip)
    if not stream.endswith("motion"):
        return values
    motion = np.zeros_like(values)
    motion[:, :-1] = _difference(values[:, :-1], values[:, 1:])
    return motion


def _difference(start: Floats, end: Floats) -> Floats:
    """From one to the other, with the mean of their scores."""
    return np.concatenate([end[..., :2] - start[..., :2], (start[..., 2:] + end[..., 2:]) / 2], axis=-1)


@functools.cache
def sampled(frames: int) -> NDArray[np.int64]:
    """Which frames of a clip of so many become the input's: [100].

    The first of the crops that pyskl tests with: short clips start again, of longer ones one is drawn from
    every hundredth part, always the same.
    """
    # pyskl's own generator, drawn from in its order, so that the frames are the same.
    random = np.random.RandomState(_SEED)
    random.rand()
    random.randint(1)
    if frames < FRAMES:
        return np.arange(FRAMES) % frames
    if frames < 2 * FRAMES:
        skips = np.zeros(FRAMES + 1, np.int64)
        skips[random.choice(FRAMES + 1, frames - FRAMES, replace=False)] = 1
        return np.arange(FRAMES) + np.cumsum(skips)[:-1]
    edges = np.arange(FRAMES + 1) * frames // FRAMES
    return edges[:-1] + random.randint(np.diff(edges))
