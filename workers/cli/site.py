"""The whole site file: every worker's section under one roof, and what one section must know of another."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, SecretStr, StringConstraints

from shared import config, embedded
from shared.bus import Bus
from shared.config import ConfigError, Section
from shared.hours import Timezone
from shared.messages import CAMERA_PATTERN
from shared.rules import Rules, RulesOptions
from workers.alert.config import AlertConfig
from workers.archive.config import ArchiveConfig, EvidenceConfig, Pictures
from workers.archive.config import CameraOptions as ArchiveCamera
from workers.classify.config import ClassifyConfig
from workers.incidents.config import IncidentsConfig
from workers.ingest.config import CameraOptions as IngestCamera
from workers.ingest.config import IngestConfig
from workers.pose.config import CameraOptions as PoseCamera
from workers.pose.config import PoseConfig, view_plan
from workers.pose.runtimes import choose, usual_image_size
from workers.pose.views import ViewPlan
from workers.serve.config import ServeConfig

CameraName = Annotated[str, StringConstraints(pattern=CAMERA_PATTERN)]
ROLES = ("ingest", "pose", "classify", "incidents", "archive", "serve", "alert")
# Most roles are one stage; who keeps things reads several streams.
_SEVERAL = {"archive": ("archive", "history", "evidence")}


def stages_of(role: str) -> tuple[str, ...]:
    """The stages that a process of a role runs, each a consumer group of its own."""
    return _SEVERAL.get(role, (role,))


class Camera(IngestCamera, PoseCamera, RulesOptions, ArchiveCamera):
    """One camera: where its video comes from, how it is looked at, what counts there, and what is shown."""


class BusConfig(Section):
    """The server that everything goes through."""

    url: SecretStr | None = Field(
        None,
        description="An external Redis 7+ or Valkey, as redis[s]://USER:PASSWORD@HOST:PORT/0. "
        "Absent: a server of our own on loopback, which `nexara up` starts.",
    )
    data: Path = Field(
        Path("nexara-data"), description="Where the embedded server, logs and verdicts are kept."
    )
    port: int = Field(0, ge=0, le=65535, description="The embedded server's port; 0: any free one.")
    max_memory: str = Field(
        "1gb", pattern=r"^\d+(mb|gb)$", description="The embedded server's memory bound, as 512mb or 2gb."
    )


class MetricsConfig(Section):
    """Prometheus metrics, one HTTP port for each worker process."""

    host: str = Field("127.0.0.1", description="Address to serve on.")
    port: int = Field(
        9108, ge=0, le=65500, description="First port; `nexara up` gives each worker the next one. 0: none."
    )


class Processes(Section):
    """How many processes of each role `nexara up` starts on this machine."""

    ingest: int = Field(1, ge=0, le=64, description="Ingest processes.")
    pose: int = Field(1, ge=0, le=64, description="Pose processes: one for each GPU; one uses all CPU cores.")
    classify: int = Field(1, ge=0, le=64, description="Classify processes.")
    incidents: int = Field(1, ge=0, le=64, description="Incidents processes.")
    archive: int = Field(1, ge=0, le=1, description="Archive processes: the log is written by one.")
    serve: int = Field(1, ge=0, le=1, description="Serve processes: the page has one port. 0: no page.")
    alert: int = Field(1, ge=0, le=1, description="Alert processes: each channel has one sender.")


class Site(Section):
    """A site file: its own keys, and a section for each part of the fleet."""

    name: str = Field("site", max_length=64, description="The site's name, for people.")
    timezone: Timezone = Field(
        "UTC", description="The site's clock, as Europe/Berlin: for zones' hours and for messages to people."
    )
    cameras: dict[CameraName, Camera] = Field(
        min_length=1, description="The cameras, by name: at most 63 letters, digits, - and _."
    )
    bus: BusConfig = Field(default_factory=BusConfig, description="The server that everything goes through.")
    processes: Processes = Field(default_factory=Processes, description="Processes on this machine.")
    ingest: IngestConfig = Field(default_factory=IngestConfig, description="The ingest worker.")
    pose: PoseConfig = Field(default_factory=PoseConfig, description="The pose worker.")
    classify: ClassifyConfig = Field(default_factory=ClassifyConfig, description="The classify worker.")
    incidents: IncidentsConfig = Field(default_factory=IncidentsConfig, description="The incidents worker.")
    archive: ArchiveConfig = Field(default_factory=ArchiveConfig, description="The archive worker.")
    evidence: EvidenceConfig = Field(
        default_factory=EvidenceConfig, description="Snapshots and clips of incidents, which archive makes."
    )
    serve: ServeConfig = Field(default_factory=ServeConfig, description="The serve worker: the site's page.")
    alert: AlertConfig = Field(
        default_factory=AlertConfig, description="The alert worker: who is told of incidents, and how."
    )
    metrics: MetricsConfig = Field(default_factory=MetricsConfig, description="Prometheus metrics.")

    @property
    def live_cameras(self) -> list[str]:
        """Cameras that cannot wait."""
        return [name for name, camera in self.cameras.items() if camera.live]

    def view_plans(self) -> dict[str, ViewPlan]:
        """What the net is shown of each camera's images."""
        usual = usual_image_size(choose(self.pose.runtime))
        return {name: view_plan(self.pose, camera, usual) for name, camera in self.cameras.items()}

    def ingest_cameras(self) -> dict[str, IngestCamera]:
        """The cameras as ingest sees them: pictures no wider than the detector needs."""
        plans = self.view_plans()
        return {
            name: camera.model_copy(update={"max_width": camera.max_width or plans[name].least_width})
            for name, camera in self.cameras.items()
        }

    def rules(self) -> dict[str, Rules]:
        """Each camera's rules, whole: what a camera does not say is as the section classify says."""
        pair, scene = self.classify.pair(), self.classify.scene_threshold
        return {
            name: Rules(
                primary_threshold=camera.primary_threshold or pair.primary,
                veto_threshold=camera.veto_threshold or pair.veto,
                scene_threshold=camera.scene_threshold or scene,
                shadow=camera.shadow,
                zones=camera.zones,
                timezone=self.timezone,
            )
            for name, camera in self.cameras.items()
        }

    @property
    def verdict_directory(self) -> Path:
        """Where the archive keeps its logs."""
        return self.archive.directory or self.bus.data / "verdicts"

    @property
    def evidence_directory(self) -> Path:
        """Where the archive keeps snapshots and clips of incidents."""
        return self.evidence.directory or self.verdict_directory / "evidence"

    @property
    def ring_directory(self) -> Path:
        """Where ingest keeps the last pictures of cameras whose evidence shows pictures."""
        return self.ingest.ring_directory or self.bus.data / "ring"

    def evidence_pictures(self) -> dict[str, Pictures]:
        """What the evidence of each camera shows."""
        if not self.evidence.enabled:
            return {}
        return {name: camera.evidence or self.evidence.pictures for name, camera in self.cameras.items()}

    def pictured_cameras(self) -> frozenset[str]:
        """The cameras whose pictures ingest keeps on its disk."""
        return frozenset(name for name, shown in self.evidence_pictures().items() if shown != "skeleton")

    @property
    def serve_directory(self) -> Path:
        """What the serve worker leaves for people: the page's address, the first user's password."""
        return self.bus.data / "serve"

    @property
    def database_url(self) -> str:
        """Where the archive keeps verdicts and incidents for searching."""
        if self.archive.database is not None:
            return self.archive.database.get_secret_value()
        return f"sqlite:///{(self.verdict_directory / 'archive.db').absolute()}"

    def bus_url(self) -> str:
        """The server's URL.

        Raises:
            ConfigError: none is configured and no embedded one runs here.
        """
        return self.bus.url.get_secret_value() if self.bus.url else embedded.find(self.bus.data)

    def connect(self) -> Bus:
        """A bus that has answered once.

        Raises:
            ConfigError: no server is configured or running here.
            BusError: it does not answer.
        """
        bus = Bus(self.bus_url(), live=self.live_cameras)
        bus.ping()
        return bus


def load(path: Path, overrides: Mapping[str, str] | None = None) -> Site:
    """The site in a file; relative paths in it are meant from the working directory.

    Args:
        path: the file.
        overrides: values that stand in for the file's, as `compose` takes them.

    Raises:
        ConfigError: names the first mistake.
    """
    return config.build(compose(path, (), overrides or {}), Site, str(path))


def compose(site: Path | None, videos: Sequence[Path], overrides: Mapping[str, str]) -> dict[str, Any]:
    """The site file's contents, or those of a site made of video files, with `section.key: value` overrides.

    `${ENV}` references stay as they are, so that the result can be written down without secrets.

    Raises:
        ConfigError: the file cannot be read, or an override leads nowhere.
    """
    if site is not None:
        data = config.read(site)
    else:
        cameras: dict[str, Any] = {}
        for video in videos:
            cameras[_camera_name(video, cameras)] = {"source": os.fspath(video.resolve())}
        data = {"name": "videos", "cameras": cameras, "metrics": {"port": 0}, "serve": {"port": 0}}
    for key, text in overrides.items():
        _put(data, key, text)
    return data


def _camera_name(video: Path, taken: Mapping[str, Any]) -> str:
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in video.stem).strip(
        "_"
    )
    stem = (stem or "video")[:56]
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def _put(data: dict[str, Any], key: str, text: str) -> None:
    *sections, name = key.split(".")
    place = data
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {key}: '{section}' is no section")
        place = inner
    try:
        place[name] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {key}: value is not YAML") from error
