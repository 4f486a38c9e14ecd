"""The archive's stage that makes evidence: Incidents to snapshots, clips and recordings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from shared.bus import Bus
from shared.messages import Incident, Incidents, Message
from shared.stage import Stage
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence.folder import Folder
from workers.archive.evidence.maker import Maker, Told
from workers.archive.evidence.pictures import Views
from workers.archive.evidence.workbench import Workbench
from workers.archive.stage import check, sink
from workers.archive.store import Store
from workers.archive.sweep import Sweeper

# The loop takes who is silent for a minute for dead; a clip with pictures may take longer.
_BUSY_S, _REST_S = 15.0, 0.5


def build_evidence(
    config: EvidenceConfig,
    archive: ArchiveConfig,
    directory: Path,
    database_url: str,
    bus: Bus,
    views: Views | None = None,
) -> Stage[Any, None, None, Any]:
    """The stage that makes evidence, and removes what is too old.

    Args:
        config: what is made.
        archive: how long incidents are kept.
        directory: where evidence lies.
        database_url: where its rows are.
        bus: where tracks are.
        views: what is shown of each camera; skeletons where absent.

    Raises:
        ConfigError: the directory cannot be made or written, or the database's URL is none.
    """
    if config.enabled:
        check(directory, "evidence.directory")
    folder = Folder(directory)
    folder.clean()
    store = Store(database_url, archive.fsync)
    stop = threading.Event()
    maker = Maker(config, views or Views(), folder, store, bus, stop)
    workbench = Workbench(_BUSY_S, _REST_S)
    sweeper = Sweeper(config, archive, folder, store, stop)

    def deliver(camera: str, records: Sequence[tuple[str, Message]]) -> None:
        for entry_id, record in records:
            if isinstance(record, Incidents) and config.enabled:
                for incident in record.incidents:
                    _attend(maker, workbench, camera, (entry_id, record), incident)

    def close() -> None:
        stop.set()
        workbench.close()
        sweeper.join(1.0)
        store.close()

    sweeper.start()
    return sink("evidence", "incidents", Incidents, deliver, close)


def _attend(maker: Maker, workbench: Workbench, camera: str, told: Told, incident: Incident) -> None:
    """Makes what a change of an incident asks for; keeps what a later one will."""
    for kind, span in maker.due(told[1], incident):
        if not maker.is_made(incident.incident_id, kind):
            work = partial(maker.make, told, incident, kind, span)
            workbench.do((incident.incident_id, kind), work)
        elif kind == "clip":
            maker.forget(camera, incident.incident_id)
    if incident.change != "end":
        maker.keep(told, incident)
