"""The whole fleet at one moment, for people: how each camera fares, and who works."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.bus import streams
from shared.bus.connection import Bus
from shared.bus.lease import LEASE_S
from shared.messages import Mark, Message, MessageError, decode

Source = Literal["frame", "no frame", "end", ""]

# What each stage reads.
READS = {
    "pose": "frames",
    "classify": "tracks",
    "incidents": "verdicts",
    "archive": "verdicts",
    "history": "incidents",
    "evidence": "incidents",
    "alert": "incidents",
}
_DROPPED = (*streams.NEVER_ADDED, *streams.REMOVED)
# Stage -> what it has stored in numbers; and entries of a stream.
_Counts = dict[str, dict[str, int]]
_Entries = list[tuple[bytes, dict[bytes, bytes]]]
_REMOVED = tuple(f"dropped:{reason}" for reason in (*streams.REMOVED, streams.STALE_MARK))


@dataclass(frozen=True)
class CameraSurvey:
    """One camera.

    Attributes:
        source: what came last of it: a frame, no frame (it is silent), its end, or "" if nothing did.
        last_at: when that was captured, seconds since 1970; None if nothing was.
        last_id: its entry's id in the tracks.
        tracked: records that pose has done since its state was created, silence's too.
        lags: stage -> records that it has not done yet.
        owners: stage -> the worker that has the camera, "" if nobody does.
        dropped: reason -> frames that ingest has dropped.
        dead: records that could not be used, in all stages.
    """

    camera: str
    source: Source
    last_at: float | None
    last_id: str
    tracked: int
    lags: dict[str, int]
    owners: dict[str, str]
    dropped: dict[str, int]
    dead: int


@dataclass(frozen=True)
class Survey:
    """The fleet.

    Attributes:
        workers: stage -> the names of its living workers.
        at: the server's clock, seconds since 1970.
    """

    cameras: tuple[CameraSurvey, ...]
    workers: dict[str, tuple[str, ...]]
    at: float


def survey(bus: Bus, cameras: Sequence[str]) -> Survey:
    """Look at everything, in one round trip.

    Raises:
        BusError: the server does not answer.
    """
    reasons = (*_DROPPED, streams.STALE_MARK)
    fields = ("added", "read", "dead", *(f"dropped:{reason}" for reason in reasons))
    questions: list[tuple[str | int, ...]] = [("TIME",)]
    questions += [("ZRANGE", streams.members_key(stage), 0, -1, "WITHSCORES") for stage in streams.STAGES]
    for camera in cameras:
        questions += [("HMGET", streams.state_key(stage, camera), *fields) for stage in streams.STAGES]
        questions += [("GET", streams.lease_key(stage, camera)) for stage in streams.STAGES]
        questions.append(("XREVRANGE", streams.stream_key("tracks", camera), "+", "-", "COUNT", 1))
    answers = iter(bus.ask(questions))
    seconds, microseconds = next(answers)
    at = seconds + microseconds / 1e6
    workers = {stage: _living(next(answers), at) for stage in streams.STAGES}
    seen = []
    for camera in cameras:
        counts = {
            stage: {name: int(value or 0) for name, value in zip(fields, next(answers), strict=True)}
            for stage in streams.STAGES
        }
        owners = {stage: _owner(next(answers)) for stage in streams.STAGES}
        seen.append(_camera(camera, counts, owners, next(answers)))
    return Survey(tuple(seen), workers, at)


def _camera(camera: str, counts: _Counts, owners: dict[str, str], last: _Entries) -> CameraSurvey:
    message = _decoded(last)
    lags = {}
    for stage, stream in READS.items():
        writer = counts[streams.WRITERS[stream]]
        written = writer["added"] - sum(writer[name] for name in _REMOVED)
        lags[stage] = max(0, written - counts[stage]["read"])
    return CameraSurvey(
        camera=camera,
        source=_source(message),
        last_at=message.captured_at if message else None,
        last_id=last[0][0].decode() if last else streams.START,
        tracked=counts["pose"]["read"],
        lags=lags,
        owners=owners,
        dropped={reason: counts["ingest"][f"dropped:{reason}"] for reason in _DROPPED},
        dead=sum(count["dead"] for count in counts.values()),
    )


def _decoded(last: _Entries) -> Message | None:
    with contextlib.suppress(MessageError):
        return decode(last[0][1].get(b"m", b"")) if last else None
    return None


def _source(message: Message | None) -> Source:
    if isinstance(message, Mark):
        return "end" if message.final else "no frame"
    return "frame" if message else ""


def _living(members: list[bytes], at: float) -> tuple[str, ...]:
    """Those whose heartbeat is not older than a lease: nobody takes the last ones of a stage off its list."""
    beats = zip(members[::2], members[1::2], strict=True)
    return tuple(sorted(name.decode() for name, ms in beats if at - float(ms) / 1000 <= LEASE_S))


def _owner(token: bytes | None) -> str:
    return token.decode().partition(":")[0] if token else ""
