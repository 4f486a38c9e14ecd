"""Simulated people for the adaptive filter: many kinds of motion, of detectors and of clocks.

N clips of one person each, T frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated import DetectorNoise, Truth, make_scene, observe

Floats = NDArray[np.float32]

# Fights and everyday motion; whoever stands or walks is what a camera sees most.
KINDS = (
    *("standing", "standing", "walking", "walking", "running", "crossing", "crowd", "sitting", "carrying"),
    *("dance", "sport", "fall", "hug", "meeting", "play", "fight", "fight", "fight", "mixed"),
)
RATES = (30.0, 30.0, 25.0, 20.0, 15.0, 15.0, 10.0, 10.0, 7.0)
FRAMES = 96
SECONDS = 8.0
CLOCKS = 3
_LATEST_START = 30


@dataclass(frozen=True)
class Clips:
    """Lengths in body heights, of one height for a clip.

    Attributes:
        kind: [N] index of `sorted(set(KINDS))`.
        at: [N, T] seconds from the first frame.
        places: [N, T, 17, 2] as detected; of the truth: `truth`.
        confidence: [N, T, 17].
        side: [N, T] square root of the detected box's area.
        seen: [N, T] whether the person was detected; always in the first frame.
        inside: [N, T, 17] whether the person is there and the joint inside the image.
    """

    kind: NDArray[np.int64]
    at: Floats
    places: Floats
    truth: Floats
    confidence: Floats
    side: Floats
    seen: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)


def some_noise(random: np.random.Generator) -> DetectorNoise:
    """A detector of its own kind; its confidence may tell more or less of its errors."""
    usual = DetectorNoise()
    factors = np.array(usual.joint_factors)
    return replace(
        usual,
        jitter=float(np.exp(random.normal(np.log(0.009), 0.35))),
        joint_factors=tuple(float(f) for f in 1 + random.choice([0.0, 0.5, 1.0, 1.0]) * (factors - 1)),
        correlation_s=float(random.choice([0, 1, 1, 1, 2, 3]) * usual.correlation_s),
        degrees=float(random.choice([math.inf, math.inf, 4.0])),
        unevenness=float(random.uniform(0, 0.4)),
        blur=float(random.uniform(0, 0.4)),
        hidden=float(random.uniform(1, 4)),
        hidden_pull=float(random.choice([0.0, 0.0, 0.06, 0.12])),
        outliers=float(random.choice([0.004, 0.01, 0.01, 0.02])),
        outlier_size=float(random.uniform(0.05, 0.2)),
        swaps=float(random.choice([0.0, 0.0, 0.003])),
        borrows=float(random.choice([0.0, 0.0, 0.05])),
        misses=float(random.uniform(0, 0.05)),
        bursts=float(random.uniform(0, 0.15)),
        confidence_spread=float(random.uniform(0.1, 0.8)),
    )


def make_clips(scenes: int, seed: int) -> Clips:
    """Clips of so many scenes; the scenes' own seeds are from 100,000 times `seed` on."""
    random = np.random.default_rng(seed)
    kinds = sorted(set(KINDS))
    found: list[tuple[object, ...]] = []
    for number in range(scenes):
        kind = KINDS[number % len(KINDS)]
        scene = make_scene(kind, seed * 100_000 + number, SECONDS)
        for clock in range(CLOCKS):
            truth = scene.truth(_times(random))
            found += _of_scene(truth, some_noise(random), number * CLOCKS + clock, kinds.index(kind))
    columns = [np.stack([np.asarray(row[i]) for row in found]) for i in range(8)]
    floats = [column.astype(np.float32) for column in columns[1:6]]
    return Clips(columns[0].astype(np.int64), *floats, columns[6].astype(bool), columns[7].astype(bool))


def _times(random: np.random.Generator) -> NDArray[np.float64]:
    rate = random.choice(RATES)
    steps = random.uniform(0.5, 1.5, FRAMES) if random.random() < 0.25 else np.ones(FRAMES)
    at = np.cumsum(steps / rate)
    at -= at[0]
    return np.asarray(at + random.uniform(0, max(SECONDS - at[-1], 0.01)))


def _of_scene(truth: Truth, noise: DetectorNoise, seed: int, kind: int) -> list[tuple[object, ...]]:
    """A clip for each person who is seen soon and for half of the time."""
    measured, boxes = _stacked(truth, noise, seed)
    seen = np.isfinite(boxes[..., 0]) & truth.present
    places = truth.keypoints[..., :2]
    inside = ((places >= 0) & (places <= np.array(truth.frame_size))).all(axis=-1) & truth.present[..., None]
    clips: list[tuple[object, ...]] = []
    for person in range(len(truth.ids)):
        first = int(seen[:, person].argmax())
        if seen[:, person].mean() < 0.5 or first > _LATEST_START:
            continue
        unit = float(np.median(truth.heights_px[seen[:, person], person]))
        rows = np.minimum(np.arange(first, first + FRAMES), FRAMES - 1)
        own = seen[rows, person] & (np.arange(first, first + FRAMES) < FRAMES)
        edges = np.nan_to_num(boxes[rows, person])
        at = truth.at[rows] - truth.at[first] + np.arange(FRAMES) * 1e-6
        clips.append(
            (
                kind,
                at,
                np.nan_to_num(measured[rows, person, :, :2]) / unit,
                places[rows, person] / unit,
                np.nan_to_num(measured[rows, person, :, 2], nan=0.5),
                np.sqrt(np.maximum((edges[:, 2:] - edges[:, :2]).prod(axis=-1), 1.0)) / unit,
                own,
                inside[rows, person] & (np.arange(first, first + FRAMES) < FRAMES)[:, None],
            )
        )
    return clips


def _stacked(
    truth: Truth, noise: DetectorNoise, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[T, N, 17, 3] and [T, N, 4] what the detector says; NaN where it does not see the person."""
    shape = truth.present.shape
    measured, boxes = np.full((*shape, 17, 3), np.nan), np.full((*shape, 4), np.nan)
    for moment, frame in enumerate(observe(truth, noise, seed)):
        known = frame.owner >= 0
        measured[moment, frame.owner[known]] = frame.keypoints[known]
        boxes[moment, frame.owner[known]] = frame.boxes[known]
    return measured, boxes
