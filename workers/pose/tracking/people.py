"""The people a tracker knows: one record each, in memory as in a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT

# What a tracker knows about a person; lengths are pixels. The stored precision is that of the filter too, so
# that a restored tracker goes on exactly.
RECORD = np.dtype(
    [
        ("track_id", np.int64),
        ("born_at", np.float64),
        ("seen_at", np.float64),
        ("strong", np.bool_),
        ("confirmed", np.bool_),
        ("score", np.float32),
        ("height", np.float32),
        ("box", np.float32, 4),
        ("velocity", np.float32, 2),
        # Of place and speed, the same in x and in y: place-place, place-speed, speed-speed.
        ("covariance", np.float32, 3),
        ("keypoints", np.float32, (JOINT_COUNT, 2)),
        ("confidence", np.float16, JOINT_COUNT),
    ]
)
# Appearances that are remembered of each, beside their mean.
GALLERY = 4


@dataclass
class People:
    """n people, oldest first.

    Attributes:
        records: [n] of `RECORD`.
        looks: [n, 1 + GALLERY, D] unit vectors: the slow mean, then the gallery, zeros where there is none;
            D is 0 without re-identification.
    """

    records: NDArray[np.void]
    looks: NDArray[np.float16]

    @classmethod
    def nobody(cls, dimension: int = 0) -> People:
        """An empty memory for appearances of D numbers."""
        return cls(np.zeros(0, RECORD), np.zeros((0, 1 + GALLERY, dimension), np.float16))

    def __len__(self) -> int:
        return len(self.records)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget everybody else."""
        self.records, self.looks = self.records[rows], self.looks[rows]

    def add(self, other: People) -> None:
        """Newcomers, at the end."""
        if self.looks.shape[2] != other.looks.shape[2]:
            # The first appearances, or those of another net: what was known cannot be compared with them.
            self.looks = np.zeros((len(self), *other.looks.shape[1:]), np.float16)
        self.records = np.concatenate([self.records, other.records])
        self.looks = np.concatenate([self.looks, other.looks])

    def dump(self) -> dict[str, Any]:
        """Array bytes and the dimension of the appearances."""
        return {
            "records": self.records.tobytes(),
            "looks": self.looks.tobytes(),
            "dimension": self.looks.shape[2],
        }

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> People:
        """What `dump` gave."""
        records = np.frombuffer(state["records"], RECORD).copy()
        looks = np.frombuffer(state["looks"], np.float16).copy()
        return cls(records, looks.reshape(len(records), 1 + GALLERY, state["dimension"]))
