"""SIGHUP: the site file is read again and applied, as `nexara apply` does."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable

from shared.bus import Bus, BusError
from shared.config import ConfigError
from shared.loop.quiet import OnceAMinute
from shared.rulebook import RulesError
from workers.cli.applying import apply, needs_restart
from workers.cli.site import Site

log = logging.getLogger(__name__)

_POLL_S = 0.25


class Hangup:
    """Whether somebody has asked for the site file to be read again, and the reading. Ends as a context.

    Args:
        running: the site as the process was started with.
        read: reads the file again.
    """

    def __init__(self, running: Site, read: Callable[[], Site]) -> None:
        self._running = running
        self._read = read
        self._asked = threading.Event()
        self._quiet = OnceAMinute()
        self._had_terminal = sys.stdout.isatty()
        self._before = signal.signal(signal.SIGHUP, lambda *_: self._asked.set())

    def __enter__(self) -> Hangup:
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGHUP, self._before)

    @property
    def abandoned(self) -> bool:
        """Whether the terminal that this process was started from is closed: that is SIGHUP, too."""
        return self._asked.is_set() and self._had_terminal and not sys.stdout.isatty()

    def follow(self, bus: Bus) -> None:
        """Applies the file if it was asked for since the last time; a mistake in it changes nothing."""
        if not self._asked.is_set():
            return
        self._asked.clear()
        try:
            site = self._read()
            outcome = apply(bus, site)
        except (ConfigError, RulesError) as error:
            log.error("the site file is not applied: %s", error)
            return
        except BusError as error:
            if self._quiet.due("server"):
                log.warning("the site file is applied once the server answers: %s", error)
            self._asked.set()
            return
        log.warning(
            "site file applied: %d cameras have new rules", sum(bool(one.changes) for one in outcome.cameras)
        )
        for key in needs_restart(self._running, site):
            log.warning("not in force before the next start: %s", key)

    def watch(self, connect: Callable[[], Bus], stop: threading.Event) -> None:
        """Follows in a thread of its own until `stop`, over a connection of its own."""

        def run() -> None:
            while not stop.wait(_POLL_S):
                if not self._asked.is_set():
                    continue
                try:
                    with contextlib.closing(connect()) as bus:
                        self.follow(bus)
                except ConfigError as error:
                    self._asked.clear()
                    log.error("the site file is not applied: %s", error)

        threading.Thread(target=run, name="hangup", daemon=True).start()
