"""When a verdict would be a guess, and why. Pure.

Array letters: A people of a window, N of them judged, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.messages import Doubt
from workers.classify.due import Due, body_heights

# Confidence from which a joint counts as seen.
_SEEN = 0.3


@dataclass(frozen=True)
class DoubtSettings:
    """What must be known of somebody.

    Attributes:
        joints: joints that are seen on average, at least.
        frames: frames of the window that lie between two detections, at least.
        height_px: body height, at least.
        changes: people who were there during the window, for each one who was there at the same time, at
            most; above it identities change too often to say who did what.
    """

    joints: float
    frames: int
    height_px: float
    changes: float


def doubts(due: Due, settings: DoubtSettings) -> list[tuple[Doubt, ...]]:
    """For each of the N who are judged, why nothing should be said; empty where nothing speaks against it."""
    joints = (due.keypoints[..., 2] >= _SEEN).sum(axis=-1).sum(axis=-1) / np.maximum(
        due.filled.sum(axis=-1), 1
    )
    at_once = due.filled.sum(axis=0).max(initial=0)
    churning = len(due.ids) > settings.changes * max(int(at_once), 1)
    found: dict[Doubt, np.ndarray] = {
        "few_joints": joints < settings.joints,
        "short": due.seen.sum(axis=-1) < settings.frames,
        "small": body_heights(due) < settings.height_px,
        "churn": np.full(len(due.ids), churning),
    }
    return [tuple(name for name, rows in found.items() if rows[row]) for row in due.judged.tolist()]
