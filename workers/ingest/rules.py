"""What ingest does for rules: it puts the site file's on the server, and knows which hold now."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shared.bus import Bus
from shared.rulebook import RulesError, current, publish
from shared.rules import Rules

log = logging.getLogger(__name__)


class SiteRules:
    """The rules of a site's cameras.

    Args:
        bus: the server.
        rules: the site file's, of each camera.
        publish: the site starts, so that its file counts. A worker that is started again within a running
            site leaves what was applied since; it only fills in what a server has lost.
    """

    def __init__(self, bus: Bus, rules: Mapping[str, Rules], *, publish: bool) -> None:
        self._bus = bus
        self._rules = rules
        self._unpublished = set(rules) if publish else set()

    def now(self) -> dict[str, str]:
        """The digest of each camera's rules that hold now.

        Raises:
            BusError: the server does not answer.
        """
        digests = current(self._bus, list(self._rules))
        wanted = self._unpublished | {camera for camera, digest in digests.items() if not digest}
        if not wanted:
            return digests
        for camera in sorted(wanted):
            try:
                publish(self._bus, camera, "file", self._rules[camera])
            except RulesError as error:
                log.error("camera=%s goes on with the rules that hold: %s", camera, error)
            self._unpublished.discard(camera)
        return current(self._bus, list(self._rules))
