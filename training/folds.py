"""Folds of whole source videos."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


def split(groups: NDArray[np.int64], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """[K] fold of every clip: whole source videos, each to the fold that it keeps most even."""
    rng = np.random.default_rng(seed)
    fold_of = np.zeros(len(groups), np.int64)
    counts = np.zeros((FOLDS, 2))
    sizes = {group: np.bincount(labels[groups == group], minlength=2) for group in np.unique(groups)}
    for group in sorted(sizes, key=lambda group: (-sizes[group].sum(), rng.random())):
        after = counts + sizes[group]
        fold = int(np.argmin((after**2).sum(axis=1) - (counts**2).sum(axis=1)))
        counts[fold] += sizes[group]
        fold_of[groups == group] = fold
    return fold_of
