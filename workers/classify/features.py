"""From pixels to what the nets see; training and the product share this code.

Coordinates are relative to the body, because the same punch is 10 px at the back of a car park and 300 px at
a till: the origin is the middle of the hips over the whole window (so that walking and falling remain), the
unit is the body's height. The third channel is the confidence.

Array letters: N windows, C channels, T frames, V joints, M people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import soft_mask
from workers.classify.windows import Due

Floats = NDArray[np.float32]

# Named in every model card; weights made for another normalisation are refused.
NORMALISATION = "body-v1"

_HIPS = [11, 12]
_HEIGHT_PERCENTILE = 90
_FURTHEST = 3.0
_LEAST_HEIGHT_PX = 4.0


def body_heights(due: Due) -> Floats:
    """Height of each person in pixels: a high percentile, since bodies bend and boxes are cut.

    Returns:
        [N] pixels of the published image.
    """
    heights = np.where(due.filled, due.boxes[..., 3] - due.boxes[..., 1], np.nan)
    if not len(due):
        return np.zeros(0, np.float32)
    return np.nanpercentile(heights, _HEIGHT_PERCENTILE, axis=1).astype(np.float32)


def features(due: Due, *, masked: bool = False) -> Floats:
    """The nets' input.

    Args:
        due: windows with at least one filled cell each.
        masked: pull joints of low confidence towards the origin, by `soft_mask`.

    Returns:
        [N, 3, T, 17, 1] x and y in body heights from the hips, within +-3, and confidence; empty cells are 0.
    """
    xy, confidence = due.keypoints[..., :2], due.keypoints[..., 2:].clip(0, 1)
    scale = np.maximum(body_heights(due), _LEAST_HEIGHT_PX)[:, None, None, None]
    relative = ((xy - _origins(due)[:, None, None]) / scale).clip(-_FURTHEST, _FURTHEST)
    if masked:
        relative = relative * soft_mask(confidence)
    joined = np.concatenate([relative, confidence], axis=-1) * due.filled[..., None, None]
    return np.ascontiguousarray(joined.transpose(0, 3, 1, 2)[..., None], dtype=np.float32)


def _origins(due: Due) -> Floats:
    """[N, 2] the hips' mean over the window, weighted with confidence; boxes' centres count a little."""
    hips = due.keypoints[:, :, _HIPS]
    weight = hips[..., 2:].clip(0, 1)
    centres = (due.boxes[..., :2] + due.boxes[..., 2:]) / 2
    slight = np.float32(1e-3) * due.filled[..., None]
    total = weight.sum(axis=(1, 2)) + slight.sum(axis=1)
    summed = (hips[..., :2] * weight).sum(axis=(1, 2)) + (centres * slight).sum(axis=1)
    return np.asarray(summed / np.maximum(total, 1e-9), np.float32)
