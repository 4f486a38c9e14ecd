"""Figures of scores against labels. Pure.

Scores are [K] numbers, labels [K] 1 (fight) or 0. Figures that compare the two kinds are NaN where one is
missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Figure = Callable[[Floats, Labels], float]

BINS = 5
_BOOTSTRAPS = 2000


def auc(scores: Floats, labels: Labels) -> float:
    """Area under the ROC curve; ties count half."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not (len(positive) and len(negative)):
        return math.nan
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    return float(above)


def accuracy(scores: Floats, labels: Labels, threshold: float = 0.5) -> float:
    """Share of clips on the right side of a threshold; one at it counts as violent."""
    return float(((scores >= threshold) == (labels == 1)).mean())


def roc(scores: Floats, labels: Labels) -> tuple[Floats, Floats]:
    """False and true positive rates from (0, 0) to (1, 1), at every threshold that differs.

    Both labels must be there.
    """
    order = np.argsort(-scores, kind="stable")
    positive = labels[order] == 1
    last = np.append(np.diff(scores[order]) != 0, True)
    true = np.cumsum(positive)[last] / positive.sum()
    false = np.cumsum(~positive)[last] / (~positive).sum()
    return np.array([0.0, *false]), np.array([0.0, *true])


def tpr_at_fpr(scores: Floats, labels: Labels, fpr: float = 0.05) -> float:
    """Share of fights found at the lowest threshold that calls no more than `fpr` of the rest violent."""
    if len(np.unique(labels)) < 2:
        return math.nan
    false, true = roc(scores, labels)
    return float(true[false <= fpr].max())


def fpr_at_tpr(scores: Floats, labels: Labels, tpr: float = 0.9) -> float:
    """Share of the rest called violent at the highest threshold that finds `tpr` of the fights."""
    if len(np.unique(labels)) < 2:
        return math.nan
    false, true = roc(scores, labels)
    return float(false[true >= tpr].min())


def brier(scores: Floats, labels: Labels) -> float:
    """Mean squared difference of probabilities from what was."""
    return float(((scores - labels) ** 2).mean())


def log_loss(scores: Floats, labels: Labels) -> float:
    """Mean negative log likelihood, nats; probabilities are kept 1e-3 from 0 and 1."""
    held = np.clip(scores, 1e-3, 1 - 1e-3)
    return float(-np.where(labels == 1, np.log(held), np.log(1 - held)).mean())


def calibration_error(scores: Floats, labels: Labels, bins: int = BINS) -> float:
    """Debiased expected calibration error, equal-mass bins.

    The square root of the mean squared gap between score and frequency, less what chance alone would make of
    each bin (Kumar, Liang and Ma 2019, "Verified uncertainty calibration", L2); 0 where that leaves nothing.
    """
    total = 0.0
    for score, frequency, size in reliability(scores, labels, bins):
        if size > 1:
            chance = frequency * (1 - frequency) / (size - 1)
            total += size / len(scores) * ((score - frequency) ** 2 - chance)
    return float(np.sqrt(max(total, 0.0)))


def reliability(scores: Floats, labels: Labels, bins: int = BINS) -> list[tuple[float, float, int]]:
    """Mean score, frequency of fights and size of each equal-mass bin, by rising score.

    Clips of one score share their labels evenly: which of them falls into which bin must not matter.
    """
    _, of, sharing = np.unique(scores, return_inverse=True, return_counts=True)
    even = (np.bincount(of, labels) / sharing)[of]
    parts = np.array_split(np.argsort(scores, kind="stable"), bins)
    return [(float(scores[part].mean()), float(even[part].mean()), len(part)) for part in parts if len(part)]


def intervals(
    figures: Sequence[Figure], scores: Floats, labels: Labels, groups: Labels
) -> list[tuple[float, float]]:
    """95% intervals of figures, by drawing source videos, not clips, with replacement.

    Args:
        figures: scores and labels -> number; NaN where a draw says nothing.
        scores: [K].
        labels: [K].
        groups: [K] number of the source video.

    Returns:
        Low and high of each; NaN where no draw said anything.
    """
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = np.zeros((_BOOTSTRAPS, len(figures)))
    for draw in range(_BOOTSTRAPS):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        found[draw] = [figure(scores[drawn], labels[drawn]) for figure in figures]
    return [_middle(column[~np.isnan(column)]) for column in found.T]


def _middle(figures: Floats) -> tuple[float, float]:
    if not len(figures):
        return math.nan, math.nan
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)
