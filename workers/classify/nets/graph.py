"""The COCO-17 skeleton as a graph, and the adjacency stacks that both nets start from.

Everything is plain numpy. A stack is [K, V, V]; features are multiplied from the left, so column w of a
matrix says how the joints v are mixed into joint w.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Adjacency = NDArray[np.float32]

JOINTS = 17

# Directed towards the nose, (child, parent). Not the bones that are drawn: hips hang from the shoulders.
INWARD = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 5),
    (12, 6),
    (9, 7),
    (7, 5),
    (10, 8),
    (8, 6),
    (5, 0),
    (6, 0),
    (1, 0),
    (3, 1),
    (2, 0),
    (4, 2),
)


def spatial_stack() -> Adjacency:
    """Self, inward and outward neighbours, each normalised by columns.

    Returns:
        [3, 17, 17], pyskl's layout 'spatial'.
    """
    inward = np.zeros((JOINTS, JOINTS), np.float32)
    for child, parent in INWARD:
        inward[parent, child] = 1
    return np.stack([np.eye(JOINTS, dtype=np.float32), _by_columns(inward), _by_columns(inward.T)])


def binary() -> Adjacency:
    """Symmetric neighbours without self loops, [17, 17] of 0 and 1."""
    adjacency = np.zeros((JOINTS, JOINTS), np.float32)
    for child, parent in INWARD:
        adjacency[parent, child] = adjacency[child, parent] = 1
    return adjacency


def hop_stack(adjacency: Adjacency, scales: int) -> Adjacency:
    """One matrix for each distance: joints exactly k hops away, and the joint itself.

    Args:
        adjacency: [V, V] of 0 and 1, with or without self loops.
        scales: how many distances, the first being 0 (the joint itself).

    Returns:
        [scales, V, V], each normalised by columns.
    """
    identity = np.eye(len(adjacency), dtype=np.float32)
    step = adjacency + identity
    reached = identity
    stack = [identity]
    for _ in range(1, scales):
        further = np.minimum(reached @ step, 1)
        stack.append(_by_columns(further - reached + identity))
        reached = further
    return np.stack(stack)


def space_time(adjacency: Adjacency, frames: int) -> Adjacency:
    """The graph of `frames` consecutive skeletons in which every frame is joined to every other.

    Returns:
        [frames * V, frames * V]; index is frame * V + joint; joints keep their self loops.
    """
    with_loops = adjacency + np.eye(len(adjacency), dtype=np.float32)
    return np.tile(with_loops, (frames, frames))


def _by_columns(matrix: Adjacency) -> Adjacency:
    sums = matrix.sum(axis=0)
    return np.asarray(matrix / np.where(sums > 0, sums, 1), np.float32)
