"""The archive stage: Verdicts in, JSON lines out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.config import ConfigError
from shared.messages import Mark, Message, Verdicts
from shared.stage import BadInput, Stage
from workers.archive import metrics
from workers.archive.config import ArchiveConfig
from workers.archive.log import VerdictLog


def build_stage(config: ArchiveConfig, directory: Path) -> Stage[Verdicts, None, None, Verdicts]:
    """The stage that keeps verdicts under `directory`.

    Raises:
        ConfigError: the directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError(
            f"archive.directory: {directory}: cannot be written: {error.strerror}: choose another"
        ) from error
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
            camera, VerdictLog(directory / f"{camera}.jsonl", config.fsync, config.lock_timeout_s)
        )
        with metrics.WRITE_SECONDS.time():
            written = log.append(verdicts)
        metrics.WRITTEN.labels(camera).inc(written)

    return Stage(
        name="archive",
        reads="verdicts",
        writes="",
        settings="",
        initial=lambda _camera, _generation: None,
        prepare=_prepare,
        advance=_advance,
        mark=_mark,
        deliver=deliver,
        max_batch=64,
        max_wait_ms=0.0,
    )


def _prepare(message: Message) -> Verdicts:
    if not isinstance(message, Verdicts):
        raise BadInput(f"expected verdicts, got {type(message).__name__}")
    return message


def _advance(_state: None, item: Verdicts, _seen: None) -> tuple[None, Verdicts]:
    return None, item


def _mark(_state: None, _mark: Mark) -> tuple[None, None]:
    """Marks are no verdicts; the log does not hold them."""
    return None, None
