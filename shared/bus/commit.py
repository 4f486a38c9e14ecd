"""The commit: what one run of a camera changes, all of it or nothing."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.bus import streams

_LUA = Path(__file__).with_name("commit.lua").read_text(encoding="utf-8")
# Stages must be able to commit at maxmemory, or nothing would ever be read and freed; sources must not.
STAGE_SCRIPT = "#!lua flags=allow-oom\n" + _LUA
SOURCE_SCRIPT = "#!lua\n" + _LUA
OPEN_SCRIPT = "#!lua flags=allow-oom\n" + Path(__file__).with_name("open.lua").read_text(encoding="utf-8")

_DEAD_PAYLOAD_BYTES = 4096


class Outcome(enum.Enum):
    """What became of a commit. Only DONE and DUPLICATE mean that it is stored."""

    DONE = "DONE"
    DUPLICATE = "DUPLICATE"
    FENCED = "FENCED"
    STALE = "STALE"
    FULL = "FULL"
    AHEAD = "AHEAD"


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """An input that could not be used, and why. Of the payload the first 4 KB are kept."""

    stream: str
    entry_id: str
    reason: str
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class Run:
    """One commit of one camera in one stage: the inputs after `previous` up to `last` and all their effects.

    Attributes:
        stage, camera, token: whose commit it is; the token is that of the lease.
        previous, last: the stored cursor before and after, entry ids.
        writes, outputs: stream and (entry id, payload) pairs, ids ascending.
        reads, inputs: stream and ids that this run has used up; "" and () for a source.
        snapshot: the state after `last`, or None to leave the stored one.
        generation, settings: what the state belongs to.
        floor: the lowest input id that a takeover still needs; `last` where empty.
        drops: live sources: (entry id, reason) to remove if the reader was not given them yet.
        dropped: drops that never reached the stream, by reason.
    """

    stage: str
    camera: str
    token: str
    previous: str
    last: str
    writes: str = ""
    outputs: Sequence[tuple[str, bytes]] = ()
    reads: str = ""
    inputs: Sequence[str] = ()
    dead: Sequence[DeadLetter] = ()
    snapshot: bytes | None = None
    generation: str = ""
    settings: str = ""
    floor: str = ""
    drops: Sequence[tuple[str, str]] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What is stored for a camera in a stage. `snapshot` is None before the first one."""

    cursor: str
    generation: str
    settings: str
    snapshot: bytes | None
    floor: str


def keys(run: Run, bound: streams.Bound) -> list[str]:
    """KEYS of the script. Where a run has no such stream its state key fills the place, in the same slot."""
    state = streams.state_key(run.stage, run.camera)
    return [
        streams.lease_key(run.stage, run.camera),
        state,
        streams.dead_key(run.camera),
        streams.stream_key(run.reads, run.camera) if run.reads else state,
        streams.stream_key(run.writes, run.camera) if run.writes else state,
        *(streams.state_key(reader, run.camera) for reader in bound.readers),
    ]


def arguments(run: Run, bound: streams.Bound) -> list[str | bytes | int]:
    """ARGV of the script, in the order in which it takes them."""
    head: list[str | bytes | int] = [
        run.token,
        run.stage,
        run.previous,
        run.last,
        run.generation,
        run.settings,
    ]
    head += [run.floor or run.last, int(run.snapshot is not None), run.snapshot or b""]
    head += [bound.limit, bound.keep, streams.DEAD_LETTERS_KEPT, bound.readers[0] if bound.readers else ""]
    head += [len(run.inputs), *run.inputs]
    head += [len(run.outputs), *(part for output in run.outputs for part in output)]
    head.append(len(run.dead))
    for letter in run.dead:
        head += [letter.stream, letter.entry_id, letter.reason[:500], letter.payload[:_DEAD_PAYLOAD_BYTES]]
    head += [len(run.drops), *(part for drop in run.drops for part in drop)]
    head += [len(run.dropped), *(part for count in run.dropped.items() for part in count)]
    return head
