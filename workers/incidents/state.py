"""What is remembered of a camera between two records, and its form as bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import msgpack

from workers.incidents.company import Box, Company, Place
from workers.incidents.group import Candidate, Ended, Open, Vote

# Of the bytes: another number starts every camera afresh.
VERSION = 1


@dataclass(slots=True, eq=False)
class State:
    """What is known of one camera's generation.

    Attributes:
        at: the last record's time, seconds.
        width, height: of the picture that boxes are in; 0 before the first verdicts.
        opened: in the order in which they were confirmed; `candidates` in that of their birth.
        ended: the last ones, for their cooldown.
        left: incidents of an earlier generation of which nobody was told yet that they ended.
        shadow: the last record's rules say that nobody is to be told.
    """

    camera: str
    generation: str
    at: float = -math.inf
    width: int = 0
    height: int = 0
    opened: list[Open] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    left: list[Open] = field(default_factory=list)
    shadow: bool = False


def dump(state: State) -> bytes:
    """The state as plain values in the order of the fields."""
    packed: bytes = msgpack.packb(astuple(state))
    return packed


def load(stored: bytes) -> State:
    """A state that `dump` wrote.

    Raises:
        ValueError, TypeError: the bytes are something else.
    """
    camera, generation, at, width, height, opened, candidates, ended, left, *rest = msgpack.unpackb(stored)
    return State(
        camera,
        generation,
        at,
        width,
        height,
        [_open(values) for values in opened],
        [_candidate(values) for values in candidates],
        [Ended(_company(company), ended_at) for company, ended_at in ended],
        [_open(values) for values in left],
        # What an earlier release did not remember has its default.
        *rest,
    )


def _company(values: Sequence[Any]) -> Company:
    people, places = values
    return Company(people, [Place(track_id, at, _box(box), height) for track_id, at, box, height in places])


def _candidate(values: Sequence[Any]) -> Candidate:
    born_at, company, votes, *rest = values
    return Candidate(born_at, _company(company), [_vote(vote) for vote in votes], *rest)


def _vote(values: Sequence[Any]) -> Vote:
    vote = Vote(*values)
    vote.box = None if vote.box is None else _box(vote.box)
    return vote


def _open(values: Sequence[Any]) -> Open:
    incident = Open(*values)
    incident.company, incident.box = _company(values[1]), _box(incident.box)
    return incident


def _box(values: Sequence[float]) -> Box:
    left, top, right, bottom = values
    return left, top, right, bottom
