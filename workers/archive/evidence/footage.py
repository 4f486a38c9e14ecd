"""Finds the tracks of an incident again, in the stream that pose has written, and keeps them in its spool.

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
from shared.bus.streams import parse_id
from shared.messages import Incident, Incidents, MessageError, Tracks, decode
from shared.stage import TryLater
from workers.archive.evidence.spool import Moment, Shot, Spool, is_end

_PAGE = 200
_POLL_S = 0.1
# What is not there so long after its time does not come any more.
_LATE_S = 2.0
# Less than this nobody misses.
_GAP_S = 1.0
# Of what is shown, so much more is looked at on both sides: somebody may be found just outside.
_NEARBY_S = 1.0


@dataclass(frozen=True)
class Footage:
    """What is left of a span of time.

    Attributes:
        shots: in order, `at` rising.
        nearby: the same, and a second more on both sides where there is one.
        lost_s: how much of the span's begin was removed from the stream before it was kept.
        hole_s: how much of its middle was.
        late_s: how much of its end did not come in time.
    """

    shots: tuple[Shot, ...]
    nearby: tuple[Shot, ...] = ()
    lost_s: float = 0.0
    hole_s: float = 0.0
    late_s: float = 0.0

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What each shot shows."""
        return tuple(shot.moment for shot in self.shots)


def collect(bus: Bus, told: tuple[str, Incidents], incident: Incident, first_at: float, spool: Spool) -> None:
    """Keep an incident's tracks from `first_at` up to the entry that told of it, as far as they are there.

    Raises:
        BusError: the server does not answer.
        OSError: the spool cannot be written.
    """
    if spool.newest is None:
        before, is_whole = _before(bus, told, incident, first_at)
        if before:
            spool.begin(before, None if is_whole else (first_at, before[0].moment.at))
        return
    last = parse_id(told[0])
    found = []
    for shot in _later(bus, told[1].camera, spool):
        if parse_id(shot.entry_id) > last:
            break
        found.append(shot)
    spool.append(found)


def recall(
    bus: Bus,
    told: tuple[str, Incidents],
    incident: Incident,
    span: tuple[float, float],
    spool: Spool,
    stop: threading.Event,
    wanted_at: float | None = None,
) -> Footage:
    """The tracks of a span of an incident's time, as far as they were kept or are still in the stream.

    Waits for those that come after the entry that told of it, for as long as a source that goes on needs.

    Args:
        bus: where the stream is.
        told: the entry that told of the incident.
        incident: whose frames are looked for.
        span: from when until when, in the clock of the incident's generation.
        spool: where they are kept.
        stop: ends the waiting.
        wanted_at: from when on tracks are kept for what is made later; from the span's begin where absent.

    Raises:
        BusError: the server does not answer.
        OSError: the spool cannot be written or read.
        TryLater: stopped while waiting.
    """
    collect(bus, told, incident, span[0] if wanted_at is None else wanted_at, spool)
    newest = spool.newest
    if newest is None:
        return Footage((), lost_s=span[1] - span[0])
    late_s = 0.0
    if newest.moment.generation == told[1].generation:
        late_s = _await(bus, spool, span[1], stop)
    kept: list[Shot] = []
    for shot in spool.shots():
        rises = not kept or shot.moment.at > kept[-1].moment.at
        if rises and not is_end(shot.moment) and _within(shot, span, _NEARBY_S):
            kept.append(shot)
    lost_s, hole_s = spool.missing_in(span)
    return Footage(
        shots=tuple(shot for shot in kept if _within(shot, span, 0.0)),
        nearby=tuple(kept),
        lost_s=lost_s if lost_s > _GAP_S else 0.0,
        hole_s=hole_s if hole_s > _GAP_S else 0.0,
        late_s=late_s if late_s > _GAP_S else 0.0,
    )


def _within(shot: Shot, span: tuple[float, float], more_s: float) -> bool:
    return span[0] - more_s <= shot.moment.at <= span[1] + more_s


def _before(
    bus: Bus, told: tuple[str, Incidents], incident: Incident, first_at: float
) -> tuple[list[Shot], bool]:
    """What is there of the incident's generation up to the entry; and whether it reaches the time wanted.

    Its generation is the entry's own or, if the end of an incident was told only in the next one, the one
    before: the newest that has one of the incident's frames. Of one that began later than the time wanted,
    nothing is missing.
    """
    numbers = set(incident.numbers)
    found: deque[Shot] = deque()
    is_its_own = False
    for shot in _walk(bus, told[1].camera, told[0], backwards=True):
        moment = shot.moment
        if found and moment.generation != found[0].moment.generation:
            if is_its_own:
                return list(found), True
            found.clear()
        found.appendleft(shot)
        if isinstance(moment, Tracks) and moment.at >= incident.began_at and moment.number in numbers:
            is_its_own = True
        if is_its_own and moment.at <= first_at:
            return list(found), True
    return (list(found), found[0].moment.number == 0) if is_its_own else ([], False)


def _await(bus: Bus, spool: Spool, last_at: float, stop: threading.Event) -> float:
    """Keeps what comes until a time; returns how much of it has not come, seconds."""
    newest = spool.newest
    if newest is None or newest.moment.at >= last_at or is_end(newest.moment):
        return 0.0
    deadline = time.monotonic() + (last_at - newest.moment.at) + _LATE_S
    while time.monotonic() < deadline:
        found, is_over = [], False
        for shot in _later(bus, newest.moment.camera, spool):
            found.append(shot)
            is_over = shot.moment.at >= last_at or is_end(shot.moment)
            if is_over:
                break
        spool.append(found)
        if is_over or _is_followed(bus, spool):
            return 0.0
        newest = spool.newest or newest
        if stop.wait(_POLL_S):
            raise TryLater("the worker ends")
    return last_at - newest.moment.at


def _later(bus: Bus, camera: str, spool: Spool) -> Iterator[Shot]:
    """What came of the spool's generation after its newest; notes what was removed in between."""
    newest = spool.newest
    if newest is None:
        return
    is_first = True
    for shot in _walk(bus, camera, newest.entry_id):
        if shot.moment.generation != newest.moment.generation:
            return
        if is_first and shot.entry_id != newest.entry_id:
            spool.note_missing((newest.moment.at, shot.moment.at))
        if shot.entry_id != newest.entry_id:
            yield shot
        is_first = False


def _is_followed(bus: Bus, spool: Spool) -> bool:
    """Whether another generation has begun after the spool's newest."""
    newest = spool.newest
    if newest is None:
        return False
    after = _walk(bus, newest.moment.camera, f"({newest.entry_id}")
    return any(shot.moment.generation != newest.moment.generation for shot in after)


def _walk(bus: Bus, camera: str, start: str, *, backwards: bool = False) -> Iterator[Shot]:
    while page := bus.page("tracks", camera, start, _PAGE, backwards=backwards):
        for entry_id, payload in page:
            # What nobody can read was counted by those who had to.
            with contextlib.suppress(MessageError):
                moment = decode(payload)
                if isinstance(moment, Moment):
                    yield Shot(entry_id, moment, payload)
        start = f"({page[-1][0]}"
