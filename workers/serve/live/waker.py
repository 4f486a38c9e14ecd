"""Wakes those who wait in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Waker:
    """Wakes many with one call, which costs as much as sending one of them a frame. Any thread may call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._pending: list[asyncio.Event] = []

    def wake(self, event: asyncio.Event) -> None:
        """Sets an event of the loop soon."""
        with self._lock:
            self._pending.append(event)
            if len(self._pending) > 1:
                return
        # The worker may be ending, and its loop with it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, []
        for event in pending:
            event.set()
