"""Windows of two public sets of acted activities, labelled with the simulated people's activities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.activities import Activities, joined
from training.clips import WINDOW, WINDOW_FPS
from workers.classify.due import Due
from workers.classify.inputs.graph import body
from workers.classify.inputs.interaction import interaction
from workers.classify.pairs import paired
from workers.classify.windows import People, Windows, WindowSettings
from workers.ingest.simulated import ACTIONS

# Of two people one does it and one suffers it; who is not said.
_OF_TWO: dict[str, tuple[str, ...]] = {
    "approaching": ("walk", "stand"),
    "departing": ("walk", "stand"),
    "kicking": ("kick", "struck"),
    "punching": ("strike", "struck"),
    "pushing": ("shove", "struck"),
    "hugging": ("hug",),
    "shaking_hands": ("handshake",),
    "exchanging_object": ("handshake", "gesture"),
}
_OF_ONE: dict[str, tuple[str, ...]] = {
    "punch": ("strike",),
    "kick": ("kick",),
    "wave": ("gesture",),
    "stand": ("stand",),
    "squat": ("exercise",),
}
_VIOLENT = {"strike", "kick", "shove", "struck"}
# The set of two was resampled in time, to 25 frames of a clip of unknown length.
_RATES_OF_TWO = (10.0, 13.0, 17.0)
_STRIDE = 4
_IMAGE_SIZE = (640, 480)


def of_two(path: Path) -> Activities:
    """SBU: two people who do one of eight things to each other."""
    source = np.load(path)
    parts = []
    for keypoints, label in zip(source["kpts"], source["label"], strict=True):
        doing = _OF_TWO[str(source["label_names"][label])]
        for fps in _RATES_OF_TWO:
            parts += [_labelled(due, doing) for due in _dues(keypoints, fps)]
    return joined(parts)


def of_one(path: Path) -> Activities:
    """One person who punches, kicks, waves, stands or squats, over and over."""
    source = np.load(path)
    parts = []
    for run in np.unique(source["run"]):
        rows = np.flatnonzero(source["run"] == run)
        doing = _OF_ONE[str(source["label"][rows[0]])]
        parts += [_labelled(due, doing) for due in _dues(source["kpts"][rows][None], float(source["fps"]))]
    return joined(parts)


def _dues(keypoints: NDArray[np.float32], fps: float) -> Iterator[Due]:
    """Windows of [M, T, 17, 3], with boxes around what is seen."""
    windows = Windows(WindowSettings(fps=WINDOW_FPS, window=WINDOW, frames=WINDOW, stride=_STRIDE))
    for frame in range(keypoints.shape[1]):
        points = keypoints[:, frame]
        people = np.flatnonzero((points[..., 2] > 0).sum(axis=1) >= 4)
        points = points[people].astype(np.float32)
        seen = points[..., 2:] > 0
        low = np.where(seen, points[..., :2], np.inf).min(axis=1)
        high = np.where(seen, points[..., :2], -np.inf).max(axis=1)
        margin = 0.06 * (high - low)[:, 1:]
        due = windows.push(
            frame / fps,
            People(
                ids=people.astype(np.int64),
                keypoints=points,
                boxes=np.concatenate([low - margin, high + margin], axis=1).astype(np.float32),
                quality=np.ones(len(people), np.float32),
                image_size=_IMAGE_SIZE,
            ),
        )
        if len(due):
            yield due


def _labelled(due: Due, doing: tuple[str, ...]) -> Activities:
    shares = np.zeros((len(due), len(ACTIONS)), np.float32)
    shares[:, [ACTIONS.index(name) for name in doing]] = 1 / len(doing)
    fights = np.full(len(due), float(set(doing) <= _VIOLENT), np.float32)
    return Activities(body(paired(due)).astype(np.float16), shares, fights, interaction(paired(due)))
