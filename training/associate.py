"""Joins the detections of a clip into tracks for training, weak ones too.

A track starts at a confidence of 0.3 and continues at 0.1: fighters who are tangled or blurred are detected
weakly exactly when it matters.
"""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

START, CONTINUE = 0.3, 0.1
GAP_S = 0.5
COST_LIMIT = 0.7
VELOCITY_SHARE = 0.5


def associate(
    frames: NDArray[np.int64], boxes: Floats, scores: Floats, keypoints: Floats, fps: float
) -> NDArray[np.int64]:
    """Track numbers of a clip's detections.

    Args:
        frames: [n] frame of each detection, ascending.
        boxes: [n, 4] left, top, right, bottom in pixels.
        scores: [n].
        keypoints: [n, 17, 3] pixels and confidence.
        fps: frames a second.

    Returns:
        [n] track number, -1 for a detection that belongs to none.
    """
    tracks = np.full(len(frames), -1, np.int64)
    last: NDArray[np.int64] = np.zeros(0, np.int64)
    velocity = np.zeros((0, 4), np.float32)
    for frame in np.unique(frames):
        rows = np.flatnonzero((frames == frame) & (scores >= CONTINUE))
        alive = (frame - frames[last]) / fps <= GAP_S
        candidates = np.flatnonzero(alive)
        elapsed = (frame - frames[last[candidates]])[:, None].astype(np.float32)
        predicted = boxes[last[candidates]] + velocity[candidates] * elapsed
        cost = _cost(predicted, keypoints[last[candidates]], boxes[rows], keypoints[rows])
        for candidate, row in _match(cost):
            track, detection = candidates[candidate], rows[row]
            step = (boxes[detection] - boxes[last[track]]) / (frame - frames[last[track]])
            velocity[track] += VELOCITY_SHARE * (step - velocity[track])
            tracks[detection] = track
            last[track] = detection
        born = rows[(tracks[rows] < 0) & (scores[rows] >= START)]
        tracks[born] = len(last) + np.arange(len(born))
        last = np.concatenate([last, born])
        velocity = np.concatenate([velocity, np.zeros((len(born), 4), np.float32)])
    return tracks


def _cost(boxes_a: Floats, keypoints_a: Floats, boxes_b: Floats, keypoints_b: Floats) -> Floats:
    """[A, B] half box overlap, half distance of the key points in body heights, both in [0, 1]."""
    low = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    high = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    area_a = (boxes_a[:, 2:] - boxes_a[:, :2]).prod(axis=1)
    area_b = (boxes_b[:, 2:] - boxes_b[:, :2]).prod(axis=1)
    overlap = shared / np.maximum(area_a[:, None] + area_b - shared, 1e-6)
    weight = keypoints_a[:, None, :, 2] * keypoints_b[None, :, :, 2]
    distance = np.linalg.norm(keypoints_a[:, None, :, :2] - keypoints_b[None, :, :, :2], axis=3)
    height = np.maximum(boxes_a[:, None, 3] - boxes_a[:, None, 1], 4)
    apart = (distance * weight).sum(axis=2) / np.maximum(weight.sum(axis=2), 1e-6) / height
    return np.asarray((1 - overlap) / 2 + (apart / 0.5).clip(0, 1) / 2, np.float32)


def _match(cost: Floats) -> list[tuple[int, int]]:
    if not cost.size:
        return []
    _, column_of, _ = lap.lapjv(cost.astype(np.float64), extend_cost=True, cost_limit=COST_LIMIT)
    return [(row, int(column)) for row, column in enumerate(column_of) if column >= 0]
