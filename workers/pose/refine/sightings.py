"""What a frame says of people, made sound: whatever comes in, finite numbers go on. P people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT

Floats = NDArray[np.floating[Any]]

# Beyond these no image has pixels, and arithmetic on squares of them stays exact enough.
_FURTHEST_PX = 1e5
_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True)
class Sightings:
    """The tracks of one frame.

    Attributes:
        track_ids: [P] distinct.
        boxes: [P, 4] x1 y1 x2 y2, pixels.
        places: [P, 17, 2] pixels; NaN where a joint is not known.
        confidence: [P, 17] in [0, 1]; 0 where a joint is not known.
        rows: [P] of the input.
    """

    track_ids: NDArray[np.int64]
    boxes: Floats
    places: Floats
    confidence: Floats
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.track_ids)

    @property
    def usable(self) -> Floats:
        """[P, 17, 2] the places, and the box's middle where a joint is not known."""
        middle = (self.boxes[:, None, :2] + self.boxes[:, None, 2:]) / 2
        return np.where(np.isnan(self.places), middle, self.places)


def sighted(track_ids: Any, boxes: Any, keypoints: Any) -> Sightings:
    """Sound sightings of what a tracker says.

    A repeated id counts once, where it is first. Coordinates that are not finite, or beyond any image, are
    not known; a box that is not finite is drawn around the known joints; sides are at least a pixel.

    Args:
        track_ids: [P] int.
        boxes: [P, 4] pixels.
        keypoints: [P, 17, 3] pixels, confidence.

    Raises:
        ValueError: the shapes do not fit.
    """
    ids = np.asarray(track_ids, np.int64)
    corners, points = np.asarray(boxes, np.float64), np.asarray(keypoints, np.float64)
    count = ids.size
    if not corners.size and not points.size and not count:
        corners, points, ids = np.zeros((0, 4)), np.zeros((0, JOINT_COUNT, 3)), ids.reshape(0)
    if not (
        ids.shape == (count,) and corners.shape == (count, 4) and points.shape == (count, JOINT_COUNT, 3)
    ):
        raise ValueError(
            f"track ids {ids.shape}, boxes {corners.shape} and key points {points.shape} do not fit: "
            f"give [P], [P, 4] and [P, {JOINT_COUNT}, 3]"
        )
    if count > 1:
        rows = np.sort(np.unique(ids, return_index=True)[1])
        if len(rows) < count:
            ids, corners, points = ids[rows], corners[rows], points[rows]
    else:
        rows = np.arange(count)
    places, confidence = points[..., :2], points[..., 2]
    if not (np.abs(points) <= _FURTHEST_PX).all():
        known = np.asarray((np.abs(points) <= _FURTHEST_PX).all(axis=-1))
        places = np.where(known[..., None], places, np.nan)
        confidence = np.where(known, confidence, 0.0)
    return Sightings(ids, _sound(corners, places), places, np.clip(confidence, 0.0, 1.0), rows)


def _sound(boxes: Floats, places: Floats) -> Floats:
    """[P, 4] boxes with finite corners in order and sides of at least a pixel."""
    within = np.asarray((np.abs(boxes) <= _FURTHEST_PX).all(axis=1))
    if within.all() and (boxes[:, 2:] - boxes[:, :2] >= _LEAST_SIDE_PX).all():
        return boxes
    known = np.asarray(~np.isnan(places))
    low = np.where(known, places, np.inf).min(axis=1)
    high = np.where(known, places, -np.inf).max(axis=1)
    around = np.concatenate([low, high], axis=1)
    around = np.where(np.isfinite(around), around, 0.0)
    boxes = np.where(within[:, None], boxes, around)
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    return np.concatenate([low, np.maximum(high, low + _LEAST_SIDE_PX)], axis=1)
