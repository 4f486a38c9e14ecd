"""Takes a channel's deliveries out of the outbox and sends them, one thread for each channel.

A row is marked when its receiver has answered, so whoever is killed in between sends it again, with the same
key. After a failure the channel rests, longer each time; what a receiver does not want rests by itself, so
that other news gets through.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections.abc import Callable, Sequence

from shared.loop.quiet import OnceAMinute
from shared.store.database import DatabaseAwayError
from workers.alert import metrics
from workers.alert.channels.channel import Channel, ChannelAwayError, ChannelRefusedError
from workers.alert.config import Limit
from workers.alert.delivery import Delivery
from workers.alert.limit import Window
from workers.alert.outbox import Outbox

log = logging.getLogger(__name__)

_IDLE_S = 1.0
_FIRST_PAUSE_S = 1.0
_BATCH = 200


class Sender(threading.Thread):
    """Sends what is due to one channel until stopped.

    Args:
        name: the channel's.
        channel: the way to its receiver; closed at the end.
        outbox: where deliveries are.
        limit: asks how many messages people may be sent.
        retry_max_s: longest pause.
        give_up_after_s: what is older is not sent.
        stop: ends it, together with `wake`.
        clock: Unix time.
    """

    def __init__(
        self,
        name: str,
        channel: Channel,
        outbox: Outbox,
        limit: Callable[[], Limit],
        retry_max_s: float,
        give_up_after_s: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name=f"alert-{name}", daemon=True)
        self._channel_name, self._channel, self._outbox = name, channel, outbox
        self._limit, self._retry_max_s, self._give_up_after_s = limit, retry_max_s, give_up_after_s
        self._stop_event, self._clock, self._random = stop, clock, random.Random()
        self._waker = threading.Event()
        self._window = Window()
        self._failures = 0
        self._rests_until = 0.0
        self._unmarked: list[Delivery] = []
        self._quiet = OnceAMinute()
        metrics.show(name)

    def wake(self) -> None:
        """There may be something to send."""
        self._waker.set()

    def run(self) -> None:
        """Sends until stopped; nothing that goes wrong ends it."""
        while not self._stop_event.is_set():
            self._waker.clear()
            try:
                rest_s = self.turn()
            except DatabaseAwayError as error:
                rest_s = _IDLE_S
                if self._quiet.due("database"):
                    log.warning("channel=%s waits: %s", self._channel_name, error)
            except Exception as error:
                rest_s = self._rest(ChannelAwayError(_fault(error)))
            self._waker.wait(min(rest_s, _IDLE_S))
        self._channel.close()

    def turn(self) -> float:
        """Sends what is due; returns how soon to come again.

        Raises:
            DatabaseAwayError: nothing is known of what is due.
        """
        now = self._clock()
        if now < self._rests_until:
            return self._rests_until - now
        self._mark()
        try:
            if self._channel.tend():
                self._recovered()
            due = self._outbox.due(self._channel_name, now, now - self._give_up_after_s, _BATCH)
            full = len(due) == _BATCH
            while due and not self._stop_event.is_set():
                count = self._together(len(due))
                if not count:
                    break
                self._send(due[:count])
                due = due[count:]
        except ChannelAwayError as error:
            return self._rest(error)
        return 0.0 if full and not due else _IDLE_S

    def _together(self, waiting: int) -> int:
        """How many go into the next message; 0: none may be sent now."""
        if not self._channel.sums_up:
            return 1
        limit = self._limit()
        free = self._window.free(self._clock(), limit.messages, limit.per_s)
        # The last message that may be sent now tells of all that waits.
        return min(free, 1) if free != 1 else waiting

    def _send(self, news: Sequence[Delivery]) -> None:
        ids = [one.id for one in news]
        try:
            self._through(news)
        except ChannelRefusedError as error:
            metrics.FAILED.labels(self._channel_name).inc()
            log.warning("channel=%s will not take %s: %s", self._channel_name, news[0].event.key, error)
            self._outbox.bury(ids, self._clock(), str(error))
            return
        except ChannelAwayError as error:
            due_at = self._clock()
            if error.answered:
                due_at += self._pause(max(one.tries for one in news))
            self._outbox.failed(ids, due_at, str(error))
            raise
        self._window.note(self._clock())
        self._recovered()
        self._unmarked += news
        self._count(news)
        self._mark()

    def _through(self, news: Sequence[Delivery]) -> None:
        try:
            self._channel.send(news)
        except (ChannelRefusedError, ChannelAwayError, DatabaseAwayError):
            raise
        except Exception as error:
            # A fault of ours, perhaps of this news alone.
            raise ChannelAwayError(_fault(error), answered=True) from None

    def _mark(self) -> None:
        """Stores what was sent, also what the database would not store before."""
        if self._unmarked:
            self._outbox.sent([one.id for one in self._unmarked], self._clock())
            self._unmarked = []

    def _count(self, news: Sequence[Delivery]) -> None:
        metrics.SENT.labels(self._channel_name).inc(len(news))
        if len(news) > 1:
            metrics.SUMMED.labels(self._channel_name).inc(len(news))
        seconds = metrics.SECONDS.labels(self._channel_name)
        for one in news:
            seconds.observe(max(0.0, self._clock() - one.told_at))

    def _recovered(self) -> None:
        if self._failures:
            log.info("channel=%s works again", self._channel_name)
        self._failures = 0

    def _rest(self, error: ChannelAwayError) -> float:
        metrics.FAILED.labels(self._channel_name).inc()
        pause = max(self._pause(self._failures), error.again_in_s)
        self._failures += 1
        self._rests_until = self._clock() + pause
        if self._quiet.due(str(error)):
            log.warning("channel=%s is away: %s: tried again", self._channel_name, error)
        return pause

    def _pause(self, failures: int) -> float:
        """Doubles with each failure; not the same for all who wait for one receiver."""
        longest = min(self._retry_max_s, _FIRST_PAUSE_S * 2.0 ** min(failures, 20))
        return longest * self._random.uniform(0.5, 1.0)


def _fault(error: Exception) -> str:
    """Where something broke. Not its text: that may hold an address."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {at.filename}:{at.lineno}"
