"""What is remembered of each track from one frame to the next, as arrays with one row a track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT

Floats = NDArray[np.floating[Any]]

# Seven digits are enough for most, and half the bytes; states are stored with every commit.
_ROWS: dict[str, tuple[Any, ...]] = {
    "track_ids": (np.int64,),
    "at": (np.float64,),
    "seen_at": (np.float64,),
    "scale": (np.float64,),
    "boxes": (np.float64, 4),
    "confidence": (np.float64, JOINT_COUNT),
    "position": (np.float64, JOINT_COUNT, 2),
    "velocity": (np.float64, JOINT_COUNT, 2),
    "acceleration": (np.float32, JOINT_COUNT, 2),
    "rate": (np.float64, JOINT_COUNT, 2),
    "covariance": (np.float32, 3, JOINT_COUNT),
    "innovation": (np.float32, JOINT_COUNT, 2),
    "surprise": (np.float32, 3, JOINT_COUNT),
    "log_process": (np.float32, JOINT_COUNT),
    "log_body_process": (np.float32,),
    "offset": (np.float32, JOINT_COUNT, 2),
    "reliability": (np.float32, JOINT_COUNT),
    "reliability_weight": (np.float32,),
}


@dataclass(frozen=True)
class Memory:
    """K tracks.

    Attributes:
        track_ids: [K].
        at, seen_at: [K] seconds: the last frame, and the last one in which the track was seen.
        scale: [K] running body height, pixels.
        boxes: [K, 4] pixels.
        confidence: [K, 17] when last seen.
        position, velocity: [K, 17, 2] pixels, pixels a second.
        acceleration: [K, 17, 2] pixels / s^2, smoothed.
        rate: [K, 17, 2] the One Euro filter's own rate.
        covariance: [K, 3, 17] of position, of position with velocity, of velocity; the same in x and y.
        innovation: [K, 17, 2] the last measurement's distance from its prediction.
        surprise: [K, 3, 17] running means of squared innovations over what was expected: quick, slow, and of
            products with the one before.
        log_process, log_body_process: [K, 17], [K] logarithms of the process noise, body heights^2 / s^3.
        offset: [K, 17, 2] pixels by which the answer still differs from `position` after a return.
        reliability, reliability_weight: [K, 17], [K] see `reliability`.
    """

    track_ids: NDArray[np.int64]
    at: Floats
    seen_at: Floats
    scale: Floats
    boxes: Floats
    confidence: Floats
    position: Floats
    velocity: Floats
    acceleration: Floats
    rate: Floats
    covariance: Floats
    innovation: Floats
    surprise: Floats
    log_process: Floats
    log_body_process: Floats
    offset: Floats
    reliability: Floats
    reliability_weight: Floats

    @classmethod
    def empty(cls, count: int = 0) -> Self:
        """All zero."""
        return cls(**{name: np.zeros((count, *shape), dtype) for name, (dtype, *shape) in _ROWS.items()})

    def __len__(self) -> int:
        return len(self.track_ids)

    def rows(self, chosen: NDArray[Any]) -> Memory:
        """Some tracks, by index or mask."""
        return Memory(**{name: getattr(self, name)[chosen] for name in _ROWS})

    def followed_by(self, other: Memory) -> Memory:
        """These tracks, then those."""
        return Memory(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ROWS})

    def with_rows(self, chosen: NDArray[np.bool_], other: Memory) -> Memory:
        """`other` in place of the chosen rows."""
        changed = {}
        for name in _ROWS:
            changed[name] = getattr(self, name).copy()
            changed[name][chosen] = getattr(other, name)
        return replace(self, **changed)

    def kept(self) -> Memory:
        """Every array in the precision that is kept, so that a restored memory is the same."""
        return Memory(**{name: getattr(self, name).astype(row[0], copy=False) for name, row in _ROWS.items()})

    def to_bytes(self) -> dict[str, bytes]:
        """Each array's bytes; nothing for one that is all zero."""
        arrays = {field.name: getattr(self.kept(), field.name) for field in fields(self)}
        return {name: array.tobytes() if array.any() else b"" for name, array in arrays.items()} | {
            "track_ids": self.track_ids.tobytes()
        }

    @classmethod
    def from_bytes(cls, state: Mapping[str, bytes]) -> Self:
        """What `to_bytes` gave.

        Raises:
            ValueError: something else.
        """
        if set(state) != set(_ROWS):
            raise ValueError("refiner snapshot: other fields than expected")
        memory = cls.empty(len(state["track_ids"]) // 8)
        for name, (dtype, *shape) in _ROWS.items():
            if state[name]:
                found = np.frombuffer(state[name], dtype).reshape(-1, *shape)
                if len(found) != len(memory):
                    raise ValueError("refiner snapshot: arrays differ in length")
                getattr(memory, name)[:] = found
        return memory
