"""Routes that are applied while the worker runs.

They are kept on the server, so that a worker that is started again within a running site finds them. They
hold no secret: channels are not among them.
"""

from __future__ import annotations

import logging
import threading

from pydantic import Field, ValidationError

from shared.bus import Bus, BusError
from shared.bus.streams import ALERT_RULES
from shared.config import ConfigError, Section
from shared.hours import Timezone
from workers.alert.config import Routing
from workers.alert.stage import Alert

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_PUT = "return redis.call('SET', KEYS[1], ARGV[1])"


class Applied(Section):
    """What may change while the worker runs, and by whose clock it is meant."""

    routing: Routing = Field(description="Routes, limit, and the page's address.")
    timezone: Timezone = Field(description="Of hours and of times in messages.")


def applied_of(routing: Routing, timezone: Timezone) -> Applied:
    """The part of a site file that can be applied; `routing` may be the whole section."""
    kept = {name: getattr(routing, name) for name in Routing.model_fields}
    return Applied(routing=Routing(**kept), timezone=timezone)


def stored(bus: Bus) -> Applied | None:
    """What was applied last; None before anything was, or where another version wrote it."""
    [text] = bus.ask([("GET", ALERT_RULES)])
    try:
        return Applied.model_validate_json(text) if text else None
    except ValidationError as error:
        log.error("applied alert rules cannot be read, are all workers of one version? %s", error)
        return None


def put(bus: Bus, applied: Applied) -> None:
    """Apply these; the alert worker follows within a second or two."""
    bus.evaluate(_PUT, ALERT_RULES, applied.model_dump_json())


class Follower(threading.Thread):
    """Brings a worker's rules up to what was applied, until stopped.

    Args:
        alert: the worker.
        bus: the server.
        started: the site file's.
        again: the site starts, so that its file counts; else what was applied since stays.
        stop: ends it.
    """

    def __init__(self, alert: Alert, bus: Bus, started: Applied, again: bool, stop: threading.Event) -> None:
        super().__init__(name="alert-rules", daemon=True)
        self._alert, self._bus, self._stop_event = alert, bus, stop
        self._used = started
        self._unpublished = again

    def run(self) -> None:
        """Looks until stopped."""
        while not self._stop_event.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except BusError as error:
                log.debug("alert rules: %s", error)

    def look(self) -> None:
        """One round.

        Raises:
            BusError: the server does not answer.
        """
        found = None if self._unpublished else stored(self._bus)
        if found is None:
            put(self._bus, self._used)
            self._unpublished = False
            return
        if found == self._used:
            return
        self._used = found
        try:
            self._alert.use(found.routing, found.timezone)
            log.info("other alert rules hold now: %d routes", len(found.routing.routes))
        except ConfigError as error:
            log.error("applied alert rules are not followed: %s", error)
