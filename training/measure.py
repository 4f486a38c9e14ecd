"""Clip scores, calibration and the figures of a model card."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Labels = NDArray[np.int64]

BOOTSTRAPS = 1000


def probability(logit: Floats, temperature: float) -> Floats:
    """Score of a window from its logit difference."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(logit, np.float64) / temperature)))


def clip_scores(scores: Floats, clip_of: Labels, clips: int) -> Floats:
    """Mean of the top third of each clip's windows; 0 for a clip in which nobody could be followed.

    Returns:
        [clips] scores.
    """
    result = np.zeros(clips)
    for clip in np.unique(clip_of):
        ordered = np.sort(scores[clip_of == clip])[::-1]
        result[clip] = ordered[: -(-len(ordered) // 3)].mean()
    return result


def auc(scores: Floats, labels: Labels) -> float:
    """Area under the ROC curve; ties count half."""
    positive, negative = scores[labels == 1], scores[labels == 0]
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    return float(above)


def accuracy(scores: Floats, labels: Labels) -> float:
    """Share of clips on the right side of 0.5."""
    return float(((scores >= 0.5) == (labels == 1)).mean())


def fpr_at_tpr(scores: Floats, labels: Labels, tpr: float = 0.9) -> float:
    """False positive rate at the highest threshold that finds `tpr` of the fights."""
    threshold = np.sort(scores[labels == 1])[::-1][int(np.ceil(tpr * (labels == 1).sum())) - 1]
    return float((scores[labels == 0] >= threshold).mean())


def interval(
    figure: Callable[[Floats, Labels], float], scores: Floats, labels: Labels, groups: Labels
) -> tuple[float, float]:
    """95% interval by drawing source videos, not clips, with replacement."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    figures = []
    for _ in range(BOOTSTRAPS):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        if 0 < labels[drawn].sum() < len(drawn):
            figures.append(figure(scores[drawn], labels[drawn]))
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)


def fit_temperature(logits: Floats, labels: Labels, weight: Floats) -> float:
    """The temperature of least log loss, by golden search over its logarithm."""

    def loss(log_temperature: float) -> float:
        signed = np.where(labels == 1, 1, -1) * logits / np.exp(log_temperature)
        return float((weight * np.logaddexp(0, -signed)).sum())

    low, high, golden = np.log(0.2), np.log(20.0), (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))
