"""Finds the tracks of an incident again, in the stream that pose has written.

An entry's id says nothing of its time: a live camera's is a time of capture, a file's a number, and both may
be moved on. So the stream is walked from the entry that told of the incident, which has its tracks' id.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from shared.bus import Bus
from shared.messages import Incident, Incidents, Mark, MessageError, Tracks, decode
from shared.stage import TryLater

Moment = Tracks | Mark

_PAGE = 200
_POLL_S = 0.1
# What is not there so long after its time does not come any more.
_LATE_S = 2.0
# Less than this nobody misses.
_GAP_S = 1.0


@dataclass(frozen=True)
class Footage:
    """What is left of a span of time.

    Attributes:
        moments: in order, `at` rising.
        lost_s: how much of the span's begin was removed from the stream already.
        late_s: how much of its end did not come in time.
    """

    moments: tuple[Moment, ...]
    lost_s: float = 0.0
    late_s: float = 0.0


def recall(
    bus: Bus,
    told: tuple[str, Incidents],
    incident: Incident,
    span: tuple[float, float],
    stop: threading.Event,
) -> Footage:
    """The tracks of an incident's time, as far as they are still in the stream.

    Waits for those that come after the entry that told of it, for as long as a source that goes on needs.

    Args:
        bus: where the stream is.
        told: the entry that told of the incident.
        incident: whose frames are looked for.
        span: from when until when, in the clock of the incident's generation.
        stop: ends the waiting.

    Raises:
        BusError: the server does not answer.
        TryLater: stopped while waiting.
    """
    entry_id, record = told
    before, is_whole = _before(bus, told, incident, span[0])
    if not before:
        return Footage((), lost_s=span[1] - span[0])
    lost_s = 0.0 if is_whole else max(0.0, before[0].at - span[0])
    after: list[Moment] = []
    late_s = 0.0
    if before[-1].generation == record.generation and before[-1].at < span[1] and not _is_end(before[-1]):
        after, late_s = _after(bus, entry_id, before[-1], span[1], stop)
    kept: list[Moment] = []
    for moment in (*before, *after):
        rises = not kept or moment.at > kept[-1].at
        if rises and span[0] <= moment.at <= span[1] and not _is_end(moment):
            kept.append(moment)
    return Footage(tuple(kept), lost_s if lost_s > _GAP_S else 0.0, late_s if late_s > _GAP_S else 0.0)


def _before(
    bus: Bus, told: tuple[str, Incidents], incident: Incident, first_at: float
) -> tuple[list[Moment], bool]:
    """What is there of the incident's generation up to the entry; and whether it reaches the time wanted.

    Its generation is the entry's own or, if the end of an incident was told only in the next one, the one
    before: the newest that has one of the incident's frames. Of one that began later than the time wanted,
    nothing is missing.
    """
    numbers = set(incident.numbers)
    found: deque[Moment] = deque()
    is_its_own = False
    for _, moment in _walk(bus, told[1].camera, told[0], backwards=True):
        if found and moment.generation != found[0].generation:
            if is_its_own:
                return list(found), True
            found.clear()
        found.appendleft(moment)
        if isinstance(moment, Tracks) and moment.at >= incident.began_at and moment.number in numbers:
            is_its_own = True
        if is_its_own and moment.at <= first_at:
            return list(found), True
    return (list(found), found[0].number == 0) if is_its_own else ([], False)


def _after(
    bus: Bus, entry_id: str, newest: Moment, last_at: float, stop: threading.Event
) -> tuple[list[Moment], float]:
    """What comes after an entry until a time; and how much of it has not come, seconds."""
    found: list[Moment] = []
    deadline = time.monotonic() + (last_at - newest.at) + _LATE_S
    while time.monotonic() < deadline:
        for place, moment in _walk(bus, newest.camera, f"({entry_id}"):
            if moment.generation != newest.generation:
                return found, 0.0
            entry_id = place
            found.append(moment)
            if moment.at >= last_at or _is_end(moment):
                return found, 0.0
        if stop.wait(_POLL_S):
            raise TryLater("the worker ends")
    return found, last_at - (found[-1].at if found else newest.at)


def _walk(bus: Bus, camera: str, start: str, *, backwards: bool = False) -> Iterator[tuple[str, Moment]]:
    while page := bus.page("tracks", camera, start, _PAGE, backwards=backwards):
        for entry_id, payload in page:
            # What nobody can read was counted by those who had to.
            with contextlib.suppress(MessageError):
                moment = decode(payload)
                if isinstance(moment, Tracks | Mark):
                    yield entry_id, moment
        start = f"({page[-1][0]}"


def _is_end(moment: Moment) -> bool:
    return isinstance(moment, Mark) and moment.final
