"""Which streams there are, who writes and reads them, how long they may grow, and what their keys are called.

Every key of a camera carries the hash tag `{cam:ID}`, so that one script may touch all of them in a cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

START = "0-0"

WRITERS = {"frames": "ingest", "tracks": "pose", "verdicts": "classify", "incidents": "incidents"}
STAGES = ("ingest", "pose", "classify", "incidents", "archive", "history", "evidence", "alert")
# What the alert worker tells to whom, as it was applied last: of the whole site, so without a camera.
ALERT_RULES = "alert:rules"
DEAD_LETTERS_KEPT = 1000
# Why a live camera's frame is dropped: before it is in the stream, or out of the stream again.
NEVER_ADDED = ("buffer", "late", "outage")
REMOVED = ("age", "entries", "bytes")
# A mark that goes the same way: nothing is lost with it.
STALE_MARK = "mark"


def frames_dropped(counters: Mapping[str, str]) -> dict[str, int]:
    """By reason, what ingest's counters of a camera say of dropped frames."""
    reasons = (*NEVER_ADDED, *REMOVED)
    return {
        reason: int(counters[f"dropped:{reason}"]) for reason in reasons if f"dropped:{reason}" in counters
    }


@dataclass(frozen=True)
class Bound:
    """How far a stream may grow.

    Attributes:
        readers: stages that must have read an entry before it may go. Without any, `keep` is the bound.
        keep: entries that stay although every required reader has passed them, for viewers and `tail`.
        limit: once a required reader is this many entries behind, the writer's commit is FULL (0: never).
    """

    readers: tuple[str, ...]
    keep: int
    limit: int


def bound(stream: str, live: bool) -> Bound:
    """The bound of a camera's stream; live cameras are never held back by what comes after classify."""
    if stream == "frames":
        # Live frames are bounded by ingest, which drops the oldest that pose has not taken.
        return Bound(("pose",), keep=0, limit=0 if live else 64)
    if stream == "tracks":
        return Bound(("classify",), keep=2000, limit=1000)
    if stream == "verdicts" and not live:
        return Bound(("incidents", "archive"), keep=2000, limit=1000)
    if stream == "incidents" and not live:
        return Bound(("history", "evidence"), keep=2000, limit=1000)
    return Bound((), keep=10_000, limit=0)


def tag(camera: str) -> str:
    """The camera's hash tag."""
    return "{cam:" + camera + "}"


def stream_key(stream: str, camera: str) -> str:
    """The key of a camera's stream."""
    return f"{stream}:{tag(camera)}"


def dead_key(camera: str) -> str:
    """The key of a camera's dead letters."""
    return f"dead:{tag(camera)}"


def state_key(stage: str, camera: str) -> str:
    """The key of what a stage has stored for a camera: cursor, snapshot, counters."""
    return f"{stage}:state:{tag(camera)}"


def lease_key(stage: str, camera: str) -> str:
    """The key that holds the token of the camera's owner in a stage."""
    return f"{stage}:lease:{tag(camera)}"


def rules_key(camera: str) -> str:
    """The key of a camera's rules: those that hold, and those that records in the streams may name."""
    return f"rules:{tag(camera)}"


def members_key(stage: str) -> str:
    """The key of a stage's living workers, scored by their last heartbeat."""
    return f"{stage}:members"


def parse_id(entry_id: str) -> tuple[int, int]:
    """An entry id as numbers, for comparison."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
