"""Windows of people whose activities are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

# Whoever fights in less of a window than this, but in some of it, is no example of either.
CLEARLY = 0.6


@dataclass(frozen=True)
class Activities:
    """Windows and what is done in them.

    Attributes:
        windows: [n, 10, T, 17, 2] of the input "body-v2", half precision.
        shares: [n, A] share of each of `workers.ingest.simulated.ACTIONS` in what the one who is judged does;
            rows sum to 1.
        fighting: [n] share of the window in which they fight.
        features: [n, F] the input "interaction-v1"; NaN where unknown.
    """

    windows: NDArray[np.float16]
    shares: NDArray[np.float32]
    fighting: NDArray[np.float32]
    features: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, rows: slice) -> Activities:
        return Activities(self.windows[rows], self.shares[rows], self.fighting[rows], self.features[rows])

    def clear(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows in which somebody clearly fights (label 1) or does not at all (0), and their labels."""
        rows = np.flatnonzero((self.fighting > CLEARLY) | (self.fighting == 0))
        return rows, (self.fighting[rows] > 0).astype(np.int64)


def joined(parts: Sequence[Activities]) -> Activities:
    """One after the other."""
    return Activities(
        windows=np.concatenate([part.windows for part in parts]),
        shares=np.concatenate([part.shares for part in parts]),
        fighting=np.concatenate([part.fighting for part in parts]),
        features=np.concatenate([part.features for part in parts]),
    )


def normal_scores(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each column's ranks as numbers of a standard normal distribution; NaN stays."""
    scores = np.full(features.shape, np.nan, np.float32)
    for column in range(features.shape[1]):
        known = np.flatnonzero(~np.isnan(features[:, column]))
        if len(known):
            scores[known, column] = ndtri((rankdata(features[known, column]) - 0.5) / len(known))
    return scores
