"""How far each key point of each person could be trusted lately. P people.

The memory is a mean and its weight, so that it serialises as two arrays and forgets by the frames' own time;
at 30 frames a second it weighs as many frames as the research document's mean over the last 30 (iteration 7).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT

Floats = NDArray[np.floating[Any]]

SPAN_S = 1.0
# Of somebody who was never seen.
UNKNOWN = 0.5


def unknown_reliability(people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means [P, 17] and weights [P] of people who were never seen."""
    return np.full((people, JOINT_COUNT), UNKNOWN), np.zeros(people)


def next_reliability(
    mean: Floats, weight: Floats, confidence: Floats, elapsed: Floats, span_s: float = SPAN_S
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean confidence after one more frame; older frames count less by exp(-age / span).

    Args:
        mean: [P, 17] the mean so far.
        weight: [P] how many frames it stands for; 0 before the first.
        confidence: [P, 17] of this frame; what is no number counts as 0, what is above 1 as 1.
        elapsed: [P] seconds since the last frame; below 0 counts as 0.
        span_s: seconds, above 0.

    Returns:
        mean [P, 17] in [0, 1] and weight [P], to be given to the next call.
    """
    # fmax and fmin take the number where the other is none.
    seen = np.fmin(np.fmax(np.asarray(confidence, np.float64), 0.0), 1.0)
    passed = np.fmax(np.asarray(elapsed, np.float64), 0.0)
    kept = np.asarray(weight, np.float64) * np.exp(-passed / span_s)
    total = kept + 1
    return (mean * kept[:, None] + seen) / total[:, None], total


def stable_keypoints(mean: Floats, threshold: float = 0.5) -> NDArray[np.bool_]:
    """[P, 17] which key points have been sure on average; all of those never seen, at the usual threshold."""
    return np.asarray(mean >= threshold)
