"""Labelled clips as the product sees them: its tracker, its windows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.classify import windows as cutting
from workers.classify.due import Due, body_heights
from workers.classify.pairs import Pairs, paired
from workers.classify.stage import people_of
from workers.pose.config import PoseConfig
from workers.pose.evaluation.clip_files import Clip, read_clips, tracks_of

Integers = NDArray[np.int64]

WINDOW_FPS, WINDOW, TRAIN_STRIDE, TEST_STRIDE = 25.0, 32, 4, 8
# Slower copies of a clip are for training only: every second and third frame, not below so many a second.
_KEEP_EVERY, _LEAST_FPS = (1, 2, 3), 8.0


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Clips, their labels and their source videos.

    Attributes:
        clips: [K].
        names: [K] as in the file.
        labels: [K] 1 is a fight.
        groups: [K] number of the source video; clips of one video are never split.
    """

    clips: list[Clip]
    names: NDArray[np.str_]
    labels: Integers
    groups: Integers


def load(data: Path, groups: Path | None) -> Labelled:
    """Read clips and which of them were cut from one video.

    Args:
        data: an NPZ file (`workers/pose/evaluation/clip_files.py`).
        groups: a JSON list of lists of clip names; None: every clip is a video of its own.

    Raises:
        ConfigError: the file cannot be used.
        ValueError: a clip stands in no group, so that a fold could leak.
    """
    clips = read_clips(data)
    names = np.array([clip.name for clip in clips])
    numbers = np.arange(len(clips)) if groups is None else _numbers(names, groups)
    labels = np.array([clip.label for clip in clips], np.int64)
    return Labelled(clips=clips, names=names, labels=labels, groups=numbers)


def in_order(data: Labelled, names: NDArray[np.str_]) -> Labelled:
    """The clips of these names, in this order.

    Raises:
        ValueError: one is missing.
    """
    number_of = {name: number for number, name in enumerate(data.names.tolist())}
    missing = [name for name in names.tolist() if name not in number_of]
    if missing:
        raise ValueError(
            f"{missing[0]} and {len(missing) - 1} more clips are missing in the other detections"
        )
    rows = [number_of[name] for name in names.tolist()]
    return Labelled(
        clips=[data.clips[row] for row in rows],
        names=names,
        labels=data.labels[rows],
        groups=data.groups[rows],
    )


def load_looks(paths: Sequence[Path], names: NDArray[np.str_]) -> dict[str, Labelled]:
    """The same clips as other detectors saw them, by the stems of their files.

    Raises:
        ConfigError: a file cannot be used.
        ValueError: a clip is missing in one of them.
    """
    return {path.stem: in_order(load(path, None), names) for path in paths}


Cut = Callable[[Clip], Iterator[tuple[float, Due]]]


def test_windows(clip: Clip) -> Iterator[tuple[float, Due]]:
    """The windows that the product would judge."""
    yield from _windows(clip, TEST_STRIDE)


def train_windows(clip: Clip) -> Iterator[tuple[float, Due]]:
    """Windows twice as often, and of slower copies too, so that slow cameras are not news to an expert."""
    for every in _KEEP_EVERY:
        if every == 1 or clip.fps / every >= _LEAST_FPS:
            slower = replace(clip, fps=clip.fps / every, times=clip.times[::every], found=clip.found[::every])
            yield from _windows(slower, TRAIN_STRIDE)


@dataclass(frozen=True, kw_only=True)
class Windows:
    """n windows of clips, as an expert is fed them.

    Attributes:
        inputs: [n, ...].
        clip, at, track: [n] number of the clip, time at which it became due (seconds), whose window it is.
    """

    inputs: NDArray[np.floating[Any]]
    clip: Integers
    at: NDArray[np.float64]
    track: Integers


Make = Callable[[Pairs], NDArray[np.floating[Any]]]


def windows_of(data: Labelled, cut: Cut, make: Make) -> Windows:
    """All windows of all clips, each made into what an expert is fed."""
    inputs, clip, at, track = [], [], [], []
    for number, one in enumerate(data.clips):
        for moment, due in cut(one):
            inputs.append(make(paired(due)))
            clip.append(np.full(len(due), number))
            at.append(np.full(len(due), moment))
            track.append(due.ids[due.judged])
    return Windows(
        inputs=np.concatenate(inputs),
        clip=np.concatenate(clip),
        at=np.concatenate(at),
        track=np.concatenate(track),
    )


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """What an expert learns from, and what it is asked afterwards.

    Attributes:
        train: windows of all looks at the clips.
        asked: by look, "" being the first one's: windows as the product would judge them.
    """

    train: Windows
    asked: dict[str, Windows]


def lessons(data: Labelled, also: Mapping[str, Labelled], make: Make) -> Lessons:
    """Windows of clips and of other looks at the same clips."""
    looks = {"": data, **also}
    return Lessons(
        train=joined([windows_of(look, train_windows, make) for look in looks.values()]),
        asked={name: windows_of(look, test_windows, make) for name, look in looks.items()},
    )


def joined(parts: Sequence[Windows]) -> Windows:
    """The windows of several looks at the same clips."""
    return Windows(
        inputs=np.concatenate([part.inputs for part in parts]),
        clip=np.concatenate([part.clip for part in parts]),
        at=np.concatenate([part.at for part in parts]),
        track=np.concatenate([part.track for part in parts]),
    )


def heights(due: Due) -> NDArray[np.float32]:
    """[N] body heights of those who are judged, pixels."""
    return body_heights(due)[due.judged]


def _windows(clip: Clip, stride: int) -> Iterator[tuple[float, Due]]:
    """Windows with the time at which they became due."""
    windows = cutting.Windows(
        cutting.WindowSettings(fps=WINDOW_FPS, window=WINDOW, frames=WINDOW, stride=stride)
    )
    for tracks in tracks_of(clip, PoseConfig()):
        due = windows.push(tracks.at, people_of(tracks))
        if len(due):
            yield tracks.at, due


def _numbers(names: NDArray[np.str_], path: Path) -> Integers:
    sources = json.loads(path.read_text(encoding="utf-8"))
    number_of = {name: number for number, members in enumerate(sources) for name in members}
    unknown = [name for name in names.tolist() if name not in number_of]
    if unknown:
        # A clip that no group names is its own source only if that is known; here it would be a leak.
        raise ValueError(f"{path}: {unknown[0]} and {len(unknown) - 1} more clips have no source video")
    return np.array([number_of[name] for name in names.tolist()], np.int64)
