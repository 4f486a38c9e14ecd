"""All figures of one evaluation, with their intervals. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from shared.messages import Doubt
from workers.classify.evaluation import measures
from workers.classify.evaluation.clips import Outcome
from workers.classify.evaluation.sources import Origins

Integers = NDArray[np.int64]

# Body heights in pixels at which bands begin.
BANDS_PX = (0.0, 50.0, 100.0, 300.0)


@dataclass(frozen=True)
class Figure:
    """A number and its 95% interval; None where there is nothing to measure it on."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How well clips' scores tell fights from the rest; see `measures`.

    Attributes:
        accuracy: at the clip threshold.
        tpr_at_fpr1, tpr_at_fpr5: fights found while 1% and 5% of the rest are called violent.
        fpr_at_tpr90: the rest called violent while 90% of the fights are found.
        ece: debiased expected calibration error. It needs both kinds: scores are meant for as many fights as
            others.
    """

    accuracy: Figure
    auc: Figure
    tpr_at_fpr1: Figure
    tpr_at_fpr5: Figure
    fpr_at_tpr90: Figure
    ece: Figure
    brier: Figure
    log_loss: Figure


@dataclass(frozen=True)
class Band:
    """Fights whose people are this tall, and how many of them were found; `to_px` None has no end."""

    from_px: float
    to_px: float | None
    fights: int
    found: int

    @property
    def recall(self) -> float | None:
        """Share found."""
        return self.found / self.fights if self.fights else None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One evaluation.

    Attributes:
        clips, fights: how many, and how many of them are fights.
        videos: source videos, each drawn as a whole for the intervals.
        listed: clips whose source video is known; the others count as videos of their own.
        seen: clips that an expert was trained on.
        siblings: clips of the same videos as those, that no expert was trained on.
        threshold: score from which a clip counts as violent.
        figures: of all clips.
        new: clips that are neither; `figures_new` are theirs, None where all are new or none is.
        bands: recall by body height.
        verdicts, unsure: verdicts about people, and how many were UNSURE.
        doubts: why.
        empty: clips in which nobody was judged.
        alarms_fights, alarms_rest: clips with a scene that was called VIOLENCE, as the product would have
            told of it at its own thresholds.
        vetoed: clips with a VETOED scene and none of VIOLENCE.
    """

    clips: int
    fights: int
    videos: int
    listed: int
    seen: int
    siblings: int
    threshold: float
    figures: Figures
    new: int
    figures_new: Figures | None
    bands: tuple[Band, ...]
    verdicts: int
    unsure: int
    doubts: Counter[Doubt]
    empty: int
    alarms_fights: int
    alarms_rest: int
    vetoed: int


def report_of(outcomes: Sequence[Outcome], origins: Origins, threshold: float) -> Report:
    """The figures of what was said.

    Args:
        outcomes: [K] at least one.
        origins: where the K clips come from.
        threshold: score from which a clip counts as violent.
    """
    new = [outcome for outcome, is_new in zip(outcomes, origins.new, strict=True) if is_new]
    alarms = [outcome for outcome in outcomes if outcome.scenes["VIOLENCE"]]
    quiet = [outcome for outcome in outcomes if not outcome.scenes["VIOLENCE"]]
    mixed = 0 < len(new) < len(outcomes)
    return Report(
        clips=len(outcomes),
        fights=sum(outcome.label for outcome in outcomes),
        videos=len(np.unique(origins.video)),
        listed=int(origins.listed.sum()),
        seen=int(origins.seen.sum()),
        siblings=int(origins.siblings.sum()),
        threshold=threshold,
        figures=figures_of(outcomes, origins.video, threshold),
        new=len(new),
        figures_new=figures_of(new, origins.video[origins.new], threshold) if mixed else None,
        bands=_bands(outcomes, threshold),
        verdicts=sum(outcome.verdicts for outcome in outcomes),
        unsure=sum(outcome.unsure for outcome in outcomes),
        doubts=sum((outcome.doubts for outcome in outcomes), Counter()),
        empty=sum(not outcome.verdicts for outcome in outcomes),
        alarms_fights=sum(outcome.label == 1 for outcome in alarms),
        alarms_rest=sum(outcome.label == 0 for outcome in alarms),
        vetoed=sum(outcome.scenes["VETOED"] > 0 for outcome in quiet),
    )


def figures_of(outcomes: Sequence[Outcome], videos: Integers, threshold: float) -> Figures:
    """How well the clips' scores tell fights from the rest."""
    scores = np.array([outcome.score for outcome in outcomes])
    labels = np.array([outcome.label for outcome in outcomes], np.int64)
    measured: dict[str, Callable[[measures.Floats, measures.Labels], float]] = {
        "accuracy": lambda s, y: measures.accuracy(s, y, threshold),
        "auc": measures.auc,
        "tpr_at_fpr1": lambda s, y: measures.tpr_at_fpr(s, y, 0.01),
        "tpr_at_fpr5": lambda s, y: measures.tpr_at_fpr(s, y, 0.05),
        "fpr_at_tpr90": lambda s, y: measures.fpr_at_tpr(s, y, 0.9),
        "ece": _calibration_error,
        "brier": measures.brier,
        "log_loss": measures.log_loss,
    }
    ranges = measures.intervals(list(measured.values()), scores, labels, videos)
    found = {
        name: Figure(*(_number(value) for value in (figure(scores, labels), *between)))
        for (name, figure), between in zip(measured.items(), ranges, strict=True)
    }
    return Figures(**found)


def columns(figures: Figures) -> dict[str, Figure]:
    """The figures by name, in their order."""
    return {field.name: getattr(figures, field.name) for field in fields(figures)}


def _bands(outcomes: Sequence[Outcome], threshold: float) -> tuple[Band, ...]:
    fights = [outcome for outcome in outcomes if outcome.label == 1 and outcome.verdicts]
    bands = []
    for low, high in zip(BANDS_PX, (*BANDS_PX[1:], math.inf), strict=True):
        inside = [outcome for outcome in fights if low <= outcome.height_px < high]
        found = sum(outcome.score >= threshold for outcome in inside)
        bands.append(Band(low, high if math.isfinite(high) else None, len(inside), found))
    return tuple(bands)


def _calibration_error(scores: measures.Floats, labels: measures.Labels) -> float:
    return measures.calibration_error(scores, labels) if 0 < labels.sum() < len(labels) else math.nan


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
