"""Windows of made-up people for the tests of inputs, pairs and doubts."""

from __future__ import annotations

import dataclasses

import numpy as np

from workers.classify.due import Due

FRAMES = 32


def standing(x: float, height: float = 100.0) -> np.ndarray:
    """[T, 17, 3] somebody who stands still, with the hips' middle at (x, 0)."""
    y = np.array([-45, -47, -47, -46, -46, -38, -38, -20, -20, 0, 0, 0, 0, 25, 25, 50, 50]) / 100 * height
    side = np.array([0, 1, -1, 2, -2, 9, -9, 12, -12, 13, -13, 6, -6, 7, -7, 7, -7]) / 100 * height
    pose = np.stack([x + side, y, np.full(17, 0.9)], axis=1)
    return np.repeat(pose[None], FRAMES, axis=0).astype(np.float32)


def waving(person: np.ndarray, joints: list[int], hz: float, reach: float) -> np.ndarray:
    """The same with some joints swinging sideways, `reach` pixels to each side."""
    moved = person.copy()
    swing = reach * np.sin(2 * np.pi * hz * np.arange(FRAMES) / 25)
    moved[:, joints, 0] += swing[:, None].astype(np.float32)
    return moved


def window(*people: np.ndarray, judged: list[int] | None = None) -> Due:
    """Everybody seen throughout, with boxes around them."""
    keypoints = np.array(people, np.float32).reshape(len(people), FRAMES, 17, 3)
    low, high = keypoints[..., :2].min(axis=2), keypoints[..., :2].max(axis=2)
    known = np.ones((len(people), FRAMES), bool)
    return Due(
        fps=25.0,
        image_size=(640, 480),
        ids=np.arange(1, len(people) + 1),
        judged=np.arange(len(people)) if judged is None else np.array(judged, np.int64),
        keypoints=keypoints,
        boxes=np.concatenate([low, high], axis=-1),
        filled=known,
        seen=known,
        quality=np.full(len(people), 0.9, np.float32),
        first_at=np.zeros(len(people)),
        last_at=np.full(len(people), 31 / 25),
    )


def moved(due: Due, scale: float, shift: tuple[float, float]) -> Due:
    """The same people elsewhere in the picture and of another size."""
    keypoints = due.keypoints.copy()
    keypoints[..., :2] = keypoints[..., :2] * scale + shift
    boxes = due.boxes * scale + np.array([*shift, *shift])
    return dataclasses.replace(due, keypoints=keypoints, boxes=boxes.astype(np.float32))


def emptied(due: Due, row: int, frames: slice) -> Due:
    """One person missing for some frames, as windows leave empty cells."""
    filled = due.filled.copy()
    filled[row, frames] = False
    return dataclasses.replace(
        due,
        filled=filled,
        seen=due.seen & filled,
        keypoints=due.keypoints * filled[..., None, None],
        boxes=due.boxes * filled[..., None],
    )
