"""Simulated people with their truth, stacked for benchmarks and tests of skeletons.

T moments, N people. Scenes of one clock stand side by side as if one camera saw all of their people, so that
a benchmark runs once over all of them.

`python -m benchmarks.skeleton_scenes` prints what a scene of each kind costs.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated import KINDS, DetectorNoise, Observation, Truth, make_scene, observe

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

STILL = ("standing",)
MOVING = ("walking", "running", "crossing")
FIGHTS = ("fight",)
SECONDS = 10.0


@dataclass(frozen=True)
class Recording:
    """What is there and what a detector says of it.

    Attributes:
        at: [T] seconds.
        present: [T, N] who is in the image.
        keypoints: [T, N, 17, 3] the truth in pixels; third 1 where the joint is seen.
        boxes: [T, N, 4] the truth, pixels.
        heights_px: [T, N] standing body heights.
        measured: [T, N, 17, 3] x, y in pixels, confidence; NaN where the person is not detected.
        measured_boxes: [T, N, 4] pixels; NaN likewise.
        frame_size: width and height.
        truths: of each scene, with all that is known.
        observations: for each scene, its frames' detections; `owner` counts the people of that scene.
    """

    at: Floats
    present: Bools
    keypoints: Floats
    boxes: Floats
    heights_px: Floats
    measured: Floats
    measured_boxes: Floats
    frame_size: tuple[int, int]
    truths: tuple[Truth, ...]
    observations: tuple[list[Observation], ...]

    @property
    def detected(self) -> Bools:
        """[T, N] who is detected."""
        return np.asarray(np.isfinite(self.measured_boxes[..., 0]))


def clock(fps: float, seconds: float = SECONDS, irregular: bool = False) -> Floats:
    """[T] times of frames; irregular ones jitter by up to 0.4 of a period and one in twenty is dropped.

    It is the same for every scene, so that scenes can be stacked.
    """
    count = round(seconds * fps)
    at = np.arange(count) / fps
    if irregular:
        random = np.random.default_rng(0)
        at = at + random.uniform(-0.4, 0.4, count) / fps
        at = at[random.random(count) >= 0.05]
        at -= at[0]
    return at


def record(
    kinds: str | Iterable[str],
    seeds: Iterable[int],
    *,
    fps: float = 30.0,
    seconds: float = SECONDS,
    irregular: bool = False,
    noise: DetectorNoise | None = None,
    **scene: Any,
) -> Recording:
    """Scenes of some kinds, each with every seed, stacked along the people.

    Args:
        kinds: of `KINDS`, one or several.
        seeds: of the scenes and of the detector's errors.
        fps: frames a second.
        seconds: length of each scene.
        irregular: frames come at irregular times, and some do not come.
        noise: the detector's errors; the usual ones if absent.
        scene: what else `make_scene` takes (people, height_px, manner, ...); hashable.
    """
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    noise = DetectorNoise() if noise is None else noise
    at = clock(fps, seconds, irregular)
    extra = tuple(sorted(scene.items()))
    return _stacked(
        [_one(kind, seed, (fps, seconds, irregular), noise, extra) for kind in kinds for seed in seeds],
        at,
    )


@functools.lru_cache(maxsize=256)
def _one(
    kind: str,
    seed: int,
    timing: tuple[float, float, bool],
    noise: DetectorNoise,
    scene: tuple[tuple[str, Any], ...],
) -> tuple[Truth, list[Observation]]:
    fps, seconds, irregular = timing
    at = clock(fps, seconds, irregular)
    truth = make_scene(kind, seed, seconds=seconds, **dict(scene)).truth(at)
    return truth, observe(truth, noise, seed)


def _stacked(scenes: list[tuple[Truth, list[Observation]]], at: Floats) -> Recording:
    if not scenes:
        raise ValueError("no kinds or no seeds: name one of each")
    truths = [truth for truth, _ in scenes]
    if len({truth.frame_size for truth in truths}) > 1:
        raise ValueError("scenes with frames of several sizes cannot be stacked")
    measured = [_by_person(truth, frames) for truth, frames in scenes]

    def side_by_side(name: str) -> Any:
        return np.concatenate([getattr(truth, name) for truth in truths], axis=1)

    return Recording(
        at=at,
        present=side_by_side("present"),
        keypoints=side_by_side("keypoints"),
        boxes=side_by_side("boxes"),
        heights_px=side_by_side("heights_px"),
        measured=np.concatenate([keypoints for keypoints, _ in measured], axis=1),
        measured_boxes=np.concatenate([boxes for _, boxes in measured], axis=1),
        frame_size=truths[0].frame_size,
        truths=tuple(truths),
        observations=tuple(frames for _, frames in scenes),
    )


def _by_person(truth: Truth, frames: list[Observation]) -> tuple[Floats, Floats]:
    keypoints = np.full(truth.keypoints.shape, np.nan)
    boxes = np.full(truth.boxes.shape, np.nan)
    for row, frame in enumerate(frames):
        real = frame.owner >= 0
        keypoints[row, frame.owner[real]] = frame.keypoints[real]
        boxes[row, frame.owner[real]] = frame.boxes[real]
    return keypoints, boxes


def main() -> None:
    """Milliseconds for ten seconds of a scene at 30 fps, by kind, and its people."""
    for kind in KINDS:
        begun = time.perf_counter()
        recording = record(kind, range(3))
        spent = (time.perf_counter() - begun) / 3
        people = recording.present.shape[1] / 3
        print(f"{kind:<10} {1000 * spent:6.0f} ms  {people:4.1f} people")


if __name__ == "__main__":
    main()
