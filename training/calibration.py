"""From evidence to probabilities (Platt, 1999)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Evidence is (raw - bias) / temperature."""

    bias: float
    temperature: float

    def __call__(self, raw: Floats) -> Floats:
        """Calibrated evidence."""
        return (raw - self.bias) / self.temperature


def platt(raw: Floats, labels: Integers, *, even: bool = False) -> Calibration:
    """What makes the raw evidence [n] of examples the log odds of their label.

    Args:
        raw: log odds as an expert says them.
        labels: [n] 0 or 1.
        even: as if every second example were 1.
    """
    line = LogisticRegression(C=100.0, class_weight="balanced" if even else None).fit(raw[:, None], labels)
    slope = max(float(line.coef_[0, 0]), 0.02)
    return Calibration(round(-float(line.intercept_[0]) / slope, 3), round(1 / slope, 3))
