"""From two nets' logits to SAFE, VETOED or VIOLENCE.

A person of few pixels gives weak evidence, and the scale weight says how weak: 1.0 from 300 px of body
height, 0.9 from 100, 0.7 from 50, else 0.4. It multiplies the logit, so an uncertain score moves towards the
prior (0.5, since the weights are calibrated on as many fights as normal clips) and keeps its side.

The research document multiplies the score itself and then compares it with the same thresholds. A score is at
most 1, so at weight 0.9 nothing could ever reach 0.94: everybody under 300 px, which is most people that a
security camera sees, could never be violent whatever they did; and a score of 0.5 (no evidence either way)
would count as evidence of peace. Its own comment, "affects thresholds, not scores directly", says otherwise.

Array letters: N windows, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Scores = NDArray[np.float64]
Result = Literal["SAFE", "VETOED", "VIOLENCE"]

DECIMALS = 3
_HEIGHTS_PX = np.array([50.0, 100.0, 300.0])
_WEIGHTS = np.array([0.4, 0.7, 0.9, 1.0])


@dataclass(frozen=True)
class Thresholds:
    """Probabilities at or above which each net says yes."""

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


def scores(logits: Floats, violent: Sequence[int], temperature: float, weight: Scores) -> Scores:
    """Calibrated probability of violence.

    Args:
        logits: [N, K].
        violent: the violent classes; at least one class must be none of them.
        temperature: divides the logits (calibration).
        weight: [N] multiplies the evidence, the log odds of violence.

    Returns:
        [N] in [0, 1], rounded to 1e-3 so that thresholds see the same number on every machine.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    chosen = np.zeros(scaled.shape[1], bool)
    chosen[list(violent)] = True
    log_odds = np.logaddexp.reduce(scaled[:, chosen], axis=1) - np.logaddexp.reduce(
        scaled[:, ~chosen], axis=1
    )
    return np.asarray(np.round(np.exp(-np.logaddexp(0.0, -weight * log_odds)), DECIMALS))


def decide(primary: float, veto: float | None, thresholds: Thresholds) -> Result:
    """What two scores mean; without a veto's score the primary decides alone."""
    if primary < thresholds.primary:
        return "SAFE"
    if veto is not None and veto < thresholds.veto:
        return "VETOED"
    return "VIOLENCE"
