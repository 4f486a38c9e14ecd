"""From the experts' evidence to SAFE, VETOED, VIOLENCE or UNSURE. Pure.

Evidence is calibrated log odds of violence; 0 says nothing. A person of few pixels gives weak evidence,
and the scale weight says how weak. It multiplies the evidence, so an uncertain score moves towards the prior
(0.5, since experts are calibrated on as many fights as normal clips) and keeps its side.

The research document multiplies the score itself and then compares it with the same thresholds. A score is at
most 1, so at weight 0.9 nothing could ever reach 0.94: everybody under 300 px, which is most people that a
security camera sees, could never be violent whatever they did; and a score of 0.5 (no evidence either way)
would count as evidence of peace. Its own comment, "affects thresholds, not scores directly", says otherwise.

Array letters: N windows, K classes, E experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.messages import Result

Floats = NDArray[np.floating]
Scores = NDArray[np.float64]

DECIMALS = 3
_HEIGHTS_PX = np.array([50.0, 100.0, 300.0])
_WEIGHTS = np.array([0.4, 0.7, 0.9, 1.0])


@dataclass(frozen=True)
class Thresholds:
    """Probabilities at or above which the primary (with its members) and a veto say yes."""

    primary: float
    veto: float


THRESHOLDS = {
    "production": Thresholds(0.94, 0.85),
    "high_security": Thresholds(0.88, 0.75),
    "low_false_positive": Thresholds(0.96, 0.90),
    "maximum_accuracy": Thresholds(0.94, 0.92),
    "cctv": Thresholds(0.92, 0.88),
}


def scale_weight(body_heights: Floats) -> Scores:
    """How far to trust a person of this size.

    Args:
        body_heights: [N] pixels of the published image.

    Returns:
        [N] in [0.4, 1].
    """
    return _WEIGHTS[np.searchsorted(_HEIGHTS_PX, body_heights, side="right")]


def log_odds(logits: Floats, violent: Sequence[int]) -> Scores:
    """Evidence of the violent classes against all others.

    Args:
        logits: [N, K].
        violent: the violent classes; at least one class must be none of them.

    Returns:
        [N].
    """
    wide = np.asarray(logits, np.float64)
    chosen = np.zeros(wide.shape[1], bool)
    chosen[list(violent)] = True
    return np.asarray(
        np.logaddexp.reduce(wide[:, chosen], axis=1) - np.logaddexp.reduce(wide[:, ~chosen], axis=1)
    )


def together(evidence: Scores, shares: Scores, sharpness: float) -> Scores:
    """Evidence of several experts.

    Args:
        evidence: [N, E].
        shares: [E] weights, at least one above 0.
        sharpness: experts that agree say more together than their mean says; it multiplies that.

    Returns:
        [N].
    """
    return np.asarray(evidence @ shares / shares.sum() * sharpness)


def score(evidence: Scores) -> Scores:
    """[N] probabilities, rounded to 1e-3 so that thresholds see the same number on every machine."""
    return np.asarray(np.round(np.exp(-np.logaddexp(0.0, -evidence)), DECIMALS))


def decide(
    own: float, threshold: float, vetoes: Sequence[tuple[float | None, float]], *, unsure: bool = False
) -> Result:
    """What the scores mean.

    Args:
        own: of the primary and its members.
        threshold: at or above it they say violence.
        vetoes: score and threshold of each veto; one that was not asked has no score and does not object.
        unsure: whatever the scores are, they are a guess.
    """
    if unsure:
        return "UNSURE"
    if own < threshold:
        return "SAFE"
    if any(score is not None and score < least for score, least in vetoes):
        return "VETOED"
    return "VIOLENCE"


def leader(evidence: Scores, sure: NDArray[np.bool_]) -> int | None:
    """The most violent person of a scene, of those about whom something is known; the scene is as violent."""
    rows = np.flatnonzero(sure)
    return int(rows[evidence[rows].argmax()]) if len(rows) else None
