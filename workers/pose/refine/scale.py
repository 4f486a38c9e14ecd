"""How tall people are in the image, and how far people of that size can be trusted. P people."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

# Smallest first; each class starts at its height in pixels.
SIZES = ("tiny", "small", "medium", "large")
STARTS_AT_PX = np.array([0.0, 50.0, 100.0, 300.0])
# How far the key points of a class are to be trusted (the research document, iteration 9).
FACTORS = np.array([0.5, 0.7, 0.9, 1.0])

# Parts of the standing height: middle of the shoulders to middle of the hips; hip to knee to ankle. Body
# segments after Drillis and Contini, 1966, are 0.288 and 0.491; these are larger against what would make
# people too tall: noise, which only makes ways longer, and growing, which is believed sooner than shrinking.
TORSO, LEG = 0.305, 0.505
# Shoulders, hips, knees, ankles, left before right.
_JOINTS = np.array([5, 6, 11, 12, 13, 14, 15, 16])
# Rows of `_JOINTS` behind the torso, the left and the right leg.
_PARTS = np.array([[0, 1, 2, 3], [2, 4, 6, 6], [3, 5, 7, 7]])
# Torso, left thigh and shank, right thigh and shank, as differences of `_JOINTS`.
_WAYS = np.array(
    [
        [0.5, 0.5, -0.5, -0.5, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0],
    ]
)
# The lengths of these ways as body heights by torso, left and right leg.
_HEIGHTS = np.array([[1 / TORSO, 0, 0], [0, 1 / LEG, 0], [0, 1 / LEG, 0], [0, 0, 1 / LEG], [0, 0, 1 / LEG]])
# Seldom are people longer than this times what a box shows of them, or shorter than that (arms stretched).
_LONGEST, _SHORTEST = 1.8, 0.85
# Of the box's own word, beside that of a torso or leg that is surely seen.
_BOX_WEIGHT = 0.3
# Seconds. People hide their height by bending and sitting, and never show more than all of it.
GROWS_IN = 0.5
SHRINKS_IN = 2.0
_LEAST_PX, _MOST_PX = 1.0, 1e6


def size_classes(heights: Floats) -> NDArray[np.int64]:
    """[P] index of `SIZES` for body heights [P] in pixels; what is no number counts as tiny."""
    known = np.nan_to_num(np.asarray(heights, np.float64), nan=0.0, posinf=_MOST_PX, neginf=0.0)
    return np.maximum(np.searchsorted(STARTS_AT_PX, known, side="right") - 1, 0).astype(np.int64)


def confidence_factors(heights: Floats) -> NDArray[np.float64]:
    """[P] in (0, 1]: what to multiply the confidence of people of these body heights [P], pixels, with."""
    return FACTORS[size_classes(heights)]


def measured_heights(boxes: Floats, keypoints: Floats) -> NDArray[np.float64]:
    """How tall each person would stand, by one frame alone.

    The box of somebody who sits, bends or is half hidden is too small, but torso or legs still show their
    length, and a limb that points at the camera looks shorter, never longer. So the longer of torso and leg
    is believed, as far as their joints are sure, beside the box's longer side, which also bounds the answer.

    Args:
        boxes: [P, 4] x1 y1 x2 y2, pixels.
        keypoints: [P, 17, 3] x, y in pixels, confidence in [0, 1].

    Returns:
        [P] pixels, from 1 to 1e6; joints and boxes that are not finite are not believed.
    """
    box = _box_sides(boxes)
    joints = np.asarray(keypoints, np.float64)[:, _JOINTS]
    sound = np.abs(joints) <= _MOST_PX
    if not sound.all():
        joints = np.where(sound.all(axis=2, keepdims=True), joints, 0.0)
    sure = np.maximum(joints[..., 2], 0.0)[:, _PARTS].min(axis=2)
    # Above a half from 0.3 on: below it a joint is rather guessed than seen.
    weights = 1 / (1 + np.exp(3.0 - 10.0 * sure))
    ways = _WAYS @ joints[..., :2]
    heights = np.hypot(ways[..., 0], ways[..., 1]) @ _HEIGHTS
    surely = weights > 0.5
    surely[:, 0] = True
    longer = np.where(surely, heights, 0.0).max(axis=1)
    leg_weight = np.where(surely, weights, 0.0)[:, 1:].max(axis=1)
    weight = 2 * weights[:, 0] + leg_weight
    shown = box > 0
    box_weight = _BOX_WEIGHT * shown
    height = (weight * longer + box_weight * box) / (weight + box_weight)
    most = np.where(shown, _LONGEST * box, _MOST_PX)
    bounded = np.minimum(np.maximum(height, _SHORTEST * box), most)
    return np.asarray(np.minimum(np.maximum(bounded, _LEAST_PX), _MOST_PX))


def running_height(old: Floats, new: Floats, elapsed: Floats) -> NDArray[np.float64]:
    """Body heights over time: believed soon where they grow, slowly where they shrink.

    Args:
        old: [P] the last answer, pixels; not above 0, or not finite, where there is none.
        new: [P] `measured_heights` of this frame.
        elapsed: [P] seconds since the last answer; where it is not above 0, that stands.

    Returns:
        [P] pixels, at least 1.
    """
    old, new, elapsed = (np.asarray(values, np.float64) for values in (old, new, elapsed))
    told = (new > 0) & (new < np.inf)
    before = np.where((old > 0) & (old < np.inf), old, np.where(told, new, _LEAST_PX))
    now = np.where(told, new, before)
    # fmax: a time that is no number is none.
    passed = np.minimum(np.fmax(elapsed, 0.0), 1e6)
    share = 1 - np.exp(-passed / np.where(now > before, GROWS_IN, SHRINKS_IN))
    return np.asarray(np.maximum(before + share * (now - before), _LEAST_PX))


def _box_sides(boxes: Floats) -> NDArray[np.float64]:
    """[P] the longer side, so that people who lie count in full; 0 where the box is none."""
    edges = np.asarray(boxes, np.float64)
    sound = np.abs(edges) <= _MOST_PX
    if not sound.all():
        edges = np.where(sound.all(axis=1, keepdims=True), edges, 0.0)
    sides = edges[:, 2:] - edges[:, :2]
    return np.asarray(np.maximum(np.maximum(sides[:, 0], sides[:, 1]), 0.0))
