"""The groups that violence is seen in: candidates, open incidents, and those that have ended lately."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.messages import MAX_ZONES, Incident
from workers.incidents.company import Box, Company, around

# The first and the last frames are kept, half of the bound each.
MAX_NUMBERS = 100
# A peak that rises by less is told with the next update.
_PEAK_THAT_MATTERS = 0.05

EndReason = Literal["quiet", "silent", "source_ended", "merged"]


@dataclass(slots=True)
class Vote:
    """What one step says of one group.

    Attributes:
        number, at, captured_at: the step's frame.
        track_id: who was violent first, of those in this step.
        is_violent: the group's vote.
        violent, vetoed: how many verdicts said so.
        score: the highest one that is no guess; `scene_score` the scene's.
        box: around those who were violent; None where nobody was.
        zones: that those are in.
    """

    number: int
    at: float
    captured_at: float
    track_id: int
    is_violent: bool
    violent: int
    vetoed: int
    score: float
    scene_score: float
    box: Box | None
    zones: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Candidate:
    """People of whom violence was said, too seldom yet.

    Attributes:
        born_at: when violence was said of them first.
        votes: the last ones, the oldest first.
        held_until: not confirmed before, because an incident of theirs has ended lately.
        is_counted: whether it was counted already as one that a cooldown keeps back.
    """

    born_at: float
    company: Company = field(default_factory=Company)
    votes: list[Vote] = field(default_factory=list)
    held_until: float = -math.inf
    is_counted: bool = False

    @property
    def violent_at(self) -> float:
        """When it was last violent."""
        return max((vote.at for vote in self.votes if vote.is_violent), default=self.born_at)

    @property
    def made_by(self) -> list[Vote]:
        """The votes that an incident would be made of: from the first violent one on."""
        first = next((index for index, vote in enumerate(self.votes) if vote.is_violent), len(self.votes))
        return self.votes[first:]

    def take(self, vote: Vote, most: int) -> None:
        """Adds a step's vote; keeps the last `most`."""
        self.votes.append(vote)
        del self.votes[:-most]

    def absorb(self, younger: Candidate, most: int) -> None:
        """Takes over another candidate: a step in which either was violent is a violent one."""
        by_number = {vote.number: vote for vote in younger.votes}
        for vote in self.votes:
            other = by_number.get(vote.number)
            by_number[vote.number] = vote if other is None else _together(vote, other)
        self.votes = [by_number[number] for number in sorted(by_number)][-most:]
        self.company.absorb(younger.company)
        self.held_until = max(self.held_until, younger.held_until)
        self.is_counted = self.is_counted or younger.is_counted


@dataclass(slots=True, eq=False)
class Open:
    """An incident that has not ended; the fields that it shares with `Incident` mean the same.

    Attributes:
        supported_at: the last step that kept it going.
        told_at, told_peak: when it was last told of, and with which peak.
        is_told: whether anybody knows of it.
        has_news, is_urgent: whether there is something to tell, and whether that can wait for `update_s`.
        zones: that its people were in.
    """

    incident_id: str
    company: Company
    began_at: float
    began_captured_at: float
    confirmed_at: float
    box: Box
    last_at: float
    supported_at: float
    told_at: float
    peak_score: float = 0.0
    peak_at: float = 0.0
    peak_scene_score: float = 0.0
    told_peak: float = 0.0
    violent: int = 0
    vetoed: int = 0
    numbers: list[int] = field(default_factory=list)
    is_told: bool = False
    has_news: bool = False
    is_urgent: bool = False
    zones: list[str] = field(default_factory=list)

    def take(self, vote: Vote) -> None:
        """Adds what a step says of it."""
        if vote.is_violent:
            self.last_at = max(self.last_at, vote.at)
        self._enter(vote.zones)
        self.box = around([self.box, vote.box]) or self.box
        self._raise_peak(vote.score, vote.at, vote.scene_score)
        self.violent += vote.violent
        self.vetoed += vote.vetoed
        if vote.is_violent or vote.vetoed:
            self._remember([vote.number])
        self.has_news = True

    def absorb(self, other: Open | Candidate) -> None:
        """Takes over another group; its own beginning stays what was told."""
        self.is_urgent = self.company.absorb(other.company) or self.is_urgent
        if isinstance(other, Candidate):
            for vote in other.made_by:
                self.take(vote)
            return
        self.has_news = self.is_urgent = True
        self.last_at = max(self.last_at, other.last_at)
        self.supported_at = max(self.supported_at, other.supported_at)
        self.box = around([self.box, other.box]) or self.box
        self._raise_peak(other.peak_score, other.peak_at, other.peak_scene_score)
        self.violent += other.violent
        self.vetoed += other.vetoed
        self._remember(other.numbers)
        self._enter(other.zones)

    def due(self, at: float, update_s: float) -> bool:
        """Whether an update should be told now."""
        rose = self.peak_score - self.told_peak >= _PEAK_THAT_MATTERS
        return self.has_news and (self.is_urgent or rose or at - self.told_at >= update_s)

    def tell(
        self,
        change: Literal["new", "update", "end"],
        at: float,
        reason: EndReason | None = None,
        merged_into: str | None = None,
    ) -> Incident:
        """What is told of it at this time."""
        self.told_at, self.told_peak = at, self.peak_score
        self.is_told, self.has_news, self.is_urgent = True, False, False
        return Incident(
            incident_id=self.incident_id,
            change=change,
            began_at=self.began_at,
            began_captured_at=self.began_captured_at,
            confirmed_at=self.confirmed_at,
            last_at=self.last_at,
            track_ids=tuple(sorted(self.company.people)),
            box=self.box,
            peak_score=self.peak_score,
            peak_at=self.peak_at,
            peak_scene_score=self.peak_scene_score,
            violent=self.violent,
            vetoed=self.vetoed,
            numbers=tuple(self.numbers),
            end_reason=reason,
            merged_into=merged_into,
            zones=tuple(self.zones),
        )

    def _enter(self, zones: Sequence[str]) -> None:
        self.zones = sorted({*self.zones, *zones})[:MAX_ZONES]

    def _raise_peak(self, score: float, at: float, scene_score: float) -> None:
        if score > self.peak_score:
            self.peak_score, self.peak_at = score, at
        self.peak_scene_score = max(self.peak_scene_score, scene_score)

    def _remember(self, numbers: Sequence[int]) -> None:
        self.numbers = sorted({*self.numbers, *numbers})
        if len(self.numbers) > MAX_NUMBERS:
            half = MAX_NUMBERS // 2
            self.numbers = self.numbers[:half] + self.numbers[-half:]


@dataclass(slots=True, eq=False)
class Ended:
    """An incident that is over; its people and places give no new one for a while."""

    company: Company
    ended_at: float


def confirmed(candidate: Candidate, camera: str, generation: str, whole: Box) -> Open:
    """The incident that a candidate becomes; `whole` is the picture, where nobody's place is known.

    Its id follows from what began it, so that work that is done again gives the same one: camera, generation,
    the number of the first frame, and the first one who was violent in it.
    """
    votes = candidate.made_by
    first, last = votes[0], votes[-1]
    key = f"{camera}\n{generation}\n{first.number}\n{first.track_id}"
    incident = Open(
        incident_id=hashlib.blake2b(key.encode(), digest_size=8).hexdigest(),
        company=candidate.company,
        began_at=first.at,
        began_captured_at=first.captured_at,
        confirmed_at=last.at,
        box=around(vote.box for vote in votes) or whole,
        last_at=last.at,
        supported_at=last.at,
        told_at=last.at,
        peak_at=first.at,
    )
    for vote in votes:
        incident.take(vote)
    return incident


def _together(one: Vote, other: Vote) -> Vote:
    """What a step says of two groups that are one."""
    first = one if one.is_violent or not other.is_violent else other
    return Vote(
        number=one.number,
        at=one.at,
        captured_at=one.captured_at,
        track_id=first.track_id,
        is_violent=one.is_violent or other.is_violent,
        violent=one.violent + other.violent,
        vetoed=one.vetoed + other.vetoed,
        score=max(one.score, other.score),
        scene_score=max(one.scene_score, other.scene_score),
        box=around([one.box, other.box]),
        zones=sorted({*one.zones, *other.zones}),
    )
