"""What the graph nets see: a person and their partner, body-relative, with velocity, bones and confidence.

Coordinates are relative to the body, because the same punch is 10 px at the back of a car park and 300 px at
a till: the origin is the middle of the hips over the whole window (so that walking and falling remain), the
unit is the body's height. Both people of a pair have the frame of the one who is judged, so that where they
stand to each other is seen.

Array letters: A people of a window, N of them judged, C channels, T frames, V joints, M people of an input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import soft_mask
from workers.classify.due import Due, body_heights
from workers.classify.motion import HIPS, velocities
from workers.classify.pairs import Pairs

Floats = NDArray[np.floating[Any]]

# x, y; velocity; bone; from the joint to the other person's place; confidence; observed, not interpolated.
CHANNELS = 10
PLACE, VELOCITY, BONE, OTHER, CONFIDENCE, OBSERVED = slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8), 8, 9

# Parent of each joint, towards the hips' middle: the trunk of the body moves least.
PARENTS = np.array([0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14])

_FURTHEST = 3.0
# Body heights a second become numbers like the places'.
_PER_SPEED = np.float32(0.2)
_LEAST_HEIGHT_PX = 4.0


def body(pairs: Pairs) -> NDArray[np.float32]:
    """The input "body-v2".

    Args:
        pairs: a window.

    Returns:
        [N, 10, T, 17, 2] in body heights of the one who is judged, within +-3; empty frames and a partner who
        is not there are 0. Joints of low confidence are drawn to 0 (`soft_mask`).
    """
    due = pairs.due
    if not len(due):
        return np.zeros((0, CHANNELS, due.keypoints.shape[1], 17, 2), np.float32)
    rows = pairs.rows
    height = np.maximum(body_heights(due), _LEAST_HEIGHT_PX)[due.judged, None, None, None, None]
    origin = _origins(due)[due.judged][:, None, None, None]
    present = due.filled[rows] & ~(pairs.alone[:, None, None] & np.array([False, True])[:, None])
    points = (due.keypoints[rows][..., :2] - origin) / height
    confidence = due.keypoints[rows][..., 2].clip(0, 1) * present[..., None]
    n, m, frames = present.shape
    velocity, _ = velocities(
        points.reshape(n * m, frames, 17, 2), confidence.reshape(n * m, frames, 17), due.fps
    )
    velocity = np.nan_to_num(velocity).reshape(points.shape) * _PER_SPEED
    bone = points - points[:, :, :, PARENTS]
    centre = _centres(points, confidence, due, rows, origin, height)
    to_other = centre[:, ::-1, :, None] - points
    to_other = np.where(present[:, ::-1, :, None, None], to_other, 0)
    belief = soft_mask(confidence)[..., None]
    channels = np.concatenate(
        [
            *(value.clip(-_FURTHEST, _FURTHEST) * belief for value in (points, velocity, bone, to_other)),
            confidence[..., None],
            np.broadcast_to(due.seen[rows][..., None, None], (n, m, frames, 17, 1)),
        ],
        axis=-1,
    )
    channels = channels * present[..., None, None]
    return np.ascontiguousarray(channels.transpose(0, 4, 2, 3, 1), dtype=np.float32)


def _origins(due: Due) -> Floats:
    """[A, 2] the hips' mean over the window, weighted with confidence; boxes' centres count a little."""
    hips = due.keypoints[:, :, HIPS]
    weight = hips[..., 2:].clip(0, 1)
    centres = (due.boxes[..., :2] + due.boxes[..., 2:]) / 2
    slight = np.float32(1e-3) * due.filled[..., None]
    total = weight.sum(axis=(1, 2)) + slight.sum(axis=1)
    summed = (hips[..., :2] * weight).sum(axis=(1, 2)) + (centres * slight).sum(axis=1)
    return np.asarray(summed / np.maximum(total, 1e-9), np.float32)


def _centres(
    points: Floats, confidence: Floats, due: Due, rows: NDArray[np.int64], origin: Floats, height: Floats
) -> Floats:
    """[N, M, T, 2] the hips' middle, the box's where they are not seen."""
    boxes = due.boxes[rows]
    middle = ((boxes[..., :2] + boxes[..., 2:]) / 2 - origin[..., 0, :]) / height[..., 0]
    weight = confidence[..., HIPS, None]
    hips = (points[..., HIPS, :] * weight).sum(axis=-2) / np.maximum(weight.sum(axis=-2), 1e-6)
    return np.where(weight.sum(axis=-2) > 0.2, hips, middle)
