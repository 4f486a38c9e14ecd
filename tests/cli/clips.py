"""Made-up clips: some people walk, some flail their arms at one another."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.classify.people import walker
from workers.pose.detector import Detections

FPS, FRAMES, SIZE = 15, 22, (640, 480)
LABELS = {"fight/a.mp4": 1, "noFight/a.mp4": 0, "fight/b.mp4": 1, "noFight/b.mp4": 0}
# How fast their time goes.
FLAIL, STROLL = 2.5, 0.5
# Windows of 16 frames, so that few frames are enough.
SHORT = ("--set", "classify.preset=fast")


def people(number: int, label: int, fps: float = FPS) -> Detections:
    """Two people of a clip's frame, 200 px tall, who stay where they are; in a fight they flail."""
    at = number / fps * (FLAIL if label else STROLL)
    keypoints = np.stack([walker(at, who) for who in (1, 2)])
    keypoints[..., 0] -= 40 * at
    keypoints[1, :, 0] += 120
    low, high = keypoints[..., :2].min(axis=1), keypoints[..., :2].max(axis=1)
    return Detections(np.concatenate([low, high], axis=1), np.full(2, 0.9, np.float32), keypoints)


def clips(labels: dict[str, int], frames: int = FRAMES) -> dict[str, np.ndarray]:
    """The arrays of a file of clips, by name and label."""
    rows = [
        (clip, frame, people(frame, label))
        for clip, label in enumerate(labels.values())
        for frame in range(frames)
    ]
    return {
        "clip": np.repeat([clip for clip, _, _ in rows], 2),
        "frame": np.repeat([frame for _, frame, _ in rows], 2),
        "track": np.full(2 * len(rows), -1),
        "box": np.concatenate([seen.boxes for _, _, seen in rows]),
        "score": np.concatenate([seen.scores for _, _, seen in rows]),
        "kpts": np.concatenate([seen.keypoints for _, _, seen in rows]),
        "clip_name": np.array(list(labels)),
        "clip_label": np.array(list(labels.values())),
        "clip_fps": np.full(len(labels), float(FPS)),
        "clip_frames": np.full(len(labels), frames),
        "clip_wh": np.array([SIZE] * len(labels)),
    }


def write(path: Path, **changes: np.ndarray) -> Path:
    """A file of two fights and two other clips; None leaves an array out."""
    arrays = clips(LABELS) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
