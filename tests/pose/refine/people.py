"""Plain people for tests of refinement: one standing pose, and scenes played to a refiner."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.skeleton_scenes import Recording
from workers.pose.refine import Refined

FRAME = (1280, 720)
# Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles: x from the middle and y from the top, in
# body heights.
_X = np.array(
    [0, 0.02, -0.02, 0.04, -0.04, 0.1, -0.1, 0.13, -0.13, 0.14, -0.14, 0.07, -0.07, 0.07, -0.07, 0.07, -0.07]
)
_Y = np.array(
    [0.08, 0.06, 0.06, 0.07, 0.07, 0.18, 0.18, 0.33, 0.33, 0.46, 0.46, 0.48, 0.48, 0.72, 0.72, 0.97, 0.97]
)
# Joints that say nothing of how tall somebody is.
FREE = np.array([0, 1, 2, 3, 4, 7, 8, 9, 10])


def standing(
    x: float = 400.0, y: float = 200.0, height: float = 200.0, confidence: float = 0.9
) -> np.ndarray:
    """[1, 17, 3] somebody whose head's top is at x, y."""
    return np.stack([x + height * _X, y + height * _Y, np.full(17, confidence)], axis=1)[None]


def box(x: float = 400.0, y: float = 200.0, height: float = 200.0) -> np.ndarray:
    """[1, 4] the box of the same person."""
    return np.array([[x - 0.2 * height, y, x + 0.2 * height, y + height]])


def crowd(random: np.random.Generator, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [P, 4] and key points [P, 17, 3] of a frame: everybody somewhere, jittered, more or less sure."""
    places = random.uniform((100, 50, 80), (1000, 300, 300), (people, 3))
    boxes = np.array([box(*place)[0] for place in places]).reshape(-1, 4)
    points = np.array([standing(*place)[0] for place in places]).reshape(-1, 17, 3)
    points[..., :2] += random.normal(0, 3, (people, 17, 2))
    points[..., 2] = random.uniform(0.1, 1, (people, 17))
    return boxes, points


NOBODY = (np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros((0, 17, 3)))


def played(refiner: Any, recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """[T, N, 17, 3] the answers, NaN where there is none, and [T, N] which of them are predicted."""
    shape = recording.present.shape
    answers, predicted = np.full((*shape, 17, 3), np.nan), np.zeros(shape, bool)

    def keep(row: int, refined: Refined) -> None:
        answers[row, refined.track_ids] = refined.keypoints
        predicted[row, refined.track_ids] = refined.predicted

    row_of = {at: row for row, at in enumerate(recording.at.tolist())}
    for row, at in enumerate(recording.at.tolist()):
        people = np.flatnonzero(recording.detected[row])
        boxes, points = recording.measured_boxes[row, people], recording.measured[row, people]
        answer = refiner.update(at, people, boxes, points, recording.frame_size)
        if isinstance(answer, Refined):
            keep(row, answer)
        elif answer is not None:
            keep(row_of[answer[0]], answer[1])
    for at, refined in refiner.flush() if hasattr(refiner, "flush") else []:
        keep(row_of[at], refined)
    return answers, predicted
