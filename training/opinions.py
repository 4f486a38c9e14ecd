"""What an expert says of windows out of fold: kept by its recipe, read by `training.panel`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training.clips import Labelled, Lessons
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

    @staticmethod
    def path_of(folder: Path, expert: str, look: str = "") -> Path:
        """Where an expert's opinions lie; `look` names another detector's look at the same clips."""
        return folder / (f"{expert}@{look}.npz" if look else f"{expert}.npz")

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


def unasked(taught: Lessons) -> dict[str, Opinions]:
    """By look: opinions of its windows that are still to be filled in."""
    return {
        look: Opinions(
            clip=windows.clip, at=windows.at, track=windows.track, evidence=np.zeros(len(windows.clip))
        )
        for look, windows in taught.asked.items()
    }


def save_all(said: Mapping[str, Opinions], data: Labelled, folds: Integers, out: Path, expert: str) -> None:
    """Keep an expert's opinions of every look, and tell the AUC of each fold's clips, and of all."""
    for look, opinions in said.items():
        opinions.save(Opinions.path_of(out, expert, look), data.names, folds)
        scores = top_third(opinions.evidence, opinions.clip, len(data.labels))
        for fold in np.unique(folds):
            chosen = folds == fold
            log.info(
                "look=%s fold=%d clips=%d auc=%.3f",
                look or "first",
                fold,
                chosen.sum(),
                auc(scores[chosen], data.labels[chosen]),
            )
        log.info("look=%s all folds auc=%.3f", look or "first", auc(scores, data.labels))
