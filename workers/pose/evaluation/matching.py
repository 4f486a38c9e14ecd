"""Which person of the truth each id of a result is.

T moments, N people of the truth, M ids of the result, R rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lap
import numpy as np
from numpy.typing import NDArray

from workers.pose.evaluation.skeleton_files import ResultFile, TruthFile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Mean distance of the key points, in body heights, at which two skeletons are no longer one person's.
FAR = 0.5


@dataclass(frozen=True)
class Aligned:
    """A result in the truth's order.

    Attributes:
        estimate: [T, N, 17, 3] pixels, confidence; NaN where there is none.
        predicted: [T, N].
        unmatched: ids of the result that are nobody's.
    """

    estimate: Floats
    predicted: NDArray[np.bool_]
    unmatched: Ints


def align(truth: TruthFile, result: ResultFile) -> Aligned:
    """Put a result's rows where the truth has that person.

    If all ids of the result are ids of the truth, they are taken as they are. Otherwise each id goes to one
    person at most, so that the sum over the moments of (1 - distance / `FAR`) is largest (Hungarian method);
    what else follows the same person is unmatched.
    """
    ids, numbers = np.unique(result.id, return_inverse=True)
    person = np.full(len(ids), -1, np.int64)
    if np.isin(ids, truth.ids).all():
        order = np.argsort(truth.ids)
        person = order[np.searchsorted(truth.ids, ids, sorter=order)] if len(ids) else person
    else:
        person = _best(_likeness(truth, result, numbers, len(ids)))
    owner = person[numbers]
    rows = owner >= 0
    estimate = np.full(truth.keypoints.shape, np.nan)
    predicted = np.zeros(truth.present.shape, bool)
    estimate[result.frame[rows], owner[rows]] = result.keypoints[rows]
    predicted[result.frame[rows], owner[rows]] = result.predicted[rows]
    return Aligned(estimate, predicted, ids[person < 0])


def _likeness(truth: TruthFile, result: ResultFile, numbers: NDArray[Any], count: int) -> Floats:
    """[M, N] how well each id of the result follows each person, summed over the moments."""
    likeness = np.zeros((count, len(truth.ids)))
    for column in range(len(truth.ids)):
        places = truth.keypoints[result.frame, column, :, :2]
        heights = np.where(truth.present, truth.heights_px, np.inf)[result.frame, column]
        away = np.linalg.norm(result.keypoints[..., :2] - places, axis=-1).mean(axis=1) / heights
        there = truth.present[result.frame, column]
        near = np.where(there, np.maximum(1 - away / FAR, 0.0), 0.0)
        likeness[:, column] = np.bincount(numbers, near, minlength=count)
    return likeness


def _best(likeness: Floats) -> Ints:
    """[M] the person of each id, -1 for nobody."""
    if not likeness.size:
        return np.full(len(likeness), -1, np.int64)
    _, person, _ = lap.lapjv(-likeness, extend_cost=True)
    person = np.asarray(person, np.int64)
    kept = (person >= 0) & (likeness[np.arange(len(person)), person] > 0)
    return np.where(kept, person, -1)
