"""What a site file may say about the archive worker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.config import Section


class ArchiveConfig(Section):
    """The archive worker: where verdicts are kept."""

    directory: Path | None = Field(
        None, description="One CAMERA.jsonl for each camera is kept here; absent: 'verdicts' under bus.data."
    )
    fsync: bool = Field(
        True,
        description="Write each batch of verdicts through to the disk before it counts as stored. Without "
        "it, a crash of the machine (not of the worker) may lose the last seconds.",
    )
    lock_timeout_s: float = Field(
        5.0, ge=0.1, le=60, description="How long to wait for a stalled writer to let go of a log."
    )
