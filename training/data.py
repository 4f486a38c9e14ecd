"""Clips as the product would see them: tracks pushed through its own windows and features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import FLIP
from training.associate import associate
from workers.classify.features import body_heights, features
from workers.classify.windows import People, Windows, WindowSettings

Floats = NDArray[np.float32]

TRAIN_STRIDE, TEST_STRIDE = 4, 8


@dataclass(frozen=True, kw_only=True)
class Clips:
    """The windows of all clips.

    Attributes:
        names: [K] clip names.
        labels: [K] 1 is a fight.
        groups: [K] number of the source video.
        train: features of the training windows, [n, 3, T, 17]; those of slowed-down copies too.
        train_clip: [n] the clip of each.
        test: features of the windows that the product would judge.
        test_clip: [n] the clip of each.
        test_height: [n] body height in pixels.
    """

    names: NDArray[np.str_]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    train: Floats
    train_clip: NDArray[np.int64]
    test: Floats
    test_clip: NDArray[np.int64]
    test_height: Floats


def load_clips(data: Path, window_fps: float, frames: int = 32, *, retrack: bool = True) -> Clips:
    """Read the skeletons of the CCTV clips and cut them into windows.

    Args:
        data: the folder with `cctv_fights_coco17.npz`; `../videos/fights/source_groups.json` beside it.
        window_fps: the nets' rate.
        frames: the nets' window.
        retrack: join the detections anew instead of taking the file's tracks.

    Raises:
        ValueError: a clip has no source video, so that folds could share one.
    """
    source = dict(np.load(data / "cctv_fights_coco17.npz"))
    names = source["clip_name"]
    groups = _groups(names, data.parent / "videos" / "fights" / "source_groups.json")
    train, test = [], []
    for clip in range(len(names)):
        rows = np.flatnonzero(source["clip"] == clip)
        rows = rows[np.argsort(source["frame"][rows], kind="stable")]
        fps = float(source["clip_fps"][clip])
        found = {key: source[key][rows] for key in ("frame", "track", "box", "score", "kpts")}
        found["frame"] = found["frame"].astype(np.int64)
        for keep_every in (1, 2, 3):
            if fps / keep_every < 8:
                continue
            kept = {key: value[found["frame"] % keep_every == 0] for key, value in found.items()}
            if retrack:
                kept["track"] = associate(
                    kept["frame"] // keep_every, kept["box"], kept["score"], kept["kpts"], fps / keep_every
                )
            if keep_every == 1:
                test.append((clip, *_cut(kept, fps, window_fps, frames, TEST_STRIDE)))
            train.append((clip, *_cut(kept, fps, window_fps, frames, TRAIN_STRIDE)))
    return Clips(
        names=names,
        labels=source["clip_label"].astype(np.int64),
        groups=groups,
        train=np.concatenate([part[1] for part in train]),
        train_clip=np.concatenate([np.full(len(part[1]), part[0]) for part in train]),
        test=np.concatenate([part[1] for part in test]),
        test_clip=np.concatenate([np.full(len(part[1]), part[0]) for part in test]),
        test_height=np.concatenate([part[2] for part in test]),
    )


def _groups(names: NDArray[np.str_], path: Path) -> NDArray[np.int64]:
    sources = json.loads(path.read_text(encoding="utf-8"))
    number_of = {name: number for number, members in enumerate(sources) for name in members}
    unknown = [name for name in names.tolist() if name not in number_of]
    if unknown:
        # A clip that no group names is its own source only if that is known; here it would be a leak.
        raise ValueError(f"{path}: {unknown[0]} and {len(unknown) - 1} more clips have no source video")
    return np.array([number_of[name] for name in names.tolist()])


def _cut(
    found: dict[str, NDArray[np.generic]], fps: float, window_fps: float, frames: int, stride: int
) -> tuple[Floats, Floats]:
    windows = Windows(WindowSettings(fps=window_fps, window=frames, frames=frames, stride=stride))
    parts, heights = [np.zeros((0, 3, frames, 17), np.float32)], [np.zeros(0, np.float32)]
    for frame in np.unique(found["frame"]):
        here = np.flatnonzero((found["frame"] == frame) & (found["track"] >= 0))
        people = People(
            ids=found["track"][here].astype(np.int64),
            keypoints=found["kpts"][here],
            boxes=found["box"][here],
            quality=np.ones(len(here), np.float32),
        )
        due = windows.push(float(frame) / fps, people)
        parts.append(features(due)[..., 0])
        heights.append(body_heights(due))
    return np.concatenate(parts), np.concatenate(heights)


def augment(windows: Floats, rng: np.random.Generator) -> Floats:
    """Flip, turn, stretch, bend, warp in time, drop joints, add noise; each window its own way.

    Stretching x and y apart and moving each joint by a constant change the body and the camera's angle, not
    how it moves, and that is what should count.

    Args:
        windows: [n, 3, T, 17] x, y in body heights, confidence.
        rng: the source of all chance.

    Returns:
        As `windows`, new memory.
    """
    n, _, frames, joints = windows.shape
    flipped = np.where((rng.random(n) < 0.5)[:, None, None, None], windows[..., FLIP] * _MIRROR, windows)
    moved = _warp(flipped, rng)
    empty = moved[:, 2:] == 0
    angle = np.deg2rad(rng.uniform(-20, 20, n))[:, None, None]
    stretched = moved[:, :2] * np.exp(rng.uniform(-0.25, 0.25, (n, 2, 1, 1)))
    x, y = stretched[:, 0], stretched[:, 1]
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
    bent = turned + rng.normal(0, 0.04, (n, 2, 1, joints)) + rng.normal(0, 0.003, turned.shape)
    confidence = moved[:, 2:] * rng.uniform(0.7, 1, (n, 1, 1, 1))
    dropped = (rng.random((n, 1, 1, joints)) < 0.05) | (rng.random((n, 1, frames, 1)) < 0.02)
    joined = np.concatenate([bent, confidence], axis=1)
    return np.where(empty | dropped, 0, joined).astype(np.float32)


_MIRROR = np.array([-1, 1, 1], np.float32)[:, None, None]


def _warp(windows: Floats, rng: np.random.Generator) -> Floats:
    """Play each window a little faster or slower and a little earlier or later, nearest frames."""
    n, _, frames, _ = windows.shape
    speed = np.exp(rng.uniform(-0.2, 0.2, n))[:, None]
    centre = frames / 2 + rng.uniform(-2, 2, n)[:, None]
    index = np.rint((np.arange(frames) - frames / 2) * speed + centre).clip(0, frames - 1).astype(np.int64)
    return np.take_along_axis(windows, index[:, None, :, None], axis=2)
