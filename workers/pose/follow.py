"""From a frame's detections to its tracks: the tracker, then the refiner. No net, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.messages import Frame, Tracks
from workers.pose.config import PoseConfig, TrackerConfig
from workers.pose.detector import Detections
from workers.pose.refine import Refiner
from workers.pose.tracking import Tracker, open_tracker


@dataclass
class State:
    """What a camera's tracks depend on besides the next frame."""

    camera: str
    generation: str
    tracker: Tracker
    refiner: Refiner


def new_state(
    config: PoseConfig, tracker: TrackerConfig, camera: str, generation: str, moving: bool
) -> State:
    """Nobody seen yet."""
    return State(camera, generation, open_tracker(tracker, generation, moving), Refiner(config.refine))


def follow(state: State, frame: Frame, seen: Detections, grey: NDArray[np.uint8] | None = None) -> Tracks:
    """Follow the people of a camera into its next frame.

    Args:
        state: goes on with this frame.
        frame: whose image is not looked at.
        seen: the people in it, weak ones too.
        grey: [h, w, 1] the image at the published size, for moving cameras.
    """
    size = (frame.width, frame.height)
    tracked = state.tracker.update(frame.number, frame.at, seen, size, grey)
    rows = tracked.detection
    refined = state.refiner.update(frame.at, tracked.track_ids, seen.boxes[rows], seen.keypoints[rows], size)
    detection = _rows_of(rows, refined.rows)
    return Tracks(
        camera=frame.camera,
        generation=frame.generation,
        number=frame.number,
        at=frame.at,
        captured_at=frame.captured_at,
        trail=frame.trail,
        width=frame.width,
        height=frame.height,
        detection_boxes=seen.boxes,
        detection_scores=seen.scores,
        detection_keypoints=seen.keypoints,
        detection_tracks=tracked.owners,
        track_ids=refined.track_ids,
        detection=detection,
        boxes=refined.boxes,
        scores=_rows_of(seen.scores, detection, 0.0),
        keypoints=refined.keypoints,
        predicted=refined.predicted,
        velocity=refined.velocity,
        scale=refined.scale,
        quality=refined.quality,
    )


def _rows_of(values: NDArray[Any], rows: NDArray[Any], otherwise: float = -1) -> NDArray[Any]:
    """[Q] the values in those rows; `otherwise` where a row is below 0."""
    found = np.full(len(rows), otherwise, values.dtype)
    found[rows >= 0] = values[rows[rows >= 0]]
    return found
