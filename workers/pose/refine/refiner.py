"""The face of refinement: raw key points in, steady ones out, with velocity, scale and quality.

P tracks of the frame, Q tracks in the answer (so far the same), K remembered ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from shared.config import Section
from shared.skeleton import JOINT_COUNT
from workers.pose.refine.one_euro import OneEuro

Floats = NDArray[np.floating[Any]]

# A body's full height shows only now and then: believe a larger box fast, a smaller one slowly (seconds).
GROWS_IN = 0.3
SHRINKS_IN = 5.0


class RefineConfig(Section):
    """How key points are steadied over time; velocity and body height come from it too."""

    smoothing: Literal["one_euro", "none"] = Field("one_euro", description="How key points are steadied.")
    min_cutoff: float = Field(
        5.0, gt=0, le=100, description="One Euro: Hz at rest; lower is steadier and later."
    )
    beta: float = Field(10.0, ge=0, le=1000, description="One Euro: Hz more for each body height a second.")
    d_cutoff: float = Field(1.0, gt=0, le=100, description="One Euro: Hz of the speed's own filter.")
    forget_s: float = Field(3.0, gt=0, le=60, description="A track unseen for so long starts afresh.")


@dataclass(frozen=True)
class Refined:
    """What is known of each person after a frame.

    Attributes:
        track_ids: [Q].
        boxes: [Q, 4] x1 y1 x2 y2, pixels.
        keypoints: [Q, 17, 3] x, y in pixels, confidence.
        predicted: [Q] true where the person was not seen in this frame.
        velocity: [Q, 17, 2] body heights a second.
        scale: [Q] body height in pixels.
        quality: [Q] mean confidence of the key points.
    """

    track_ids: NDArray[np.int64]
    boxes: Floats
    keypoints: Floats
    predicted: NDArray[np.bool_]
    velocity: Floats
    scale: Floats
    quality: Floats


@dataclass
class _Memory:
    """One row for each remembered track."""

    track_ids: NDArray[np.int64]  # [K]
    at: NDArray[np.float64]  # [K]
    scale: NDArray[np.float64]  # [K]
    position: NDArray[np.float64]  # [K, 17, 2]
    rate: NDArray[np.float64]  # [K, 17, 2]

    @classmethod
    def empty(cls) -> _Memory:
        joints = np.zeros((0, JOINT_COUNT, 2))
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), joints, joints.copy())

    def rows(self, keep: NDArray[Any]) -> _Memory:
        return _Memory(
            self.track_ids[keep], self.at[keep], self.scale[keep], self.position[keep], self.rate[keep]
        )

    def followed_by(self, other: _Memory) -> _Memory:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _Memory(*(np.concatenate(pair) for pair in pairs))


class Refiner:
    """Remembers each track's last filtered pose; forgets it `forget_s` after it was last seen."""

    def __init__(self, config: RefineConfig) -> None:
        self._config = config
        self._filter = OneEuro(config.min_cutoff, config.beta, config.d_cutoff)
        self._memory = _Memory.empty()

    def update(
        self,
        at: float,
        track_ids: NDArray[np.int64],
        boxes: Floats,
        keypoints: Floats,
        frame_size: tuple[int, int],
    ) -> Refined:
        """Take one frame's tracks.

        Args:
            at: the frame's time in seconds, not before the last one.
            track_ids: [P], distinct.
            boxes: [P, 4] x1 y1 x2 y2, pixels.
            keypoints: [P, 17, 3] x, y in pixels, confidence.
            frame_size: width and height of the image, pixels.
        """
        seen, speed = self._next(at, np.asarray(track_ids, np.int64), _body_heights(boxes), keypoints)
        kept = self._memory.rows(
            ~np.isin(self._memory.track_ids, seen.track_ids) & (at - self._memory.at <= self._config.forget_s)
        )
        self._memory = kept.followed_by(seen)
        steady = np.array(keypoints, np.float64)
        steady[..., :2] = seen.position
        return Refined(
            track_ids=seen.track_ids,
            boxes=boxes,
            keypoints=steady,
            predicted=np.zeros(len(seen.track_ids), bool),
            velocity=speed / seen.scale[:, None, None],
            scale=seen.scale,
            quality=np.clip(keypoints[..., 2].mean(axis=1), 0, 1) if len(keypoints) else np.zeros(0),
        )

    def _next(
        self, at: float, track_ids: NDArray[np.int64], heights: NDArray[np.float64], keypoints: Floats
    ) -> tuple[_Memory, NDArray[np.float64]]:
        """The memory rows of the tracks in this frame, and their speed: [P, 17, 2] pixels a second."""
        measured = np.asarray(keypoints[..., :2], np.float64)
        new = _Memory(
            track_ids, np.full(len(track_ids), at), heights, measured.copy(), np.zeros_like(measured)
        )
        if not len(self._memory.track_ids) or not len(track_ids):
            return new, new.rate
        match = self._memory.track_ids[None] == track_ids[:, None]
        old = self._memory.rows(match.argmax(axis=1))
        elapsed = at - old.at
        known = match.any(axis=1) & (elapsed <= self._config.forget_s)
        grown = heights > old.scale
        share = 1 - np.exp(-np.maximum(elapsed, 0) / np.where(grown, GROWS_IN, SHRINKS_IN))
        scale = np.where(known, old.scale + share * (heights - old.scale), heights).astype(np.float64)
        position, rate, weight = self._filter.step(measured, old.position, old.rate, elapsed, scale)
        if self._config.smoothing == "none":
            position, weight = measured, np.ones_like(measured)
        some = known[:, None, None]
        new.scale = scale
        new.position, new.rate = np.where(some, position, measured), np.where(some, rate, 0.0)
        return new, new.rate * weight

    def snapshot(self) -> dict[str, bytes]:
        """The memory as array bytes; `restore` goes on exactly from it."""
        return {name: array.tobytes() for name, array in vars(self._memory).items()}

    @classmethod
    def restore(cls, config: RefineConfig, state: Mapping[str, bytes]) -> Refiner:
        """A refiner as it was when `snapshot` was taken.

        Raises:
            ValueError: not a snapshot.
        """
        refiner = cls(config)
        empty = vars(_Memory.empty())
        if set(state) != set(empty):
            raise ValueError("refiner snapshot: other fields than expected")
        arrays = [
            np.frombuffer(state[name], like.dtype).reshape(-1, *like.shape[1:]).copy()
            for name, like in empty.items()
        ]
        if len({len(array) for array in arrays}) != 1:
            raise ValueError("refiner snapshot: arrays differ in length")
        refiner._memory = _Memory(*arrays)
        return refiner


def _body_heights(boxes: Floats) -> NDArray[np.float64]:
    """[P] the longer side of each box, so that people who lie count in full; at least one pixel."""
    sides = np.asarray(boxes, np.float64)[:, 2:] - np.asarray(boxes, np.float64)[:, :2]
    return np.maximum(sides.max(axis=1), 1.0) if len(sides) else np.zeros(0)
