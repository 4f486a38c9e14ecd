"""Asks the panel about windows of any cameras, all at once, and writes down what it says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shared.messages import Doubt, Message, Result, Scene, Tracks, Verdict, Verdicts
from workers.classify import metrics
from workers.classify.decision import Scores, decide, leader, scale_weight, score
from workers.classify.doubts import DoubtSettings, doubts
from workers.classify.due import Due, body_heights
from workers.classify.explain import explain
from workers.classify.pairs import ALONE, Pairs, paired
from workers.classify.panel import Panel


@dataclass(frozen=True)
class Finding:
    """What one step made due; `quiet` where it is time to say that there is nobody."""

    tracks: Tracks
    due: Due
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How opinions become results."""

    scene_threshold: float
    doubts: DoubtSettings
    always: bool
    explains: bool


@dataclass(frozen=True)
class _Case:
    """One step of one camera in which N people are judged by E experts.

    Attributes:
        tracks, pairs: the step's record and its window.
        heights, weight: [N] body heights in pixels and scale weights.
        unsure: N reasons to say nothing.
        own: [N] evidence of primary and members, weighted.
        evidence: [N, E] of each, weighted; NaN of those who were not asked.
        first: the most violent person of whom something is known.
    """

    tracks: Tracks
    pairs: Pairs
    heights: Scores
    weight: Scores
    unsure: Sequence[tuple[Doubt, ...]]
    own: Scores
    evidence: Scores
    first: int | None


class Judge:
    """Findings of any cameras -> one Verdicts or None each, in order. Has no memory of its own."""

    def __init__(self, panel: Panel, rules: Rules) -> None:
        self._panel = panel
        self._rules = rules

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
        unsure = [doubts(pairs.due, self._rules.doubts) for pairs in windows]
        edges = np.cumsum([0, *map(len, windows)])
        parts = [slice(start, end) for start, end in pairwise(edges.tolist())]
        first = [
            leader(own[part], np.array([not reason for reason in reasons], bool))
            for part, reasons in zip(parts, unsure, strict=True)
        ]
        least = np.full(len(own), self._panel.threshold)
        for part, row in zip(parts, first, strict=True):
            if row is not None:
                least[part.start + row] = min(self._panel.threshold, self._rules.scene_threshold)
        self._panel.ask_vetoes(windows, score(own) >= least, weight, evidence, always=self._rules.always)
        evidence = evidence * weight[:, None]
        return [
            _Case(
                tracks=finding.tracks,
                pairs=pairs,
                heights=heights[part],
                weight=weight[part],
                unsure=reasons,
                own=own[part],
                evidence=evidence[part],
                first=row,
            )
            for finding, pairs, part, reasons, row in zip(
                findings, windows, parts, unsure, first, strict=True
            )
        ]

    def _written(self, case: _Case) -> Verdicts:
        asked = ~np.isnan(case.evidence)
        said = score(np.where(asked, case.evidence, 0.0))
        scores = [
            tuple(one if was else None for one, was in zip(row, heard, strict=True))
            for row, heard in zip(said.tolist(), asked.tolist(), strict=True)
        ]
        own = score(case.own).tolist()
        verdicts = [self._verdict(case, n, own[n], scores[n]) for n in range(len(case.pairs))]
        if self._rules.explains and case.first is not None and verdicts[case.first].result == "VIOLENCE":
            explanation = explain(case.pairs, case.first, self._panel.own)
            verdicts[case.first] = verdicts[case.first].model_copy(update={"explanation": explanation})
        return self._record(case.tracks, verdicts, self._scene(verdicts, case.first))

    def _verdict(self, case: _Case, n: int, own: float, scores: tuple[float | None, ...]) -> Verdict:
        due, partner = case.pairs.due, int(case.pairs.partner[n])
        row = int(due.judged[n])
        return Verdict(
            track_id=int(due.ids[row]),
            partner_id=None if partner == ALONE else int(due.ids[partner]),
            result=self._result(own, scores, self._panel.threshold, unsure=bool(case.unsure[n])),
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

    def _scene(self, verdicts: Sequence[Verdict], first: int | None) -> Scene:
        """As violent as its most violent person, at a threshold of its own."""
        if first is None:
            return self._empty("UNSURE" if verdicts else "SAFE", len(verdicts))
        chosen = verdicts[first]
        return Scene(
            result=self._result(chosen.score, chosen.scores, self._rules.scene_threshold, unsure=False),
            score=chosen.score,
            threshold=self._rules.scene_threshold,
            people=len(verdicts),
            track_ids=tuple(track for track in (chosen.track_id, chosen.partner_id) if track is not None),
            quality=chosen.quality,
        )

    def _result(
        self, own: float, scores: Sequence[float | None], threshold: float, *, unsure: bool
    ) -> Result:
        return decide(own, threshold, self._panel.vetoes_of(scores), unsure=unsure)

    def _nobody(self, finding: Finding) -> Verdicts | None:
        """Nothing, or once in a while that nobody is there, so that incidents end in an empty picture."""
        return self._record(finding.tracks, (), self._scene((), None)) if finding.quiet else None

    def _empty(self, result: Result, people: int) -> Scene:
        threshold = self._rules.scene_threshold
        return Scene(result=result, score=0.0, threshold=threshold, people=people, track_ids=(), quality=0.0)

    def _record(self, tracks: Tracks, verdicts: Sequence[Verdict], scene: Scene) -> Verdicts:
        return Verdicts(
            camera=tracks.camera,
            generation=tracks.generation,
            number=tracks.number,
            at=tracks.at,
            captured_at=tracks.captured_at,
            trail=tracks.trail,
            width=tracks.width,
            height=tracks.height,
            experts=self._panel.experts,
            verdicts=tuple(verdicts),
            scene=scene,
        )


def _last_box(due: Due, row: int) -> tuple[float, float, float, float]:
    last = len(due.filled[row]) - 1 - int(due.filled[row, ::-1].argmax())
    left, top, right, bottom = (round(float(side), 1) for side in due.boxes[row, last])
    return left, top, right, bottom
