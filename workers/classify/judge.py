"""Asks the panel about windows of any cameras, all at once, and writes down what it says."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.messages import Doubt, Expert, Message, Result, Scene, Tracks, Verdict, Verdicts
from shared.rules import Rules
from workers.classify import metrics
from workers.classify.decision import Scores, Thresholds, decide, leader, scale_weight, score
from workers.classify.doubts import DoubtSettings, doubts
from workers.classify.due import Due, body_heights
from workers.classify.explain import explain
from workers.classify.pairs import ALONE, Pairs, paired
from workers.classify.panel import Panel

# Sets of thresholds whose experts are kept ready; a site has a few.
_THRESHOLDS_KEPT = 64


@dataclass(frozen=True)
class Finding:
    """What one step made due, and by which rules; `quiet` where it is time to say that there is nobody."""

    tracks: Tracks
    rules: Rules
    due: Due
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """How opinions become results where a camera's rules do not say otherwise.

    Attributes:
        thresholds, scene_threshold: from which scores on there is violence.
        doubts: when a verdict would be a guess.
        always: vetoes are asked about everybody.
        explains: alarms are explained.
    """

    thresholds: Thresholds
    scene_threshold: float
    doubts: DoubtSettings
    always: bool
    explains: bool


@dataclass(frozen=True)
class _Bar:
    """What one step's scores are held against: those who judge with their thresholds, and the scene's."""

    experts: tuple[Expert, ...]
    scene: float
    always: bool

    @property
    def primary(self) -> float:
        """From which score on primary and members together say violence."""
        return self.experts[0].threshold or 1.0

    @property
    def thresholds(self) -> list[float]:
        """[E] each expert's own, 0 where it has none."""
        return [expert.threshold or 0.0 for expert in self.experts]

    def result(self, own: float, scores: Sequence[float | None], threshold: float, *, unsure: bool) -> Result:
        """What the scores mean; `threshold` is for that of primary and members."""
        judged = zip(self.experts, scores, self.thresholds, strict=True)
        vetoes = [(said, least) for expert, said, least in judged if expert.role == "veto"]
        return decide(own, threshold, vetoes, unsure=unsure)


@dataclass(frozen=True)
class _Case:
    """One step of one camera in which N people are judged by E experts.

    Attributes:
        tracks, pairs, bar: the step's record, its window, and what scores are held against.
        heights, weight: [N] body heights in pixels and scale weights.
        unsure: N reasons to say nothing.
        own: [N] evidence of primary and members, weighted.
        evidence: [N, E] of each, weighted; NaN of those who were not asked.
        first: the most violent person of whom something is known.
    """

    tracks: Tracks
    pairs: Pairs
    bar: _Bar
    heights: Scores
    weight: Scores
    unsure: Sequence[tuple[Doubt, ...]]
    own: Scores
    evidence: Scores
    first: int | None


class Judge:
    """Findings of any cameras -> one Verdicts or None each, in order. Has no memory of its own."""

    def __init__(self, panel: Panel, settings: JudgeSettings) -> None:
        self._panel = panel
        self._settings = settings
        self._experts = functools.lru_cache(_THRESHOLDS_KEPT)(panel.experts)

    def __call__(self, findings: Sequence[Finding]) -> list[Message | None]:
        """Judge a batch."""
        waiting = [finding for finding in findings if len(finding.due)]
        written: Iterator[Verdicts] = iter(())
        if waiting:
            with metrics.JUDGE_SECONDS.time():
                written = iter([self._written(case) for case in self._cases(waiting)])
        return [next(written) if len(finding.due) else self._nobody(finding) for finding in findings]

    def _cases(self, findings: Sequence[Finding]) -> list[_Case]:
        windows = [paired(finding.due) for finding in findings]
        heights = np.concatenate([body_heights(pairs.due)[pairs.due.judged] for pairs in windows])
        weight = scale_weight(heights)
        evidence, own = self._panel.scored(windows)
        own = own * weight
        unsure = [doubts(pairs.due, self._settings.doubts) for pairs in windows]
        sizes = [len(pairs) for pairs in windows]
        parts = [slice(start, end) for start, end in pairwise(np.cumsum([0, *sizes]).tolist())]
        first = [
            leader(own[part], np.array([not reason for reason in reasons], bool))
            for part, reasons in zip(parts, unsure, strict=True)
        ]
        bars = [self._bar(finding.rules) for finding in findings]
        least = np.repeat([bar.primary for bar in bars], sizes)
        for part, row, bar in zip(parts, first, bars, strict=True):
            if row is not None:
                least[part.start + row] = min(bar.primary, bar.scene)
        self._panel.ask_vetoes(
            windows,
            score(own) >= least,
            np.repeat([bar.thresholds for bar in bars], sizes, axis=0),
            weight,
            evidence,
            always=np.repeat([bar.always for bar in bars], sizes),
        )
        evidence = evidence * weight[:, None]
        return [
            _Case(
                tracks=finding.tracks,
                pairs=pairs,
                bar=bar,
                heights=heights[part],
                weight=weight[part],
                unsure=reasons,
                own=own[part],
                evidence=evidence[part],
                first=row,
            )
            for finding, pairs, bar, part, reasons, row in zip(
                findings, windows, bars, parts, unsure, first, strict=True
            )
        ]

    def _bar(self, rules: Rules) -> _Bar:
        usual = self._settings.thresholds
        thresholds = Thresholds(rules.primary_threshold or usual.primary, rules.veto_threshold or usual.veto)
        return _Bar(
            experts=self._experts(thresholds),
            scene=rules.scene_threshold or self._settings.scene_threshold,
            # Thresholds are chosen from what was recorded in shadow, so every score is needed.
            always=rules.shadow or self._settings.always,
        )

    def _written(self, case: _Case) -> Verdicts:
        asked = ~np.isnan(case.evidence)
        said = score(np.where(asked, case.evidence, 0.0))
        scores = [
            tuple(one if was else None for one, was in zip(row, heard, strict=True))
            for row, heard in zip(said.tolist(), asked.tolist(), strict=True)
        ]
        own = score(case.own).tolist()
        verdicts = [self._verdict(case, n, own[n], scores[n]) for n in range(len(case.pairs))]
        if self._settings.explains and case.first is not None and verdicts[case.first].result == "VIOLENCE":
            explanation = explain(case.pairs, case.first, self._panel.own)
            verdicts[case.first] = verdicts[case.first].model_copy(update={"explanation": explanation})
        return self._record(case.tracks, case.bar, verdicts, self._scene(case.bar, verdicts, case.first))

    def _verdict(self, case: _Case, n: int, own: float, scores: tuple[float | None, ...]) -> Verdict:
        due, partner = case.pairs.due, int(case.pairs.partner[n])
        row = int(due.judged[n])
        return Verdict(
            track_id=int(due.ids[row]),
            partner_id=None if partner == ALONE else int(due.ids[partner]),
            result=case.bar.result(own, scores, case.bar.primary, unsure=bool(case.unsure[n])),
            score=own,
            scores=scores,
            unsure=case.unsure[n],
            weight=float(case.weight[n]),
            body_height_px=round(max(float(case.heights[n]), 0.0), 1),
            quality=round(float(due.quality[row]), 3),
            observed_frames=int(due.seen[row].sum()),
            padded_frames=int((~due.filled[row]).sum()),
            first_at=float(due.first_at[row]),
            last_at=float(due.last_at[row]),
            box=_last_box(due, row),
        )

    def _scene(self, bar: _Bar, verdicts: Sequence[Verdict], first: int | None) -> Scene:
        """As violent as its most violent person, at a threshold of its own."""
        if first is None:
            return _empty(bar, "UNSURE" if verdicts else "SAFE", len(verdicts))
        chosen = verdicts[first]
        return Scene(
            result=bar.result(chosen.score, chosen.scores, bar.scene, unsure=False),
            score=chosen.score,
            threshold=bar.scene,
            people=len(verdicts),
            track_ids=tuple(track for track in (chosen.track_id, chosen.partner_id) if track is not None),
            quality=chosen.quality,
        )

    def _nobody(self, finding: Finding) -> Verdicts | None:
        """Nothing, or once in a while that nobody is there, so that incidents end in an empty picture."""
        if not finding.quiet:
            return None
        bar = self._bar(finding.rules)
        return self._record(finding.tracks, bar, (), self._scene(bar, (), None))

    def _record(self, tracks: Tracks, bar: _Bar, verdicts: Sequence[Verdict], scene: Scene) -> Verdicts:
        return Verdicts(
            camera=tracks.camera,
            generation=tracks.generation,
            number=tracks.number,
            at=tracks.at,
            captured_at=tracks.captured_at,
            trail=tracks.trail,
            width=tracks.width,
            height=tracks.height,
            experts=bar.experts,
            verdicts=tuple(verdicts),
            scene=scene,
        )


def _empty(bar: _Bar, result: Result, people: int) -> Scene:
    return Scene(result=result, score=0.0, threshold=bar.scene, people=people, track_ids=(), quality=0.0)


def _last_box(due: Due, row: int) -> tuple[float, float, float, float]:
    last = len(due.filled[row]) - 1 - int(due.filled[row, ::-1].argmax())
    left, top, right, bottom = (round(float(side), 1) for side in due.boxes[row, last])
    return left, top, right, bottom
