"""From a net's candidates to people. No I/O.

A anchors, n people kept, D feature channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.pose.letterbox import Letterbox
from workers.pose.runtimes import MAX_CANDIDATES, Image, Runtime
from workers.pose.weights import END_TO_END


@dataclass(frozen=True)
class Detections:
    """People found in one frame, best first, in pixels of the published image.

    Attributes:
        boxes: [n, 4] x1 y1 x2 y2, inside the image.
        scores: [n] in [0, 1].
        keypoints: [n, 17, 3] x, y, confidence.
        features: [n, D] appearance, or None where re-identification is off.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    features: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Selection:
    """Which candidates are people.

    Attributes:
        head: the branch that answers; the end-to-end one needs no suppression.
        conf, iou, max_det: least score, overlap above which the weaker of two goes, most people.
    """

    head: str
    conf: float
    iou: float
    max_det: int

    def rows(self, candidates: NDArray[np.float32]) -> NDArray[np.intp]:
        """Anchors to keep, best first.

        Args:
            candidates: [56, A] as `PoseNet` gives them.
        """
        scores = candidates[4]
        likely = np.flatnonzero(scores >= self.conf)
        likely = likely[np.argsort(-scores[likely], kind="stable")]
        if self.head == END_TO_END:
            return likely[: self.max_det]
        likely = likely[:MAX_CANDIDATES]
        if len(likely) < 2:
            return likely
        corners = candidates[:4, likely].T.astype(np.float64)
        corners[:, 2:] -= corners[:, :2]
        kept = cv2.dnn.NMSBoxes(corners.tolist(), scores[likely].tolist(), 0.0, self.iou)
        return likely[np.asarray(kept, dtype=np.intp)[: self.max_det]]


def people(
    candidates: NDArray[np.float32], features: NDArray[np.float32] | None, box: Letterbox, select: Selection
) -> Detections:
    """The people among a net's candidates, carried back to the image's pixels."""
    rows = select.rows(candidates)
    found = np.ascontiguousarray(candidates[:, rows].T, dtype=np.float32)
    corners = box.points_back(found[:, :4].reshape(-1, 2, 2)).reshape(-1, 4)
    limit = np.array([box.width, box.height, box.width, box.height], np.float32)
    keypoints = found[:, 5:].reshape(-1, 17, 3).copy()
    keypoints[..., :2] = box.points_back(keypoints[..., :2])
    return Detections(
        boxes=np.clip(corners, 0, limit),
        scores=np.clip(found[:, 4], 0, 1),
        keypoints=keypoints,
        features=None if features is None else features[rows].copy(),
    )


class Detector:
    """The net and its post-processing, for frames of any cameras in one call."""

    def __init__(self, runtime: Runtime, select: Selection) -> None:
        self._runtime = runtime
        self._select = select

    def look(self, images: Sequence[Image], boxes: Sequence[Letterbox]) -> list[Detections]:
        """People in each image; a row does not depend on its neighbours.

        Args:
            images: inputs as `Letterbox.place` makes them.
            boxes: how each was placed.
        """
        return self._runtime.run(
            images, lambda row, candidates, features: people(candidates, features, boxes[row], self._select)
        )
