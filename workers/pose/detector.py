"""From a net's candidates to people. No I/O.

A anchors, n people kept, D feature channels. Within a view the boxes' overlap alone suppresses: of other
skeletons in the same place, kept by OKS, nine of ten were nobody's (benchmarks/recall_by_height.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.pose.runtimes import MAX_CANDIDATES, Image, Runtime
from workers.pose.suppression import Sameness, merge
from workers.pose.views import View
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
    candidates: NDArray[np.float32], features: NDArray[np.float32] | None, view: View, select: Selection
) -> Detections:
    """The people among a view's candidates, carried back to the image's pixels.

    Who is cut by a tile's inner edge is left to the views that show more of him.
    """
    rows = select.rows(candidates)
    boxes = view.boxes_back(np.ascontiguousarray(candidates[:4, rows].T, dtype=np.float32))
    whole = ~view.cut(boxes)
    rows = rows[whole]
    found = np.ascontiguousarray(candidates[4:, rows].T, dtype=np.float32)
    return Detections(
        boxes=boxes[whole],
        scores=np.clip(found[:, 0], 0, 1),
        keypoints=view.keypoints_back(found[:, 1:].reshape(-1, 17, 3)),
        features=None if features is None else features[rows].copy(),
    )


def together(seen: Sequence[Detections], views: Sequence[View], select: Selection) -> Detections:
    """The people of an image from what each of its views shows; features are those of the best view."""
    if len(seen) == 1:
        return seen[0]
    boxes = np.concatenate([part.boxes for part in seen])
    quality = np.concatenate([view.quality(part.boxes) for view, part in zip(views, seen, strict=True)])
    merged = merge(
        boxes,
        np.concatenate([part.scores for part in seen]),
        np.concatenate([part.keypoints for part in seen]),
        quality,
        Sameness(select.iou),
        select.max_det,
    )
    looks = [part.features for part in seen if part.features is not None]
    features = np.concatenate(looks)[merged.rows] if looks else None
    return Detections(merged.boxes, merged.scores, merged.keypoints, features)


class Detector:
    """The net and its post-processing, for frames of any cameras in one call."""

    def __init__(self, runtime: Runtime, select: Selection) -> None:
        self._runtime = runtime
        self._select = select

    def look(self, inputs: Sequence[Sequence[Image]], views: Sequence[Sequence[View]]) -> list[Detections]:
        """People in each frame; a frame does not depend on its neighbours.

        Args:
            inputs: for each frame its inputs, as `View.place` makes them.
            views: for each frame the view of each input.
        """
        flat = [view for shown in views for view in shown]
        seen = iter(
            self._runtime.run(
                [image for images in inputs for image in images],
                lambda row, candidates, features: people(candidates, features, flat[row], self._select),
            )
        )
        return [together([next(seen) for _ in shown], shown, self._select) for shown in views]
