"""Incidents, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from shared.messages import Incident, Incidents, Stamp
from workers.alert.delivery import Delivery, News
from workers.alert.event import Event, event_of
from workers.alert.outbox import Outbox

GENERATION = "00000000000000aa"
ID = "00000000000000ff"
# 2026-05-04 was a Monday; 20:14:02 UTC.
CAPTURED = 1_777_925_642.0


def incident(change: str, identity: str = ID, **more: Any) -> Incident:
    return Incident(
        **{
            "incident_id": identity, "change": change, "began_at": 10.0, "began_captured_at": CAPTURED,
            "confirmed_at": 11.0, "last_at": 12.5, "track_ids": (7, 8), "box": (64.0, 36.0, 320.0, 360.0),
            "peak_score": 0.97, "peak_at": 11.0, "peak_scene_score": 0.96, "violent": 3, "vetoed": 1,
            "numbers": (100, 110), "end_reason": "quiet" if change == "end" else None, **more,
        }
    )  # fmt: skip


def record(number: int, *what: Incident, camera: str = "yard", told_at: float | None = None) -> Incidents:
    at = time.time() if told_at is None else told_at
    return Incidents(
        camera=camera, generation=GENERATION, number=number, at=number / 10, captured_at=CAPTURED, width=640,
        height=360, incidents=what, trail=(Stamp(stage="incidents", read_at=at, done_at=at),),
    )  # fmt: skip


def told(number: int, *what: Incident, **more: Any) -> tuple[str, Incidents]:
    """As the loop delivers it."""
    return f"{number}-0", record(number, *what, **more)


def event(number: int = 1, change: str = "new", identity: str = ID, **more: Any) -> Event:
    one = incident(change, identity, **more)
    return event_of("shop", f"{number}-0", record(number, one), one, time.time(), None)


def put(
    outbox: Outbox, *events: Event, channels: Sequence[str] = ("office",), at: float | None = None
) -> None:
    now = time.time() if at is None else at
    outbox.put([News(event=one, generation=GENERATION, channels=tuple(channels)) for one in events], now)


def delivery(one: Event) -> Delivery:
    return Delivery(
        id=0, channel="office", event=one, generation=GENERATION, told_at=time.time(), tries=0, reason=None
    )
