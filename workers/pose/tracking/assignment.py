"""Who is which detection: the pairs of least cost. Pure."""

from __future__ import annotations

import lap
import numpy as np
from numpy.typing import NDArray


def assigned(costs: NDArray[np.float32], limit: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pairs that together stay furthest below the limit.

    Args:
        costs: [n, m] of each pair.
        limit: cost from which both had better stay alone.
    """
    if not costs.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    gain = np.maximum(limit - costs.astype(np.float64), 0.0)
    # Pairs without gain are as good as none, so everybody may be given one.
    _, columns, _ = lap.lapjv(gain.max() - gain, extend_cost=True)
    rows = np.flatnonzero(columns >= 0)
    columns = columns[rows]
    worth = gain[rows, columns] > 0
    return rows[worth].astype(np.intp), columns[worth].astype(np.intp)
