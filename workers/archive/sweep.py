"""Removes what is too old or too much: evidence, incidents, verdicts. The logs stay.

Files go before their rows, so that nothing is left that no row knows of, whenever it is killed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, or_, select, tuple_

from shared.stage import TryLater
from shared.store.tables import changes, evidence, incidents, steps
from workers.archive import metrics
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence.folder import Folder
from workers.archive.evidence.spool import Spools
from workers.archive.retention import Piece, outdated
from workers.archive.store import Store

log = logging.getLogger(__name__)

_EVERY_S = 600.0
_DAY_S, _GB = 86_400.0, 1e9
# Rows of one transaction: writers wait for it no longer than they do for each other.
_BATCH = 500
_BETWEEN_S = 0.05


class Sweeper(threading.Thread):
    """Sweeps at the start and every ten minutes.

    Args:
        config, archive: how long things are kept.
        folder, store: where they are.
        stop: ends it.
        clock: Unix time.
    """

    def __init__(
        self,
        config: EvidenceConfig,
        archive: ArchiveConfig,
        folder: Folder,
        store: Store,
        stop: threading.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name="archive-sweep", daemon=True)
        self._config, self._archive = config, archive
        self._folder, self._store = folder, store
        self._spools = Spools(folder.root, clock)
        self._stop_event, self._clock = stop, clock

    def run(self) -> None:
        """Sweeps until stopped. What fails is tried again the next time."""
        while not self._stop_event.is_set():
            try:
                self.sweep()
            except (TryLater, OSError) as error:
                metrics.SWEEPS_FAILED.inc()
                log.warning("archive: nothing old was removed this time: %s", error)
            except Exception:
                metrics.SWEEPS_FAILED.inc()
                log.exception("archive: nothing old was removed this time")
            self._stop_event.wait(_EVERY_S)

    def sweep(self) -> None:
        """One round.

        Raises:
            TryLater: the database is away.
            OSError: a file cannot be removed.
        """
        now = self._clock()
        self._in_batches(lambda: self._remove_steps(now - self._archive.keep_days * _DAY_S))
        self._in_batches(lambda: self._remove_incidents(now - self._archive.keep_incidents_days * _DAY_S))
        self._remove_evidence(now)
        metrics.REMOVED.labels("open", "age").inc(self._spools.remove_forgotten())

    def _in_batches(self, remove: Callable[[], int]) -> None:
        while remove() and not self._stop_event.wait(_BETWEEN_S):
            pass

    def _remove_steps(self, before: float) -> int:
        def remove(to: Connection) -> int:
            # In the order in which they were stored: no index is needed to find the oldest.
            rows = to.execute(select(steps.c.id, steps.c.stored_at).order_by(steps.c.id).limit(_BATCH))
            old = [row.id for row in rows if row.stored_at < before]
            # Their verdicts go with them.
            return to.execute(delete(steps).where(steps.c.id.in_(old))).rowcount if old else 0

        count = self._store.write(remove)
        metrics.REMOVED.labels("steps", "age").inc(count)
        return count

    def _remove_incidents(self, before: float) -> int:
        old = select(incidents.c.incident_id).where(incidents.c.stored_at < before).limit(_BATCH)
        gone = self._store.read(lambda to: list(to.execute(old).scalars()))
        files = select(evidence.c.path).where(evidence.c.incident_id.in_(gone), evidence.c.path.is_not(None))
        for path in self._store.read(lambda to: list(to.execute(files).scalars())):
            self._folder.remove(path)
            metrics.REMOVED.labels("evidence", "incident").inc()

        def remove(to: Connection) -> None:
            for table in (evidence, changes, incidents):
                to.execute(delete(table).where(table.c.incident_id.in_(gone)))

        if gone:
            self._store.write(remove)
        metrics.REMOVED.labels("incidents", "age").inc(len(gone))
        return len(gone)

    def _remove_evidence(self, now: float) -> None:
        pieces = self._pieces()
        gone = outdated(pieces, now, self._config.keep_days * _DAY_S, self._config.keep_gb * _GB)
        for first in range(0, len(gone), _BATCH):
            batch = gone[first : first + _BATCH]
            for piece, reason in batch:
                if piece.path is not None:
                    self._folder.remove(piece.path)
                    metrics.REMOVED.labels("evidence", reason).inc()
            self._forget([piece for piece, _ in batch if piece.incident_id])
            if self._stop_event.wait(_BETWEEN_S):
                return
        left = sum(piece.size for piece in pieces) - sum(piece.size for piece, _ in gone)
        metrics.EVIDENCE_BYTES.set(left)

    def _pieces(self) -> list[Piece]:
        """All files and rows. A file without a row is as old as it says: its database may be another one."""
        held = or_(incidents.c.acknowledged_at.is_not(None), incidents.c.label.is_not(None))
        query = select(evidence, held.label("held")).outerjoin(
            incidents, incidents.c.incident_id == evidence.c.incident_id
        )
        files = {file.path: file for file in self._folder.files()}
        pieces = []
        for row in self._store.read(lambda to: list(to.execute(query))):
            file = files.pop(row.path, None)
            pieces.append(
                Piece(
                    incident_id=row.incident_id,
                    kind=row.kind,
                    path=row.path,
                    size=file.size if file else 0,
                    made_at=row.made_at,
                    is_held=bool(row.held),
                )
            )
        return pieces + [
            Piece(path=file.path, size=file.size, made_at=file.written_at) for file in files.values()
        ]

    def _forget(self, pieces: Sequence[Piece]) -> None:
        keys = [(piece.incident_id, piece.kind) for piece in pieces]
        those = tuple_(evidence.c.incident_id, evidence.c.kind).in_(keys)
        if keys:
            self._store.write(lambda to: to.execute(delete(evidence).where(those)))
