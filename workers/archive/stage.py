"""The archive's stages that keep what comes: Verdicts as JSON lines and rows, Incidents as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shared.config import ConfigError
from shared.messages import Incidents, Message, Verdicts
from shared.stage import BadInput, Stage, TryLater
from workers.archive import metrics
from workers.archive.config import ArchiveConfig
from workers.archive.log import LogError, VerdictLog
from workers.archive.store import Store
from workers.archive.writing import write_incidents, write_verdicts

Deliver = Callable[[str, Sequence[tuple[str, Message]]], None]


def build_stage(
    config: ArchiveConfig, directory: Path, database_url: str
) -> Stage[Verdicts, None, None, Verdicts]:
    """The stage that keeps verdicts: logs under `directory`, rows in a database.

    Raises:
        ConfigError: the directory cannot be made or written, or the database's URL is none.
    """
    check(directory, "archive.directory")
    store = Store(database_url, config.fsync)
    logs: dict[str, VerdictLog] = {}

    def deliver(camera: str, records: Sequence[tuple[str, Message]]) -> None:
        # A record without verdicts says that nobody is there: time for incidents, nothing to keep.
        verdicts = [
            (entry_id, record)
            for entry_id, record in records
            if isinstance(record, Verdicts) and record.verdicts
        ]
        if not verdicts:
            return
        log = logs.setdefault(
            camera,
            VerdictLog(
                directory / f"{camera}.jsonl", config.fsync, config.lock_timeout_s, config.chain_secret
            ),
        )
        try:
            with metrics.WRITE_SECONDS.time():
                written = log.append(verdicts)
        except LogError as error:
            raise TryLater(str(error)) from error
        metrics.WRITTEN.labels(camera).inc(written)
        stored = store.write(lambda to: write_verdicts(to, camera, verdicts))
        metrics.STORED.labels("verdicts", camera).inc(stored)

    return sink("archive", "verdicts", Verdicts, deliver, store.close)


def build_history(config: ArchiveConfig, directory: Path, database_url: str) -> Stage[Any, None, None, Any]:
    """The stage that keeps incidents: rows in a database.

    Raises:
        ConfigError: as `build_stage`.
    """
    check(directory, "archive.directory")
    store = Store(database_url, config.fsync)

    def deliver(camera: str, records: Sequence[tuple[str, Message]]) -> None:
        incidents = [(entry_id, record) for entry_id, record in records if isinstance(record, Incidents)]
        if incidents:
            stored = store.write(lambda to: write_incidents(to, camera, incidents))
            metrics.STORED.labels("incidents", camera).inc(stored)

    return sink("history", "incidents", Incidents, deliver, store.close)


def check(directory: Path, key: str) -> None:
    """Makes a folder that the site file's `key` names.

    Raises:
        ConfigError: it cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{key}: {directory}: cannot be written: {error.strerror}: choose another"
        ) from error


def sink(
    name: str, reads: str, kind: type[Message], deliver: Deliver, close: Callable[[], None]
) -> Stage[Any, None, None, Any]:
    """A stage that hands every record of a stream to `deliver`, and writes none."""

    def prepare(message: Message) -> Message:
        if not isinstance(message, kind):
            raise BadInput(f"expected {kind.__name__.lower()}, got {type(message).__name__}")
        return message

    return Stage(
        name=name,
        reads=reads,
        writes="",
        settings="",
        initial=lambda _camera, _generation: None,
        prepare=prepare,
        advance=lambda _state, item, _seen: (None, item),
        # Marks are neither verdicts nor incidents; a mark that ended incidents comes as Incidents.
        mark=lambda _state, _mark: (None, None),
        deliver=deliver,
        close=close,
        max_batch=64,
        max_wait_ms=0.0,
    )
