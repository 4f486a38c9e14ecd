"""Leaves out people who stand where nobody is to be looked for: a screen, a poster, a neighbour's garden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shared.messages import Frame
from shared.rules import Rules, feet
from workers.pose.detector import Detections


def unmasked(seen: Detections, frame: Frame, rules: Rules) -> Detections:
    """The detections of a frame without those whose feet are in a mask that counts at its capture.

    Before the tracker, so that nothing of them is stored or shown anywhere.
    """
    if not len(seen):
        return seen
    points = [feet(box, frame.width, frame.height) for box in seen.boxes]
    kept = ~np.array(rules.masked(points, frame.captured_at))
    if kept.all():
        return seen
    features = None if seen.features is None else seen.features[kept]
    return replace(
        seen,
        boxes=seen.boxes[kept],
        scores=seen.scores[kept],
        keypoints=seen.keypoints[kept],
        features=features,
    )
