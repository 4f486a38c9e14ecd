"""Keeps what the page needs up to date, in a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from shared.bus import BusError, BusRefusedError
from shared.config import ConfigError
from shared.store.database import DatabaseAwayError
from workers.serve import drawn, people
from workers.serve.config import ADDRESS_FILE
from workers.serve.first import ensure_somebody, write_whole
from workers.serve.live import wire
from workers.serve.live.follower import Follower
from workers.serve.live.hub import EVERYWHERE
from workers.serve.observer import LOOK_EVERY_S
from workers.serve.services import Services

log = logging.getLogger(__name__)

# Longer than any call to the server or the database may take.
_HANGS_S = 30.0


class Care:
    """Keeps what the page needs up to date: the tables, the first user, the last look at the fleet.

    Attributes:
        broken: what will not mend by itself.
    """

    def __init__(self, services: Services, folder: Path, address: str) -> None:
        self._services = services
        self._follower = Follower(
            services.bus,
            services.hub,
            services.observer,
            services.place.cameras,
            pictures=services.config.picture == "picture",
        )
        self._folder = folder
        self._address = address
        self._ready = False
        self._told = ""
        self._turned_at = time.monotonic()
        self._problem = "is starting"
        self.broken: Exception | None = None

    @property
    def problem(self) -> str:
        """What keeps the page from working, "" if nothing does."""
        silent_s = max(time.monotonic() - self._turned_at, self._follower.silent_s)
        return f"hangs for {silent_s:.0f} s" if silent_s > _HANGS_S else self._problem

    @contextlib.contextmanager
    def running(self, stop: threading.Event) -> Iterator[None]:
        """Works in two threads of its own until the context ends."""
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._run, args=(stop, ended), name="care", daemon=True),
            threading.Thread(target=self._follower.run, args=(ended,), name="follower", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join(1.0)

    def _run(self, stop: threading.Event, ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                self._problem = self._turn()
            except (ConfigError, BusRefusedError) as error:
                self.broken = error
                stop.set()
                return
            except Exception as error:
                log.exception("care")
                self._problem = str(error)
            self._turned_at = time.monotonic()
            ended.wait(LOOK_EVERY_S)

    def _turn(self) -> str:
        server = database = ""
        try:
            self._look_at_database()
        except DatabaseAwayError as error:
            database = str(error)
        try:
            self._services.observer.look()
            if not database:
                drawn.bring_up_to_date(self._services)
        except BusRefusedError:
            raise
        except BusError as error:
            server = str(error)
        self._tell(wire.health(server=not server, database=not database))
        return "; ".join(filter(None, (database, server)))

    def _look_at_database(self) -> None:
        here = self._services
        if not self._ready:
            here.database.migrate()
            ensure_somebody(here.database, here.passwords, self._folder, here.clock())
            write_whole(self._folder / ADDRESS_FILE, self._address)
            log.info("the page is at %s", self._address)
            self._ready = True
        with here.database.reading() as connection:
            people.count_users(connection)

    def _tell(self, health: str) -> None:
        """Tells all live views, when it has changed."""
        if health != self._told:
            self._services.hub.tell_newest("health", EVERYWHERE, [health])
            self._told = health
