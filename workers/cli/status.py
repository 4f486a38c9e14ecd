"""`nexara status`: who owns which camera, how far behind, how fast."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from shared.bus import Bus
from shared.bus.streams import STAGES, frames_dropped
from workers.cli.options import site_options
from workers.cli.progress import last_record


@dataclass(frozen=True)
class CameraStatus:
    """One camera's counters since its state was created.

    Attributes:
        source: what came last of it: frame, "no frame" (it is silent), end, or "" if nothing did.
        frames, tracked, judged: records; silence has some, too, one a second.
        pose_lag: frames that pose has not taken yet.
    """

    camera: str
    source: str
    frames: int
    tracked: int
    judged: int
    dropped: dict[str, int]
    dead: int
    pose_lag: int
    fps: float
    owners: dict[str, str]

    @property
    def dropped_total(self) -> int:
        """Frames dropped, for all reasons."""
        return sum(self.dropped.values())


def observe(bus: Bus, cameras: list[str], over_s: float = 1.0) -> list[CameraStatus]:
    """The cameras' state now; the rate is measured over `over_s` seconds."""
    before = {camera: _count(bus.counters("pose", camera), "read") for camera in cameras}
    started = time.monotonic()
    time.sleep(over_s)
    return [_observe_one(bus, camera, before[camera], time.monotonic() - started) for camera in cameras]


def _observe_one(bus: Bus, camera: str, before: int, passed_s: float) -> CameraStatus:
    ingest, pose, classify, incidents = (
        bus.counters(stage, camera) for stage in ("ingest", "pose", "classify", "incidents")
    )
    dropped = frames_dropped(ingest)
    tracked = _count(pose, "read")
    source = last_record(bus, camera, pose.get("cursor", "0-0"))
    return CameraStatus(
        camera=camera,
        source=source,
        frames=_count(ingest, "added"),
        tracked=tracked,
        judged=_count(classify, "read"),
        dropped=dropped,
        dead=sum(_count(counters, "dead") for counters in (ingest, pose, classify, incidents)),
        pose_lag=bus.lags("pose", "frames", [camera])[camera],
        fps=0.0 if source == "no frame" else (tracked - before) / passed_s,
        owners={stage: bus.owner(stage, camera) for stage in STAGES},
    )


def _count(counters: dict[str, str], name: str) -> int:
    return int(counters.get(name, 0))


@click.command()
@site_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a camera.")
def status(site: Any, as_json: bool) -> None:
    """Show owners, lag, rate, drops and dead letters of each camera."""
    cameras = observe(site.connect(), site.choose(()))
    if as_json:
        for camera in cameras:
            click.echo(json.dumps(asdict(camera)))
        return
    table = Table(box=None, header_style="bold")
    for heading in (
        "camera",
        "source",
        "fps",
        "records",
        "tracked",
        "judged",
        "behind",
        "dropped",
        "dead",
        "owner of pose",
    ):
        table.add_column(
            heading, justify="left" if heading in ("camera", "source", "owner of pose") else "right"
        )
    for camera in cameras:
        table.add_row(
            camera.camera,
            camera.source or "nothing yet",
            f"{camera.fps:.1f}",
            *map(str, (camera.frames, camera.tracked, camera.judged, camera.pose_lag)),
            str(camera.dropped_total),
            str(camera.dead),
            camera.owners["pose"] or "nobody",
        )
    Console().print(table)
