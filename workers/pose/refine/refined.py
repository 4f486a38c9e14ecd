"""What refinement says of the people of a frame. Q people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.refine import occlusion

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Refined:
    """What is known of each person after a frame: first those seen, as they came in, then those predicted.

    Attributes:
        track_ids: [Q].
        boxes: [Q, 4] x1 y1 x2 y2, pixels.
        keypoints: [Q, 17, 3] x, y in pixels, confidence; always finite.
        predicted: [Q] true where the person was not seen in this frame.
        velocity: [Q, 17, 2] body heights a second.
        acceleration: [Q, 17, 2] body heights / s^2.
        scale: [Q] running body height in pixels.
        quality: [Q] mean confidence of the key points.
        reliability: [Q, 17] mean confidence of each key point lately.
        rows: [Q] of the input; -1 where predicted.
    """

    track_ids: NDArray[np.int64]
    boxes: Floats
    keypoints: Floats
    predicted: NDArray[np.bool_]
    velocity: Floats
    acceleration: Floats
    scale: Floats
    quality: Floats
    reliability: Floats
    rows: NDArray[np.int64]

    def ahead(self, seconds: float) -> Floats:
        """[Q, 17, 3] the key points so much later, for a display that would otherwise be late.

        Args:
            seconds: from the frame on, at least 0; for n frames give n times the interval.
        """
        after = np.full(len(self.scale), max(0.0, float(seconds)))
        speed = self.velocity * self.scale[:, None, None]
        places, _ = occlusion.coasted(self.keypoints[..., :2], speed, after, self.scale)
        confidence = occlusion.faded(self.keypoints[..., 2], after)
        return np.concatenate([places, confidence[..., None]], axis=-1)
