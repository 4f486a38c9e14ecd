"""Looks after the outbox: says how much waits, gives up what is too old, removes what is done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from shared.loop.quiet import OnceAMinute
from shared.store.database import DatabaseAwayError
from workers.alert import metrics
from workers.alert.delivery import Backlog
from workers.alert.outbox import Outbox

log = logging.getLogger(__name__)

_EVERY_S = 5.0
_DAY_S = 86_400.0


class Caretaker(threading.Thread):
    """Looks every five seconds until stopped.

    Args:
        outbox: what is looked after.
        channels: those of the site file; others may have left something behind.
        give_up_after_s, keep_s: how old what waits, and what is done, may become.
        stop: ends it.
        clock: Unix time.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Sequence[str],
        give_up_after_s: float,
        keep_days: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name="alert-care", daemon=True)
        self._outbox, self._channels = outbox, tuple(channels)
        self._give_up_after_s, self._keep_s = give_up_after_s, keep_days * _DAY_S
        self._stop_event, self._clock = stop, clock
        self._quiet = OnceAMinute()

    def run(self) -> None:
        """Looks until stopped."""
        while not self._stop_event.is_set():
            try:
                self.look()
            except DatabaseAwayError as error:
                if self._quiet.due("database"):
                    log.warning("alert waits: %s", error)
            except Exception:
                log.exception("the outbox is not looked after this time")
            self._stop_event.wait(_EVERY_S)

    def look(self) -> None:
        """One round.

        Raises:
            DatabaseAwayError: the database is away.
        """
        now = self._clock()
        gone = self._outbox.give_up(now - self._give_up_after_s, now)
        if gone:
            log.warning("given up: %d news older than alert.give_up_after_s: nexara alert dead", gone)
        while self._outbox.prune(now - self._keep_s) and not self._stop_event.is_set():
            pass
        backlogs = self._outbox.backlogs()
        for channel in {*self._channels, *backlogs}:
            backlog = backlogs.get(channel, Backlog())
            oldest = backlog.oldest_told_at
            metrics.WAITING.labels(channel).set(backlog.waiting)
            metrics.OLDEST.labels(channel).set(0.0 if oldest is None else max(0.0, now - oldest))
            metrics.DEAD.labels(channel).set(backlog.dead)
