"""Detections of labelled clips in NPZ files, and the tracks that our own tracker makes of them.

A file holds n detections of K clips:

    clip, frame  [n]         number of the clip and of its frame, from 0
    box          [n, 4]      x1 y1 x2 y2, pixels of the clip
    score        [n]
    kpts         [n, 17, 3]  x, y, confidence (COCO order)
    clip_name    [K]         text; clip_label [K] 1: fight, 0: none; clip_fps, clip_frames [K]
    clip_wh      [K, 2]      width and height in pixels
    clip_times   [all frames of all clips]  seconds; only where frame / clip_fps is not right

Other arrays (`track` too) are left unread.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.config import ConfigError
from shared.messages import Frame, Tracks
from shared.skeleton import JOINT_COUNT
from workers.pose.config import CameraOptions, PoseConfig, load_tracker, view_plan
from workers.pose.detector import Detections
from workers.pose.follow import follow, new_state
from workers.pose.runtimes import choose, usual_image_size

_OF_ROWS = ("clip", "frame", "box", "score", "kpts")
_OF_CLIPS = ("clip_name", "clip_label", "clip_fps", "clip_frames", "clip_wh")
_KEYS = (*_OF_ROWS, *_OF_CLIPS)
_WHOLE = frozenset({"clip", "frame", "clip_frames", "clip_wh"})
# What a frame's own image may be at most, and what a message can hold.
_MOST_PX, _MOST_FRAMES, _MOST_PEOPLE = 32768, 100_000, 200
_FURTHEST_PX = 1e5


@dataclass(frozen=True)
class Clip:
    """One clip.

    Attributes:
        name, fps: as in the file.
        label: 1 fight, 0 none.
        size: width and height in pixels.
        times: [T] seconds, rising.
        found: detections of each frame, best first.
    """

    name: str
    label: int
    fps: float
    size: tuple[int, int]
    times: NDArray[np.float64]
    found: list[Detections]


def read_clips(path: Path) -> list[Clip]:
    """The clips in a file.

    Raises:
        ConfigError: says what is wrong with it.
    """
    arrays = _read(path)
    _check_shapes(path, arrays)
    _check_values(path, arrays)
    times = _times(path, arrays)
    clips = []
    order = np.lexsort((-arrays["score"], arrays["frame"], arrays["clip"]))
    starts = np.searchsorted(arrays["clip"][order], np.arange(len(arrays["clip_name"]) + 1))
    for number, name in enumerate(arrays["clip_name"].tolist()):
        rows = order[starts[number] : starts[number + 1]]
        frames = arrays["frame"][rows]
        count = int(arrays["clip_frames"][number])
        bounds = np.searchsorted(frames, np.arange(count + 1))
        found = [_detections(arrays, rows[bounds[f] : bounds[f + 1]]) for f in range(count)]
        width, height = (int(side) for side in arrays["clip_wh"][number])
        label, fps = int(arrays["clip_label"][number]), float(arrays["clip_fps"][number])
        clips.append(Clip(str(name), label, fps, (width, height), times[number], found))
    return clips


def tracks_of(clip: Clip, config: PoseConfig) -> Iterator[Tracks]:
    """What the pose worker would publish of a clip with these detections.

    Pictures are published no wider than the detector needs, and people are as large as there: sizes in pixels
    then mean the same, whether a clip came as a film or as detections.
    """
    plan = view_plan(config, CameraOptions(), usual_image_size(choose(config.runtime)))
    share = min(1.0, plan.least_width / clip.size[0])
    width, height = (max(1, round(side * share)) for side in clip.size)
    state = new_state(config, load_tracker(config), "clip", "0" * 16, moving=False)
    for number, (at, found) in enumerate(zip(clip.times.tolist(), clip.found, strict=True)):
        frame = Frame(
            camera=state.camera, generation=state.generation, number=number, at=at, captured_at=at,
            monotonic_s=at, pts_s=at, width=width, height=height,
            source_width=clip.size[0], source_height=clip.size[1], crc=0, image=b"",
        )  # fmt: skip
        yield follow(state, frame, _shrunk(found, share))


def _shrunk(found: Detections, share: float) -> Detections:
    if share == 1.0:
        return found
    size = np.array([share, share, 1], np.float32)
    return Detections(found.boxes * np.float32(share), found.scores, found.keypoints * size)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as opened:
            names = [*_KEYS, *(["clip_times"] if "clip_times" in opened.files else [])]
            arrays = {name: opened[name] for name in names if name in opened.files}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ConfigError(f"{path}: is no NPZ file, or a damaged one") from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ConfigError(f"{path}: has no array '{missing[0]}': see training/detections.py")
    single = [name for name, array in arrays.items() if not array.ndim]
    if single:
        raise ConfigError(f"{path}: {single[0]} is a single value, not a list of them")
    return arrays


def _check_shapes(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    rows, clips = len(arrays["clip"]), len(arrays["clip_name"])
    keypoints = arrays["kpts"]
    if keypoints.ndim == 3 and keypoints.shape[1:] != (JOINT_COUNT, 3):
        raise ConfigError(
            f"{path}: kpts have {keypoints.shape[1]} joints of {keypoints.shape[2]} numbers:"
            f" {JOINT_COUNT} of 3 (COCO) are needed"
        )
    shapes = {
        "clip": (rows,), "frame": (rows,), "box": (rows, 4), "score": (rows,), "kpts": (rows, JOINT_COUNT, 3),
        "clip_name": (clips,), "clip_label": (clips,), "clip_fps": (clips,), "clip_frames": (clips,),
        "clip_wh": (clips, 2),
    }  # fmt: skip
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise ConfigError(f"{path}: {key} has shape {list(arrays[key].shape)}, not {list(shape)}")
        if key != "clip_name" and arrays[key].dtype.kind not in ("iu" if key in _WHOLE else "iuf"):
            raise ConfigError(f"{path}: {key} holds no {'whole ' if key in _WHOLE else ''}numbers")
    if not clips:
        raise ConfigError(f"{path}: holds no clips")


def _check_values(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    clips = len(arrays["clip_name"])
    owners, frames = arrays["clip"], arrays["frame"]
    if not ((owners >= 0) & (owners < clips)).all():
        raise ConfigError(f"{path}: clip points outside the {clips} clips")
    if not np.isin(arrays["clip_label"], (0, 1)).all():
        raise ConfigError(f"{path}: clip_label holds other numbers than 0 and 1")
    bounds = (("clip_fps", 0.1, 1000.0), ("clip_frames", 1, _MOST_FRAMES), ("clip_wh", 1, _MOST_PX))
    for key, low, high in bounds:
        if not ((arrays[key] >= low) & (arrays[key] <= high)).all():
            raise ConfigError(f"{path}: {key} is outside {low} to {high}")
    if not ((frames >= 0) & (frames < arrays["clip_frames"][owners])).all():
        raise ConfigError(f"{path}: frame points outside its clip")


def _times(path: Path, arrays: dict[str, NDArray[Any]]) -> list[NDArray[np.float64]]:
    counts = arrays["clip_frames"].astype(int)
    if "clip_times" not in arrays:
        return [np.arange(count) / float(fps) for count, fps in zip(counts, arrays["clip_fps"], strict=True)]
    given = arrays["clip_times"]
    if given.shape != (counts.sum(),) or given.dtype.kind not in "iuf":
        raise ConfigError(f"{path}: clip_times has not one time for each frame")
    times = np.split(given.astype(np.float64), np.cumsum(counts)[:-1])
    if not all(np.isfinite(part).all() and (np.diff(part) >= 0).all() for part in times):
        raise ConfigError(f"{path}: clip_times go back")
    return times


def _detections(arrays: dict[str, NDArray[Any]], rows: NDArray[np.int64]) -> Detections:
    """Those of a frame that are numbers, the best of them where there are too many."""
    boxes, scores = arrays["box"][rows].astype(np.float32), arrays["score"][rows].astype(np.float32)
    keypoints = arrays["kpts"][rows].astype(np.float32)
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(scores) & np.isfinite(keypoints).all(axis=(1, 2))
    chosen = np.flatnonzero(sound)[:_MOST_PEOPLE]
    keypoints = keypoints[chosen]
    keypoints[..., :2] = keypoints[..., :2].clip(-_FURTHEST_PX, _FURTHEST_PX)
    keypoints[..., 2] = keypoints[..., 2].clip(0, 1)
    return Detections(boxes[chosen].clip(-_FURTHEST_PX, _FURTHEST_PX), scores[chosen].clip(0, 1), keypoints)
