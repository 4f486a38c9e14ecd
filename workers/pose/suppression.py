"""Which detections of several views are the same person, and what they say together. Pure numerics.

n detections of all views of one image; COCO's 17 joints. Suppression by object key point similarity (OKS) is
usual where several looks at an image are put together; here the boxes' overlap has a say too, because two
people who embrace share a box but not a skeleton.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import OKS_SIGMAS

# COCO measures OKS against the area of the body, which is about this share of its box.
BODY_OF_BOX = 0.53
# Skeletons at least so alike, from views that show the person about as well, are averaged.
_AGREEMENT = 0.5
_AS_WELL = 0.95
_SPREAD = 8 * OKS_SIGMAS.astype(np.float32) ** 2

Floats = NDArray[np.float32]


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box [4] with [n, 4], x1 y1 x2 y2: [n] in [0, 1]."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    found: Floats = shared / np.maximum(union, np.float32(1e-9))
    return found


def body_area(boxes: Floats) -> Floats:
    """[n] square pixels of the bodies in boxes [n, 4]."""
    found: Floats = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) * np.float32(BODY_OF_BOX)
    return found


def likeness(keypoints: Floats, others: Floats, area: Floats) -> Floats:
    """OKS of skeletons, each joint weighted by both confidences: [n] in [0, 1].

    Args:
        keypoints: [17, 3] or [n, 17, 3]: x, y in pixels, confidence.
        others: [n, 17, 3] in the same pixels.
        area: [n] or one number: square pixels of the bodies.
    """
    squared = ((others[..., :2] - keypoints[..., :2]) ** 2).sum(axis=-1)
    weight = others[..., 2] * keypoints[..., 2] + np.float32(1e-6)
    near = np.exp(-squared / (_SPREAD * np.maximum(area, np.float32(1))[..., None]))
    found: Floats = (weight * near).sum(axis=-1) / weight.sum(axis=-1)
    return found


@dataclass(frozen=True)
class Sameness:
    """When two detections are one person.

    Attributes:
        iou: boxes that overlap more may be one person's.
        oks: they are, if the skeletons are at least so alike.
        certain_iou: they are, whatever the skeletons.
    """

    iou: float
    oks: float = 0.3
    certain_iou: float = 0.8

    def leaders(self, boxes: Floats, keypoints: Floats, ranks: Floats, limit: int) -> NDArray[np.intp]:
        """[n]: the row of the detection that stands for each; -1 where there were `limit` better people.

        The best rank that is left leads a group and takes all that are the same person as it.
        """
        leader = np.full(len(ranks), -1, np.intp)
        left = np.argsort(-ranks, kind="stable")
        areas = body_area(boxes)
        for _ in range(limit):
            if not len(left):
                break
            best, rest = left[0], left[1:]
            leader[best] = best
            overlaps = overlap(boxes[best], boxes[rest])
            near = np.flatnonzero(overlaps > self.iou)
            rows = rest[near]
            alike = likeness(keypoints[best], keypoints[rows], (areas[rows] + areas[best]) / 2) >= self.oks
            same = near[alike | (overlaps[near] > self.certain_iou)]
            leader[rest[same]] = best
            left = np.delete(rest, same)
        return leader


@dataclass(frozen=True)
class Merged:
    """People of several views, best first.

    Attributes:
        rows: [m] the detection that stands for each.
        boxes, scores, keypoints: [m, 4], [m], [m, 17, 3].
    """

    rows: NDArray[np.intp]
    boxes: Floats
    scores: Floats
    keypoints: Floats


def merge(
    boxes: Floats, scores: Floats, keypoints: Floats, quality: Floats, same: Sameness, limit: int
) -> Merged:
    """One detection for each person.

    Of a group the one with the best score x quality stands for it. It gets the group's best score, and the
    mean box and key points, weighted by score and confidence, of those that agree with it and are of about
    its quality: a mirror image helps so, a smaller image would blur. The area of a box says nothing about
    which is better.

    Args:
        boxes: [n, 4] x1 y1 x2 y2 in pixels of the image.
        scores: [n].
        keypoints: [n, 17, 3].
        quality: [n] how well the view shows a person of this size, above 0.
        same: when two are one person.
        limit: most people.
    """
    leader = same.leaders(boxes, keypoints, scores * quality, limit)
    inside = np.flatnonzero(leader >= 0)
    led = leader[inside]
    rows, person = np.unique(led, return_inverse=True)
    best = np.zeros(len(rows), np.float32)
    np.maximum.at(best, person, scores[inside])
    alike = likeness(keypoints[led], keypoints[inside], body_area(boxes)[led]) >= _AGREEMENT
    averaged = (inside == led) | (alike & (quality[inside] >= _AS_WELL * quality[led]))
    inside, person = inside[averaged], person[averaged]
    points = keypoints[rows].copy()
    trust = scores[inside, None] * keypoints[inside, :, 2] + np.float32(1e-6)
    points[..., :2] = _mean(keypoints[inside, :, :2], trust[..., None], person, len(rows))
    mean_boxes = _mean(boxes[inside], scores[inside, None], person, len(rows))
    order = np.argsort(-best, kind="stable")
    return Merged(rows[order], mean_boxes[order], best[order], points[order])


def _mean(values: Floats, weights: Floats, person: NDArray[np.intp], people: int) -> Floats:
    """Weighted mean over each person's rows, [people, ...]."""
    total = np.zeros((people, *values.shape[1:]), np.float32)
    weight = np.zeros((people, *weights.shape[1:]), np.float32)
    np.add.at(total, person, values * weights)
    np.add.at(weight, person, weights)
    return (total / np.maximum(weight, 1e-9)).astype(np.float32)
