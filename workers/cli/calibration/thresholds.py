"""What verdicts would have been at other thresholds. Pure.

All scores are known where every veto was asked of everybody, so nothing has to be looked at again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.messages import Expert, Result, Verdict, Verdicts
from workers.classify.config import ClassifyConfig
from workers.classify.decision import decide

Scores = NDArray[np.float64]


class Pair(NamedTuple):
    """The thresholds of the primary (with its members) and of the vetoes."""

    primary: float
    veto: float


@dataclass(frozen=True)
class Bar:
    """What a pair means for one panel.

    Attributes:
        pair: the thresholds in question.
        own: of each expert that has one of its own, which no pair changes; None of the others.
        scene: the scene's threshold; None: that of the primary.
    """

    pair: Pair
    own: tuple[float | None, ...]
    scene: float | None

    @property
    def scene_threshold(self) -> float:
        """From which score on the scene is violent."""
        return self.pair.primary if self.scene is None else self.scene


@functools.lru_cache(64)
def _panel(experts: tuple[Expert, ...], bar: Bar) -> tuple[Expert, ...]:
    """Those who judged, with these thresholds."""
    usual = {"primary": bar.pair.primary, "veto": bar.pair.veto}
    return tuple(
        expert.model_copy(update={"threshold": usual.get(expert.role) if own is None else own})
        for expert, own in zip(experts, bar.own, strict=True)
    )


def own_thresholds(config: ClassifyConfig) -> tuple[float | None, ...]:
    """Of each expert that is asked, the threshold of its own, if it has one."""
    return tuple(expert.threshold for expert in config.asked())


def rejudged(record: Verdicts, bar: Bar) -> Verdicts:
    """A record as it would have been at other thresholds.

    Args:
        record: every veto was asked of everybody in it.
        bar: the thresholds.
    """
    experts = _panel(record.experts, bar)
    vetoes = [
        (number, expert.threshold or 0.0) for number, expert in enumerate(experts) if expert.role == "veto"
    ]
    primary = experts[0].threshold or 1.0

    def result(verdict: Verdict, threshold: float, *, unsure: bool) -> Result:
        heard = [(verdict.scores[number], least) for number, least in vetoes]
        return decide(verdict.score, threshold, heard, unsure=unsure)

    verdicts = tuple(
        _with_result(verdict, result(verdict, primary, unsure=bool(verdict.unsure)))
        for verdict in record.verdicts
    )
    scene = record.scene
    leader = next((one for one in verdicts if one.track_id in scene.track_ids[:1]), None)
    said = scene.result if leader is None else result(leader, bar.scene_threshold, unsure=False)
    if (said, bar.scene_threshold) != (scene.result, scene.threshold):
        scene = scene.model_copy(update={"result": said, "threshold": bar.scene_threshold})
    return record.model_copy(update={"experts": experts, "verdicts": verdicts, "scene": scene})


def _with_result(verdict: Verdict, result: Result) -> Verdict:
    # Copies are what takes the time where thousands of pairs are tried.
    return verdict if verdict.result == result else verdict.model_copy(update={"result": result})


class Ranks:
    """Tells which pairs are the same to some records: between two scores that follow each other all are.

    Args:
        records: the records.
        hysteresis: how far below the primary's threshold a score still keeps an incident going.
    """

    def __init__(self, records: Sequence[Verdicts], hysteresis: float) -> None:
        said = [verdict for record in records for verdict in record.verdicts]
        vetoes = [n for n, e in enumerate(records[0].experts) if e.role == "veto"] if records else []
        order = np.argsort([verdict.score for verdict in said], kind="stable")
        self._scores: Scores = np.array([verdict.score for verdict in said], float)[order]
        self._vetoes: Scores = np.array(
            [[verdict.scores[n] or 0.0 for n in vetoes] for verdict in said], float
        ).reshape(len(said), len(vetoes))[order]
        self._hysteresis = hysteresis

    def key(self, bar: Bar) -> tuple[int, ...]:
        """Equal for bars that give equal results and keep the same incidents going."""
        levels = (bar.pair.primary, round(bar.pair.primary - self._hysteresis, 6), bar.scene_threshold)
        primary, support, scene = (int(n) for n in np.searchsorted(self._scores, levels))
        # Nobody asks a veto about those who are below.
        asked = self._vetoes[min(primary, scene) :]
        below = (asked < bar.pair.veto).sum(axis=0)
        return primary, support, scene, *(int(n) for n in below)
