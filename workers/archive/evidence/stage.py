"""The archive's stage that makes evidence: Incidents to snapshots and clips."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from shared.bus import Bus
from shared.messages import Incidents, Message
from shared.stage import Stage, TryLater
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence.folder import Folder
from workers.archive.evidence.maker import Maker
from workers.archive.stage import check, sink
from workers.archive.store import Store
from workers.archive.sweep import Sweeper

# The loop takes who is silent for a minute for dead; one clip takes seconds.
_BUSY_S, _REST_S = 15.0, 0.5


def build_evidence(
    config: EvidenceConfig, archive: ArchiveConfig, directory: Path, database_url: str, bus: Bus
) -> Stage[Any, None, None, Any]:
    """The stage that makes evidence, and removes what is too old.

    Raises:
        ConfigError: the directory cannot be made or written, or the database's URL is none.
    """
    if config.enabled:
        check(directory, "evidence.directory")
    folder = Folder(directory)
    folder.clean()
    store = Store(database_url, archive.fsync)
    stop = threading.Event()
    maker = Maker(config, folder, store, bus, stop)
    patience = Patience(_BUSY_S, _REST_S)
    sweeper = Sweeper(config, archive, folder, store, stop)

    def deliver(_camera: str, records: Sequence[tuple[str, Message]]) -> None:
        for entry_id, record in records:
            if isinstance(record, Incidents) and config.enabled:
                make_due(entry_id, record)

    def make_due(entry_id: str, record: Incidents) -> None:
        for incident in record.incidents:
            for kind, span in maker.due(record, incident):
                if not maker.is_made(incident.incident_id, kind):
                    with patience.spent():
                        maker.make((entry_id, record), incident, kind, span)

    def close() -> None:
        stop.set()
        sweeper.join(1.0)
        store.close()

    sweeper.start()
    return sink("evidence", "incidents", Incidents, deliver, close)


class Patience:
    """How long the loop may be kept waiting at a time, over all cameras.

    Args:
        busy_s: no more work is begun after so long.
        rest_s: whoever did nothing for so long begins anew.
        clock: seconds, never backwards.
    """

    def __init__(self, busy_s: float, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._busy_s, self._rest_s, self._clock = busy_s, rest_s, clock
        self._began = self._ended = -rest_s

    @contextlib.contextmanager
    def spent(self) -> Iterator[None]:
        """A piece of work.

        Raises:
            TryLater: the loop must go round first.
        """
        now = self._clock()
        if now - self._ended >= self._rest_s:
            self._began = now
        if now - self._began > self._busy_s:
            raise TryLater("more evidence has to be made than there was time for: it goes on in a moment")
        try:
            yield
        finally:
            self._ended = self._clock()
