"""What a site file may say about the archive worker."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from shared.config import Section

# What evidence shows behind the skeletons: nothing, the picture with blurred heads, or the picture.
Pictures = Literal["skeleton", "blurred", "pixels"]


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

    keep_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        description="Rows of verdicts are removed from the database so many days after they were stored. The "
        "logs are not touched.",
    )
    keep_incidents_days: float = Field(
        365.0,
        gt=0,
        le=36_500,
        description="Incidents are removed so many days after they were stored, with their evidence.",
    )

    @property
    def chain_secret(self) -> bytes:
        """The chain's key in bytes; empty if there is none."""
        return self.chain_key.get_secret_value().encode() if self.chain_key else b""


class CameraOptions(Section):
    """What one camera's evidence shows."""

    evidence: Pictures | None = Field(
        None, description="What this camera's evidence shows, instead of `evidence.pictures`."
    )


class EvidenceConfig(Section):
    """Snapshots and clips of incidents: skeletons on black, unless the site says otherwise."""

    enabled: bool = Field(True, description="Make them; without it, only what is too old is removed.")
    directory: Path | None = Field(
        None, description="Where they are kept; absent: 'evidence' beside the verdict logs."
    )
    pictures: Pictures = Field(
        "skeleton",
        description="What they show behind the skeletons. skeleton: nothing. blurred: the camera's picture "
        "with the heads of all that were detected blurred. pixels: the camera's picture. For the last two, "
        "ingest keeps the last pictures on its disk: see `ingest.ring_directory`.",
    )
    snapshot: bool = Field(True, description="Make a picture at once when an incident begins.")
    tracks: bool = Field(
        True,
        description="Keep an incident's tracks in a file beside its clip, for `nexara replay` and `nexara "
        "calibrate`.",
    )
    before_s: float = Field(
        5.0, ge=0, le=60, description="A clip begins so many seconds before its incident."
    )
    after_s: float = Field(
        5.0, ge=0, le=20, description="And ends so many seconds after the incident's last violent verdict."
    )
    longest_s: float = Field(
        120.0, ge=1, le=600, description="Of a longer incident, a clip shows the first so many seconds."
    )
    keep_days: float = Field(
        30.0,
        gt=0,
        le=36_500,
        description="They are removed so many days after they were made, unless their incident was "
        "acknowledged or labelled: then with the incident.",
    )
    keep_gb: float = Field(
        20.0, gt=0, le=1e6, description="The oldest ones go where all together are more than so many GB."
    )

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        if self.longest_s <= self.before_s:
            raise ValueError(
                f"longest_s {self.longest_s:g} ends before the incident begins: more than before_s "
                f"{self.before_s:g}"
            )
        return self
