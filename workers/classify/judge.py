"""Asks the experts about windows of any cameras, all at once, and writes down what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.messages import Doubt, Expert, Explanation, Message, Result, Scene, Tracks, Verdict, Verdicts
from workers.classify import metrics
from workers.classify.decision import Scores, decide, leader, scale_weight, score, together
from workers.classify.doubts import DoubtSettings, doubts
from workers.classify.explain import explain
from workers.classify.motion import motion_of
from workers.classify.pairs import ALONE, partners
from workers.classify.runtime import Net
from workers.classify.windows import Due, body_heights

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Finding:
    """What one step made due; `quiet` where it is time to say that there is nobody."""

    tracks: Tracks
    due: Due
    quiet: bool = False


@dataclass(frozen=True)
class Member:
    """An expert and its part in the decision."""

    net: Net
    expert: Expert


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How opinions become results."""

    scene_threshold: float
    sharpness: float
    doubts: DoubtSettings
    always: bool
    explains: bool


@dataclass
class _Case:
    """One step of one camera on its way through the experts. N people are judged by E experts."""

    finding: Finding
    rows: slice
    inputs: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def fed(self, net: Net) -> NDArray[np.float32]:
        """The net's input, made once however many experts share it."""
        if net.card.input not in self.inputs:
            self.inputs[net.card.input] = net.inputs(self.finding.due)
        return self.inputs[net.card.input]


class Judge:
    """Findings of any cameras -> one Verdicts or None each, in order. Has no memory of its own."""

    def __init__(self, panel: Sequence[Member], rules: Rules) -> None:
        self._panel = list(panel)
        self._scorers = [number for number, member in enumerate(panel) if member.expert.role != "veto"]
        self._vetoes = [number for number, member in enumerate(panel) if member.expert.role == "veto"]
        self._rules = rules
        self._shares = np.array([panel[number].expert.share for number in self._scorers])
        self._threshold = panel[0].expert.threshold or 1.0

    def __call__(self, findings: Sequence[Finding]) -> list[Message | None]:
        """Judge a batch."""
        with metrics.JUDGE_SECONDS.time():
            cases = _cases(findings)
            if not cases:
                return [_nobody(finding, self._experts(), self._rules) for finding in findings]
            weight = scale_weight(np.concatenate([_heights(case) for case in cases]))
            evidence = np.full((len(weight), len(self._panel)), np.nan)
            everybody = np.arange(len(weight))
            for number in self._scorers:
                self._ask(number, cases, everybody, evidence)
            own = together(evidence[:, self._scorers], self._shares, self._rules.sharpness) * weight
            unsure = [doubts(case.finding.due, self._rules.doubts) for case in cases]
            led = [
                leader(own[case.rows], _sure(reasons)) for case, reasons in zip(cases, unsure, strict=True)
            ]
            self._ask_vetoes(cases, own, weight, led, evidence)
            written = [
                self._written(case, own[case.rows], evidence[case.rows], weight[case.rows], reasons, first)
                for case, reasons, first in zip(cases, unsure, led, strict=True)
            ]
        done = iter(written)
        return [
            next(done) if len(finding.due) else _nobody(finding, self._experts(), self._rules)
            for finding in findings
        ]

    def _experts(self) -> tuple[Expert, ...]:
        return tuple(member.expert for member in self._panel)

    def _ask(self, number: int, cases: Sequence[_Case], rows: Rows, evidence: Scores) -> None:
        """Fill in what one expert says of some people."""
        net = self._panel[number].net
        if len(rows):
            fed = np.concatenate([case.fed(net) for case in cases])
            evidence[rows, number] = net.evidence(fed[rows])

    def _ask_vetoes(
        self, cases: Sequence[_Case], own: Scores, weight: Scores, led: Sequence[int | None], evidence: Scores
    ) -> None:
        """Vetoes in order, each about those of whom all before it say violence, or about everybody."""
        least = np.full(len(own), self._threshold)
        for case, first in zip(cases, led, strict=True):
            if first is not None:
                least[case.rows.start + first] = min(self._threshold, self._rules.scene_threshold)
        asked = score(own) >= least
        for number in self._vetoes:
            everybody = np.full(len(own), True) if self._rules.always else asked
            self._ask(number, cases, np.flatnonzero(everybody), evidence)
            threshold = self._panel[number].expert.threshold or 0.0
            asked = asked & (score(np.nan_to_num(evidence[:, number]) * weight) >= threshold)

    def _written(
        self,
        case: _Case,
        own: Scores,
        evidence: Scores,
        weight: Scores,
        unsure: Sequence[tuple[Doubt, ...]],
        first: int | None,
    ) -> Verdicts:
        due, tracks = case.finding.due, case.finding.tracks
        partner = partners(due, motion_of(due))
        said = score(np.nan_to_num(evidence) * weight[:, None])
        heights = _heights(case)
        verdicts = []
        for n, row in enumerate(due.judged.tolist()):
            scores = tuple(
                None if np.isnan(evidence[n, e]) else float(said[n, e]) for e in range(len(self._panel))
            )
            mine = float(score(own[n : n + 1])[0])
            verdicts.append(
                Verdict(
                    track_id=int(due.ids[row]),
                    partner_id=None if partner[n] == ALONE else int(due.ids[partner[n]]),
                    result=self._result(mine, scores, self._threshold, unsure=bool(unsure[n])),
                    score=mine,
                    scores=scores,
                    unsure=unsure[n],
                    weight=float(weight[n]),
                    body_height_px=round(max(float(heights[n]), 0.0), 1),
                    quality=round(float(due.quality[row]), 3),
                    observed_frames=int(due.seen[row].sum()),
                    padded_frames=int((~due.filled[row]).sum()),
                    first_at=float(due.first_at[row]),
                    last_at=float(due.last_at[row]),
                    box=_last_box(due, row),
                )
            )
        if self._rules.explains and first is not None and verdicts[first].result == "VIOLENCE":
            explanation = self._explanation(due, first)
            verdicts[first] = verdicts[first].model_copy(update={"explanation": explanation})
        return Verdicts(
            camera=tracks.camera,
            generation=tracks.generation,
            number=tracks.number,
            at=tracks.at,
            captured_at=tracks.captured_at,
            trail=tracks.trail,
            width=tracks.width,
            height=tracks.height,
            experts=self._experts(),
            verdicts=tuple(verdicts),
            scene=self._scene(verdicts, first),
        )

    def _result(
        self, own: float, scores: Sequence[float | None], threshold: float, *, unsure: bool
    ) -> Result:
        vetoes = [(scores[number], self._panel[number].expert.threshold or 0.0) for number in self._vetoes]
        return decide(own, threshold, vetoes, unsure=unsure)

    def _scene(self, verdicts: Sequence[Verdict], first: int | None) -> Scene:
        """As violent as its most violent person, at a threshold of its own."""
        if first is None:
            return _empty_scene(self._rules, "UNSURE", len(verdicts))
        chosen = verdicts[first]
        return Scene(
            result=self._result(chosen.score, chosen.scores, self._rules.scene_threshold, unsure=False),
            score=chosen.score,
            threshold=self._rules.scene_threshold,
            people=len(verdicts),
            track_ids=tuple(track for track in (chosen.track_id, chosen.partner_id) if track is not None),
            quality=chosen.quality,
        )

    def _explanation(self, due: Due, n: int) -> Explanation:
        def evidence(variant: Due) -> Scores:
            opinions = [
                self._panel[number].net.evidence(self._panel[number].net.inputs(variant))
                for number in self._scorers
            ]
            return together(np.stack(opinions, axis=1), self._shares, self._rules.sharpness)

        return explain(due, n, evidence)


def _cases(findings: Sequence[Finding]) -> list[_Case]:
    cases, start = [], 0
    for finding in findings:
        if len(finding.due):
            cases.append(_Case(finding, slice(start, start + len(finding.due))))
            start += len(finding.due)
    return cases


def _heights(case: _Case) -> NDArray[np.float32]:
    return body_heights(case.finding.due)[case.finding.due.judged]


def _sure(reasons: Sequence[tuple[Doubt, ...]]) -> NDArray[np.bool_]:
    return np.array([not reason for reason in reasons], bool)


def _last_box(due: Due, row: int) -> tuple[float, float, float, float]:
    last = len(due.filled[row]) - 1 - int(due.filled[row, ::-1].argmax())
    left, top, right, bottom = (round(float(side), 1) for side in due.boxes[row, last])
    return left, top, right, bottom


def _empty_scene(rules: Rules, result: Result, people: int) -> Scene:
    return Scene(
        result=result, score=0.0, threshold=rules.scene_threshold, people=people, track_ids=(), quality=0.0
    )


def _nobody(finding: Finding, experts: tuple[Expert, ...], rules: Rules) -> Verdicts | None:
    """Nothing, or once in a while that nobody is there, so that incidents end in an empty picture."""
    if not finding.quiet:
        return None
    tracks = finding.tracks
    return Verdicts(
        camera=tracks.camera,
        generation=tracks.generation,
        number=tracks.number,
        at=tracks.at,
        captured_at=tracks.captured_at,
        trail=tracks.trail,
        width=tracks.width,
        height=tracks.height,
        experts=experts,
        verdicts=(),
        scene=_empty_scene(rules, "SAFE", 0),
    )
