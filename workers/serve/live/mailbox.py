"""What one viewer has not been sent yet: bounded, however slow the viewer is."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

EVENTS_KEPT = 200

# What is sent in one go, text or bytes.
Parcel = Sequence[str | bytes]


class Dropped(NamedTuple):
    """What was never sent: frames for which a newer one came, and events of which there were too many."""

    frames: int
    events: int


class Mailbox:
    """Of each camera the newest frame and the newest state alone; events in order, the oldest go first.

    Any thread puts; one takes.

    Args:
        wake: called when there is something to take.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._newest: dict[tuple[str, str], Parcel] = {}
        self._events: deque[Parcel] = deque()
        self._frames_dropped = 0
        self._events_dropped = 0

    def put_newest(self, kind: str, camera: str, parcel: Parcel) -> None:
        """Takes the place of what still waits of this kind and camera."""
        with self._lock:
            # It also takes its turn: a camera with many frames must not hold up the others.
            if (kind, camera) in self._newest and kind == "frame":
                self._frames_dropped += 1
            self._newest[kind, camera] = parcel
        self._wake()

    def put_event(self, parcel: Parcel) -> None:
        """Goes to the end of the events."""
        with self._lock:
            self._events.append(parcel)
            if len(self._events) > EVENTS_KEPT:
                self._events.popleft()
                self._events_dropped += 1
        self._wake()

    def take(self) -> Parcel | None:
        """The next to be sent, events first; None if there is nothing."""
        with self._lock:
            if self._events:
                return self._events.popleft()
            if not self._newest:
                return None
            return self._newest.pop(next(iter(self._newest)))

    def count_dropped(self) -> Dropped:
        """What was dropped since this was asked last."""
        with self._lock:
            dropped = Dropped(self._frames_dropped, self._events_dropped)
            self._frames_dropped = self._events_dropped = 0
        return dropped

    def __len__(self) -> int:
        with self._lock:
            return len(self._events) + len(self._newest)
