"""`nexara apply`: a changed site file takes effect while the fleet runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import click

from shared.bus import Bus
from shared.config import ConfigError
from shared.messages import Message, MessageError, decode
from shared.rulebook import RulesError
from workers.cli.applying import CameraChange, needs_restart
from workers.cli.applying import apply as put
from workers.cli.options import RUNNING_SITE, SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.site import Site, load

_POLL_S = 0.1


@click.command()
@click.argument("site_file", metavar="SITE.yaml", type=SITE_PATH, envvar=SITE_VARIABLE)
@set_option
@click.option("--data", type=click.Path(path_type=Path), help="Data directory: short for --set bus.data=DIR.")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 600), default=5.0, show_default=True,
    help="Seconds to wait for the first frames that are judged by it.",
)  # fmt: skip
def apply(site_file: Path, overrides: tuple[str, ...], data: Path | None, wait_s: float) -> None:
    """Put thresholds, zones, shadow mode and alert rules of a changed SITE.yaml into force. No frame is lost.

    Each camera follows with its next frame. What else has changed is named: it needs a restart.
    """
    changed = changes(overrides)
    if data is not None:
        changed["bus.data"] = str(data)
    site = load(site_file, changed)
    bus = site.connect()
    with contextlib.closing(bus):
        try:
            outcome = put(bus, site)
        except RulesError as error:
            raise ConfigError(f"{site_file}: {error}") from error
        seen = _first_frames(bus, outcome.cameras, wait_s)
    for one in outcome.cameras:
        click.echo(f"{one.camera}: {_told(one, seen.get(one.camera))}")
    click.echo(f"alerts: {'other rules hold' if outcome.alerts else 'nothing changes'}")
    for key in _restarts(site):
        click.echo(f"not in force before the fleet is started again: {key}")


def _told(one: CameraChange, frame: int | None) -> str:
    if not one.changes:
        return "nothing changes"
    when = "from its next frame on" if frame is None else f"in force, seen at frame {frame}"
    return f"{'; '.join(one.changes)} ({when})"


def _first_frames(bus: Bus, applied: Sequence[CameraChange], wait_s: float) -> dict[str, int]:
    """Of each camera that changes, the number of a frame that was followed by the new rules."""
    seen: dict[str, int] = {}
    waiting = {one.camera: one.digest for one in applied if one.changes}
    until_s = time.monotonic() + wait_s
    while waiting.keys() - seen.keys() and time.monotonic() < until_s:
        for camera in waiting.keys() - seen.keys():
            newest = _newest(bus, camera)
            if newest is not None and newest.rules == waiting[camera]:
                seen[camera] = newest.number
        time.sleep(_POLL_S)
    return seen


def _newest(bus: Bus, camera: str) -> Message | None:
    for _, payload in bus.page("tracks", camera, "+", 1, backwards=True):
        with contextlib.suppress(MessageError):
            return decode(payload)
    return None


def _restarts(site: Site) -> list[str]:
    """What a fleet that `nexara up` runs here was started with otherwise; nothing of one elsewhere."""
    running = site.bus.data / RUNNING_SITE
    return needs_restart(load(running), site) if site.bus.url is None and running.exists() else []
