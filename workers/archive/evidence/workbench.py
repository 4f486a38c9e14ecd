"""Work that takes longer than the loop may be kept waiting: in a thread of its own, one piece at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillAtWork

from shared.stage import StillBusy


class Workbench:
    """Does pieces of work, each once, and lets who waits for one come again for it.

    Args:
        busy_s: the loop may be kept waiting for so long at a time, over all cameras.
        rest_s: after so long without anything to wait for, a new time begins.
        clock: seconds, never backwards.
    """

    def __init__(self, busy_s: float, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._busy_s, self._rest_s, self._clock = busy_s, rest_s, clock
        self._began = self._ended = -rest_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self._under_way: tuple[Hashable, Future[None]] | None = None

    def do(self, name: Hashable, work: Callable[[], None]) -> None:
        """Do a piece of work, or wait for it if it is under way already.

        Args:
            name: of the piece: who comes again for it gives the same.
            work: raises TryLater where it cannot be done now.

        Raises:
            StillBusy: it is not done yet; the loop must go round before it asks again.
        """
        now = self._clock()
        if now - self._ended >= self._rest_s:
            self._began = now
        try:
            while True:
                other, future = self._under_way or (name, self._pool.submit(work))
                self._under_way = other, future
                self._wait(future)
                self._under_way = None
                if other == name:
                    future.result()
                    return
        finally:
            self._ended = self._clock()

    def close(self) -> None:
        """Begins nothing more; what is under way must be told to end by its own means."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, future: Future[None]) -> None:
        left_s = self._began + self._busy_s - self._clock()
        try:
            future.exception(max(0.0, left_s))
        except StillAtWork:
            raise StillBusy("evidence is being made: it goes on in a moment") from None
