"""What a site file may say about the archive worker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from shared.config import Section


class ArchiveConfig(Section):
    """The archive worker: where verdicts are kept."""

    directory: Path | None = Field(
        None, description="One CAMERA.jsonl for each camera is kept here; absent: 'verdicts' under bus.data."
    )
    database: SecretStr | None = Field(
        None,
        description="Where verdicts and incidents are kept for searching: sqlite:///FILE or "
        "postgresql://USER:PASSWORD@HOST/NAME; absent: archive.db beside the logs.",
    )
    fsync: bool = Field(
        True,
        description="Write each batch of verdicts through to the disk before it counts as stored. Without "
        "it, a crash of the machine (not of the worker) may lose the last seconds.",
    )
    lock_timeout_s: float = Field(
        5.0, ge=0.1, le=60, description="How long to wait for a stalled writer to let go of a log."
    )
    chain_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="The secret of the logs' chains, as ${NEXARA_CHAIN_KEY}: `nexara verify-log` then finds "
        "lines changed by whoever does not have it. Absent: who can write a log can compute its chain anew.",
    )

    @property
    def chain_secret(self) -> bytes:
        """The chain's key in bytes; empty if there is none."""
        return self.chain_key.get_secret_value().encode() if self.chain_key else b""
