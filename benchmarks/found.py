"""Counts who is found, who is missed and what is nobody, by height in the image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.far_cameras import Scene
from shared.skeleton import OKS_SIGMAS
from workers.pose.detector import Detections
from workers.pose.suppression import overlap

CLASSES = ((0, 50), (50, 100), (100, 300), (300, 10_000))
LEAST_OKS = 0.5


@dataclass
class Tally:
    """What one way of looking found, over all images; each list holds arrays of one image."""

    oks: list[NDArray[np.float64]] = field(default_factory=list)
    false_heights: list[NDArray[np.float32]] = field(default_factory=list)
    outcomes: list[NDArray[np.float64]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, scene: Scene, seen: Detections, conf: float) -> None:
        """Count an image; outcomes are [n, 3]: height, score, 0 right, 1 badly placed, 2 nobody."""
        oks, taken = matched(scene, seen, conf)
        _, right = matched(scene, seen, 0.0)
        left = ~on_ignored(scene, seen.boxes)
        heights = seen.boxes[:, 3] - seen.boxes[:, 1]
        self.oks.append(oks)
        self.false_heights.append(heights[(seen.scores >= conf) & ~taken & left])
        on_somebody = np.array([overlap(box, scene.boxes).max(initial=0) > 0.5 for box in seen.boxes], bool)
        kind = np.where(right, 0, np.where(on_somebody, 1, 2))
        self.outcomes.append(np.stack([heights, seen.scores, kind], axis=1)[right | left])


def similarities(scene: Scene, keypoints: NDArray[np.float32]) -> NDArray[np.float64]:
    """COCO's OKS of each truth person with each detection: [P, n]."""
    squared = ((scene.keypoints[:, None, :, :2] - keypoints[None, :, :, :2]) ** 2).sum(axis=3)
    near = np.exp(-squared / (8 * OKS_SIGMAS**2 * scene.areas[:, None, None]))
    labelled = scene.keypoints[:, None, :, 2]
    found: NDArray[np.float64] = (near * labelled).sum(axis=2) / np.maximum(labelled.sum(axis=2), 1)
    return found


def matched(scene: Scene, seen: Detections, conf: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """OKS of each truth person, 0 where missed, and which detections found one; the likeliest first."""
    values = similarities(scene, seen.keypoints)
    oks, taken = np.zeros(len(scene.boxes)), np.zeros(len(seen), bool)
    for row in np.argsort(-seen.scores, kind="stable"):
        open_values = np.where(oks == 0, values[:, row], 0)
        if seen.scores[row] >= conf and open_values.max(initial=0) >= LEAST_OKS:
            person = int(open_values.argmax())
            oks[person], taken[row] = open_values[person], True
    return oks, taken


def on_ignored(scene: Scene, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[n]: more than half of the box lies on one that is ignored."""
    low = np.maximum(boxes[:, None, :2], scene.ignored[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], scene.ignored[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2).max(axis=1, initial=0)
    found: NDArray[np.bool_] = shared > 0.5 * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return found
