"""Made-up people for the classifier's tests."""

from __future__ import annotations

import numpy as np

from shared.messages import Tracks

GENERATION = "0123456789abcdef"


def walker(at: float, track: int = 1, height: float = 200.0) -> np.ndarray:
    """[17, 3] key points of somebody who walks and swings the arms smoothly."""
    joints = np.arange(17)
    x = 100 + 40 * at + 0.2 * height * np.sin(2 * np.pi * 0.7 * at + joints + track)
    y = 50 + height * joints / 17 + 5 * np.cos(2 * np.pi * 0.5 * at + joints)
    return np.stack([x, y, np.full(17, 0.8)], axis=1).astype(np.float32)


def record(
    at: float, ids: list[int], *, camera: str = "lobby", number: int = 0, height: float = 200.0
) -> Tracks:
    """A Tracks record in which everybody walks, detected."""
    count = len(ids)
    keypoints = np.array([walker(at, track, height) for track in ids], np.float32).reshape(count, 17, 3)
    boxes = np.array([[90, 50, 250, 50 + height]] * count, np.float32).reshape(count, 4)
    ones = np.ones(count, np.float32)
    return Tracks(
        camera=camera,
        generation=GENERATION,
        number=number,
        at=at,
        captured_at=at,
        width=640,
        height=480,
        detection_boxes=boxes,
        detection_scores=ones,
        detection_keypoints=keypoints,
        detection_tracks=np.array(ids, np.int64),
        track_ids=np.array(ids, np.int64),
        detection=np.arange(count, dtype=np.int16),
        boxes=boxes,
        scores=ones,
        keypoints=keypoints,
        predicted=np.zeros(count, bool),
        velocity=np.zeros((count, 17, 2), np.float32),
        scale=ones,
        quality=ones,
    )
