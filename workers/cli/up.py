"""`nexara up`: the whole fleet on this machine, kept running, shown as it runs."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click
import yaml

from shared import embedded
from shared.bus import Bus, BusError
from shared.config import ConfigError, build
from workers.archive.log import set_aside
from workers.cli.check import check_site
from workers.cli.hangup import Hangup
from workers.cli.options import RUNNING_SITE, SITE_PATH, changes, set_option
from workers.cli.progress import Progress
from workers.cli.show import Display
from workers.cli.site import Site, compose, load
from workers.cli.supervisor import Supervisor
from workers.serve.config import ADDRESS_FILE

log = logging.getLogger(__name__)

_POLL_S = 0.25
# Prometheus reads this file (configs/prometheus/local.yaml).
TARGETS = "targets.json"


@click.command()
@click.argument("site_file", metavar="[SITE.yaml]", required=False, type=SITE_PATH)
@click.option(
    "--video", "videos", multiple=True, type=click.Path(path_type=Path), help="A video file as a camera."
)
@click.argument("more_videos", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Pose weights: short for --set pose.weights=FILE."
)
@set_option
@click.option("--data", type=click.Path(path_type=Path), help="Data directory: short for --set bus.data=DIR.")
@click.option("--until-eof", is_flag=True, help="Stop when every file has been judged to its end.")
@click.option("--seconds", type=float, default=None, help="Stop after this long.")
@click.option(
    "--fresh", is_flag=True, help="Forget what is stored of these cameras; old logs are moved aside."
)
def up(
    site_file: Path | None,
    videos: tuple[Path, ...],
    more_videos: tuple[Path, ...],
    weights: Path | None,
    overrides: tuple[str, ...],
    data: Path | None,
    until_eof: bool,
    seconds: float | None,
    fresh: bool,
) -> None:
    """Run the whole fleet here, for a SITE.yaml or for video files.

    \b
    nexara up site.yaml
    nexara up --video lobby.mp4 yard.mp4 --weights yolo26n-pose.pt --until-eof

    Workers that die are started again; what they had not stored is done again, once. Ctrl-C ends it all.
    """  # noqa: D301
    if videos and site_file is not None:
        videos, site_file = (*videos, site_file), None
    videos = (*videos, *more_videos)
    if (site_file is None) == (not videos):
        raise ConfigError("up: give either SITE.yaml or --video FILE...: see nexara up --help")
    changed = changes(overrides)
    if weights is not None:
        changed["pose.weights"] = str(weights.absolute() if weights.exists() else weights)
    if data is not None:
        changed["bus.data"] = str(data)
    where = str(site_file or "--video")

    def contents() -> dict[str, Any]:
        return compose(site_file, videos, changed)

    run_site(contents, where, until_eof=until_eof, seconds=seconds, fresh=fresh)


class Watcher(Protocol):
    """Looks on while a site runs."""

    def update(self) -> None:
        """Called again and again, and once at the end."""


Watching = TypeVar("Watching", bound=Watcher)


def run_site(
    contents: Callable[[], dict[str, Any]],
    where: str,
    *,
    until_eof: bool,
    seconds: float | None,
    fresh: bool,
    also: Callable[[Bus, Supervisor], Watching] | None = None,
    at_end: Callable[[Progress, Watching], None] | None = None,
) -> None:
    """Runs a site's contents until end, time or Ctrl-C.

    Args:
        contents: reads those of the site file, again after each SIGHUP.
        where: what it is called in errors.
        until_eof: stop when every recording has been judged to its end.
        seconds: stop after this long.
        fresh: forget what is stored of these cameras.
        also: makes one more who looks on.
        at_end: is given them when the site has run.

    Raises:
        ConfigError: something the user can mend.
    """
    started_with = contents()
    directory = _data_directory(started_with)
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        path = directory / RUNNING_SITE
        site = _resolved(started_with, where, path)
        check_site(site)
        for name, camera in site.cameras.items():
            if until_eof and not camera.recorded:
                raise ConfigError(f"--until-eof: {name} is a live camera and never ends: use --seconds")
        stop = _stop_on_signals(stack)
        hangup = stack.enter_context(Hangup(site, lambda: build(contents(), Site, where)))
        if site.bus.url is None:
            stack.enter_context(embedded.running(site.bus.data, site.bus.max_memory, site.bus.port))
        bus = stack.enter_context(contextlib.closing(site.connect()))
        if fresh:
            _forget(bus, site)
        (site.serve_directory / ADDRESS_FILE).unlink(missing_ok=True)
        supervisor = stack.enter_context(Supervisor(site, path, directory / "logs", bus).running())
        _tell_prometheus(directory / TARGETS, supervisor)
        display = stack.enter_context(Display(site))
        watcher = also(bus, supervisor) if also is not None else None
        progress = _watch(site, bus, supervisor, display, stop, hangup, until_eof, seconds, watcher)
        if watcher is not None and at_end is not None:
            at_end(progress, watcher)


def _tell_prometheus(path: Path, supervisor: Supervisor) -> None:
    """Says where the workers' metrics are; stays when the fleet ends, so that its absence is noticed."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(supervisor.targets(), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def _data_directory(contents: dict[str, Any]) -> Path:
    bus = contents.get("bus")
    return Path(str(bus.get("data", "nexara-data"))) if isinstance(bus, dict) else Path("nexara-data")


def _resolved(contents: dict[str, Any], where: str, path: Path) -> Site:
    """Writes the site down for the workers, `${ENV}` references unresolved, and loads it."""
    text = yaml.safe_dump(contents, sort_keys=False)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    try:
        site = load(draft)
    except ConfigError as error:
        draft.unlink()
        raise ConfigError(str(error).replace(str(draft), where)) from None
    draft.replace(path)
    return site


def _stop_on_signals(stack: contextlib.ExitStack) -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        previous = signal.signal(number, lambda *_: stop.set())
        stack.callback(signal.signal, number, previous)
    return stop


def _forget(bus: Bus, site: Site) -> None:
    for camera in site.cameras:
        bus.forget(camera)
    for old in set_aside(site.verdict_directory):
        log.info("old verdict log moved to %s", old)


def _watch(
    site: Site,
    bus: Bus,
    supervisor: Supervisor,
    display: Display,
    stop: threading.Event,
    hangup: Hangup,
    until_eof: bool,
    seconds: float | None,
    watcher: Watcher | None,
) -> Progress:
    progress = Progress(bus, list(site.cameras), alerts=site.processes.alert > 0)
    started = time.monotonic()
    while not stop.wait(_POLL_S):
        supervisor.revive()
        if hangup.abandoned:
            break
        hangup.follow(bus)
        try:
            progress.update()
            if watcher is not None:
                watcher.update()
        except BusError as error:
            log.info("progress: %s", error)
            continue
        display.show(progress, supervisor)
        display.tell_page()
        if until_eof and progress.ended:
            break
        if seconds is not None and time.monotonic() - started >= seconds:
            break
    with contextlib.suppress(BusError):
        progress.update()
        if watcher is not None:
            watcher.update()
    display.finish(progress)
    return progress
