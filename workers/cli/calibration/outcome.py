"""What a pair of thresholds would have found in recordings, and what it would have claimed falsely.

Nothing is looked at again: scores are known, and decision and incidents are the fleet's own code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from shared.messages import Incident, Incidents, Mark, Message, Verdicts
from shared.stage import Stage
from workers.cli.calibration.thresholds import Bar, Ranks, rejudged
from workers.cli.calibration.truths import Truth
from workers.cli.recorded.takes import Take
from workers.incidents.config import IncidentsConfig


@dataclass(frozen=True)
class Outcome:
    """What a pair made of some takes.

    Attributes:
        delays: of each fight, seconds from its begin until its incident was confirmed; None: it was missed.
        false: incidents where nothing was: in takes of which everything is known, and others that people
            had labelled so.
        false_labelled: how many of `false` are of the second kind.
        unknown: incidents of which nobody has said what they were.
    """

    delays: tuple[float | None, ...] = ()
    false: int = 0
    false_labelled: int = 0
    unknown: int = 0

    @property
    def found(self) -> int:
        """How many fights were found."""
        return sum(delay is not None for delay in self.delays)

    @property
    def delay(self) -> float | None:
        """The median delay."""
        found = [delay for delay in self.delays if delay is not None]
        return median(found) if found else None

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.delays + other.delays,
            self.false + other.false,
            self.false_labelled + other.false_labelled,
            self.unknown + other.unknown,
        )


class Scored:
    """One take whose scores are known, ready to be judged at any thresholds.

    Args:
        take: whose it is.
        records: verdicts and marks in order; every veto was asked.
        incidents: the stage, and `rules` its section.
        rules: see there.
        truth: what really happened.
        lowest: no threshold of primary or scene will be below it.
    """

    def __init__(
        self,
        take: Take,
        records: Iterable[Message],
        incidents: Stage[Any, Any, Any, Any],
        rules: IncidentsConfig,
        truth: Truth,
        lowest: float,
    ) -> None:
        self._take = take
        self._stage = incidents
        self._truth = truth
        self._records = _of_interest(records, lowest - rules.hysteresis, rules.end_after_s)
        self._tops = [_top(record) for record in self._records]
        said = [record for record in self._records if isinstance(record, Verdicts)]
        self._ranks = Ranks(said, rules.hysteresis)
        self._known: dict[tuple[int, ...], Outcome] = {}

    def outcome(self, bar: Bar) -> Outcome:
        """What these thresholds make of it."""
        key = self._ranks.key(bar)
        if key not in self._known:
            self._known[key] = held_against(self._truth, self.incidents(bar))
        return self._known[key]

    def incidents(self, bar: Bar) -> list[Incident]:
        """The incidents at these thresholds, without those that others swallowed."""
        state = self._stage.initial(self._take.camera, self._take.generation)
        told: dict[str, Incident] = {}
        least = min(bar.pair.primary, bar.scene_threshold)
        for record, top in zip(self._records, self._tops, strict=True):
            output: Message | None = None
            if isinstance(record, Mark):
                state, output = self._stage.mark(state, record)
            elif isinstance(record, Verdicts) and (top >= least or state.opened or state.candidates):
                # Else nothing is going on, and nothing begins.
                state, output = self._stage.advance(state, self._stage.prepare(rejudged(record, bar)), None)
            if isinstance(output, Incidents):
                told.update({incident.incident_id: incident for incident in output.incidents})
        return [incident for incident in told.values() if incident.merged_into is None]


def held_against(truth: Truth, incidents: Sequence[Incident]) -> Outcome:
    """Incidents against what really happened."""
    delays: list[float | None] = []
    claimed: set[str] = set()
    for fight in truth.fights:
        mine = [one for one in incidents if fight.is_met_by(one)]
        claimed |= {one.incident_id for one in mine}
        delays.append(min(one.confirmed_at for one in mine) - fight.first if mine else None)
    others = [one for one in incidents if one.incident_id not in claimed]
    if truth.complete:
        return Outcome(tuple(delays), false=len(others))
    false = sum(any(alarm.is_met_by(one) for alarm in truth.alarms) for one in others)
    return Outcome(tuple(delays), false, false, len(others) - false)


def _top(record: Message) -> float:
    if not isinstance(record, Verdicts):
        return math.inf
    return max((verdict.score for verdict in record.verdicts), default=0.0)


def _of_interest(records: Iterable[Message], floor: float, lasts_s: float) -> list[Message]:
    """Without records at which no thresholds could have begun an incident or kept one going."""
    kept: list[Message] = []
    high_at = -math.inf
    for record in records:
        if isinstance(record, Verdicts) and _top(record) >= floor:
            high_at = record.at
        if record.at - high_at <= lasts_s or (isinstance(record, Mark) and record.final):
            kept.append(record)
    return kept
