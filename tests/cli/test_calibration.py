"""Pairs of thresholds: what they find, what they claim, which one is proposed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from shared.messages import Incident, Incidents, Mark, Message, Verdicts
from tests.incidents.story import GENERATION, PRIMARY, person, silence, stage, step
from workers.cli.calibration.outcome import Outcome, Scored, held_against
from workers.cli.calibration.proposal import Grid, frontier, most_expected, proposed, wilson
from workers.cli.calibration.thresholds import Bar, Pair, rejudged
from workers.cli.calibration.truths import Span, Truth
from workers.cli.recorded.takes import Take
from workers.incidents.config import IncidentsConfig

TAKE = Take("lobby", GENERATION)
VETO = PRIMARY.model_copy(update={"name": "veto", "role": "veto"})


def some_evening(seed: int) -> list[Message]:
    """Minutes of two people far apart who are more or less violent, with silence in between."""
    dice = random.Random(seed)
    records: list[Message] = []
    at, mood = 0.0, 0.2
    for _ in range(240):
        at += 0.5 if dice.random() < 0.97 else 12.0
        mood = min(0.99, max(0.05, mood + 0.1 * (0.6 - mood) + dice.gauss(0, 0.15)))
        if dice.random() < 0.1:
            records.append(silence(at))
            continue
        people = []
        for track, x in ((1, 100), (2, 550)):
            scores = tuple(round(min(0.999, max(0.001, mood + dice.gauss(0, 0.1))), 3) for _ in range(2))
            one = person(track, "SAFE", x=x, score=scores[0])
            doubt = ("churn",) if dice.random() < 0.05 else ()
            people.append(one.model_copy(update={"scores": scores, "unsure": doubt}))
        sure = [one for one in people if not one.unsure]
        first = max(sure, key=lambda one: one.score) if sure else None
        record = step(at, scene=[first.track_id] if first else None)
        scene = record.scene.model_copy(update={"score": first.score if first else 0.0, "result": "SAFE"})
        judged = {"scene": scene, "experts": (PRIMARY, VETO), "verdicts": tuple(people)}
        records.append(record.model_copy(update=judged))
    return [*records, silence(at + 1, final=True)]


def plainly(records: list[Message], bar: Bar, **rules: Any) -> list[Incident]:
    """What the stage tells of every record rejudged."""
    worker = stage(**rules)
    state = worker.initial("lobby", GENERATION)
    told: dict[str, Incident] = {}
    for record in records:
        if isinstance(record, Mark):
            state, output = worker.mark(state, record)
        else:
            assert isinstance(record, Verdicts)
            state, output = worker.advance(state, worker.prepare(rejudged(record, bar)), None)
        if isinstance(output, Incidents):
            told.update({incident.incident_id: incident for incident in output.incidents})
    return [incident for incident in told.values() if incident.merged_into is None]


def facts(incidents: list[Incident]) -> list[tuple[object, ...]]:
    return [(one.incident_id, one.began_at, one.confirmed_at, one.last_at, one.violent) for one in incidents]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_left_out_as_quiet_changes_no_incident(seed: int) -> None:
    records = some_evening(seed)
    scored = Scored(TAKE, records, stage(), IncidentsConfig(), Truth(complete=True), 0.5)
    counts = set()
    for primary in (0.5, 0.66, 0.8):
        for veto in (0.02, 0.6, 0.7):
            for scene in (None, 0.6):
                bar = Bar(Pair(primary, veto), (None, None), scene)
                incidents = plainly(records, bar)
                assert facts(scored.incidents(bar)) == facts(incidents)
                assert scored.outcome(bar).false == len(incidents)
                counts.add(len(incidents))
    assert len(counts) > 3, "the evening has something to find"
    assert len(scored._records) < len(records), "something was left out"


def incident(number: int, began: float, confirmed: float, last: float) -> Incident:
    return Incident(
        incident_id=f"{number:016x}", change="end", began_at=began, began_captured_at=0.0,
        confirmed_at=confirmed, last_at=last, track_ids=(1,), box=(0, 0, 9, 9), peak_score=0.97,
        peak_at=confirmed, peak_scene_score=0.97, violent=3, vetoed=0, numbers=(1,), end_reason="quiet",
    )  # fmt: skip


def test_incidents_are_held_against_what_happened() -> None:
    fights = (Span(20.0, 30.0), Span(100.0, 110.0))
    met, early = incident(1, 21.0, 22.5, 28.0), incident(2, 90.0, 91.0, 105.0)
    assert held_against(Truth(fights, complete=True), [met, early]) == Outcome((2.5, None), false=1)
    assert held_against(Truth(fights), [met, early]) == Outcome((2.5, None), unknown=1)
    alarms = (Span(92.0, 95.0, is_labelled=True),)
    assert held_against(Truth(fights, alarms), [met, early]) == Outcome((2.5, None), 1, 1)
    before = incident(3, 17.0, 19.0, 25.0)
    assert held_against(Truth(fights, complete=True), [before]).found == 0, "it was told before the fight"
    labelled = Truth((Span(20.0, 30.0, is_labelled=True),))
    assert held_against(labelled, [before]).delays == (-1.0,), "a label's time is the first violent verdict"


def grid(found: list[list[int]], false: list[list[int]]) -> Grid:
    fights = 10
    outcomes = tuple(
        tuple(Outcome((1.0,) * f + (None,) * (fights - f), w) for f, w in zip(ff, ww, strict=True))
        for ff, ww in zip(found, false, strict=True)
    )
    primary = tuple(0.5 + 0.1 * n for n in range(len(found)))
    veto = tuple(0.5 + 0.1 * n for n in range(len(found[0])))
    return Grid(primary, veto, outcomes, Pair(0.94, 0.85), Outcome((None,) * fights))


def test_the_middle_of_the_plateau_is_proposed() -> None:
    found = np.full((5, 5), 9)
    false = np.full((5, 5), 3)
    false[1:4, 1:4] = 0
    found[0] = 10
    chosen = grid(found.tolist(), false.tolist())
    assert proposed(chosen) == Pair(0.7, 0.7)
    assert proposed(chosen, most_false=3) == Pair(0.5, 0.7), "more may be false: what finds most"
    assert frontier(chosen) == [Pair(0.7, 0.7), Pair(0.5, 0.7)]


def test_of_equal_recall_the_fewest_false_are_proposed() -> None:
    assert proposed(grid([[9, 9, 4]], [[2, 1, 0]]), most_false=2) == Pair(0.5, 0.6)
    assert proposed(grid([[9], [9], [9], [0]], [[1], [0], [0], [0]])) in (Pair(0.6, 0.5), Pair(0.7, 0.5))


def test_pairs_that_find_nothing_are_not_proposed() -> None:
    assert proposed(grid([[9, 0]], [[1, 0]])) is None
    assert proposed(grid([[9, 0]], [[4, 3]]), most_false=2) is None


def test_intervals_agree_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for found, of in ((0, 5), (3, 7), (18, 20), (20, 20)):
        expected = stats.binomtest(found, of).proportion_ci(method="wilson")
        assert wilson(found, of) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert wilson(0, 0) == (0.0, 1.0)
    for count in (0, 1, 7, 300):
        assert most_expected(count) == pytest.approx(stats.chi2.ppf(0.95, 2 * count + 2) / 2, rel=1e-6)
