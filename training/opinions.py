"""What an expert says of windows out of fold: kept by its recipe, read by `training.panel`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workers.classify.evaluation.measures import auc

log = logging.getLogger(__name__)

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Opinions:
    """n windows, in the order of clips and time.

    Attributes:
        clip: [n] number of the clip.
        at: [n] time of the frame with which the window became due, seconds.
        track: [n] whose window it is.
        evidence: [n] raw log odds of violence.
    """

    clip: Integers
    at: NDArray[np.float64]
    track: Integers
    evidence: NDArray[np.float64]

    def save(self, path: Path, names: NDArray[np.str_], folds: Integers) -> None:
        """Write them with the clips' names and folds."""
        np.savez_compressed(
            path,
            clip=self.clip,
            at=self.at,
            track=self.track,
            evidence=self.evidence.astype(np.float32),
            clip_name=names,
            clip_fold=folds,
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `save` wrote."""
        with np.load(path) as opened:
            return cls(
                clip=opened["clip"],
                at=opened["at"],
                track=opened["track"],
                evidence=opened["evidence"].astype(np.float64),
            )


def top_third(evidence: NDArray[np.float64], clip: Integers, clips: int) -> NDArray[np.float64]:
    """[K] mean of the highest third of each clip's windows; the lowest of all where a clip has none."""
    result = np.full(clips, evidence.min(initial=0.0))
    for one in np.unique(clip):
        ordered = np.sort(evidence[clip == one])[::-1]
        result[one] = ordered[: -(-len(ordered) // 3)].mean()
    return result


def log_folds(opinions: Opinions, labels: Integers, folds: Integers) -> None:
    """AUC of each fold's clips, and of all."""
    scores = top_third(opinions.evidence, opinions.clip, len(labels))
    for fold in np.unique(folds):
        chosen = folds == fold
        log.info("fold=%d clips=%d auc=%.3f", fold, chosen.sum(), auc(scores[chosen], labels[chosen]))
    log.info("all folds auc=%.3f", auc(scores, labels))
