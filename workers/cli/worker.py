"""`nexara worker ROLE`: one worker process; `nexara up` starts one for each role."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path

import click

from shared import health, machine
from shared.bus import Bus, BusError, BusRefusedError
from shared.config import ConfigError
from shared.health import Pulse
from shared.loop import Loop
from shared.rulebook import RuleBook
from shared.stage import Stage
from workers.cli.hangup import Hangup
from workers.cli.options import SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.site import ROLES, Site, load, stages_of

log = logging.getLogger(__name__)


@click.command()
@click.argument("roles", metavar="ROLE[,ROLE...]")
@click.option(
    "--site",
    "site_file",
    required=True,
    type=SITE_PATH,
    envvar=SITE_VARIABLE,
    help="The site file.",
)
@click.option(
    "--name", default="", help="This worker's name in leases and logs; by default host and process."
)
@set_option
@click.option("--again/--resume", default=True, help="Play files that have ended again, or leave them ended.")
def worker(roles: str, site_file: Path, name: str, overrides: tuple[str, ...], again: bool) -> None:
    """Run one worker, or several roles in one process.

    The roles are ingest, pose, classify, incidents, archive, serve and alert.
    """
    names = roles.split(",")
    for role in names:
        if role not in ROLES:
            raise ConfigError(f"role '{role}' is none of {', '.join(ROLES)}")
    site = load(site_file, changes(overrides))
    hangup = Hangup(site, lambda: load(site_file, changes(overrides)))
    pulses = {stage: Pulse(stage) for role in names for stage in stages_of(role)}
    if site.metrics.port:
        machine.watch()
        health.serve(site.metrics.host, site.metrics.port, list(pulses.values()))
    name = name or f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    with hangup:
        run(site, pulses, name, again, hangup)


def run(site: Site, pulses: Mapping[str, Pulse], name: str, again: bool, hangup: Hangup) -> None:
    """Runs stages until SIGTERM or SIGINT, a thread and a connection each.

    Args:
        site: the site.
        pulses: the stages, and where each shows that it lives.
        name: this worker's name in leases and logs.
        again: play files that have ended again.
        hangup: reads the site file again when it is asked for.

    Raises:
        ConfigError: a stage cannot start with this site.
        StageFailedError: a stage is broken; the supervisor starts a new process.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    hangup.watch(lambda: Bus(site.bus_url(), live=site.live_cameras), stop)
    errors: list[Exception] = []

    def guarded(stage: str) -> None:
        try:
            _run_stage(site, pulses[stage], name, stop, again)
        except Exception as error:
            if not isinstance(error, (ConfigError, BusRefusedError)):
                log.exception("stage=%s ended", stage)
            errors.append(error)
        stop.set()

    with contextlib.ExitStack() as stack:
        first, *others = pulses
        for stage in others:
            thread = threading.Thread(target=guarded, args=(stage,), name=stage, daemon=True)
            thread.start()
            stack.callback(thread.join, 1.0)
        guarded(first)
    if errors:
        raise errors[0]


def _run_stage(site: Site, pulse: Pulse, name: str, stop: threading.Event, again: bool) -> None:
    bus = Bus(site.bus_url(), live=site.live_cameras)
    with contextlib.closing(bus):
        _greet(bus)
        if pulse.role == "ingest":
            from workers.ingest import worker as ingest
            from workers.ingest.ring import RingPlan

            ring = RingPlan(
                root=site.ring_directory,
                cameras=site.pictured_cameras(),
                keep_s=site.ingest.ring_s,
                max_bytes=site.ingest.ring_bytes,
            )
            ingest.run(
                site.ingest,
                site.ingest_cameras(),
                bus,
                stop,
                name,
                again=again,
                pulse=pulse,
                rules=site.rules(),
                ring=ring,
            )
        elif pulse.role == "serve":
            from workers.serve import worker as serve
            from workers.serve.services import Place

            place = Place(site.name, tuple(site.cameras), site.evidence_directory)
            folder = site.serve_directory
            serve.run(site.serve, place, bus, site.database_url, folder, stop, pulse=pulse, again=again)
        elif pulse.role == "alert":
            from workers.alert import applied
            from workers.alert import stage as alerts

            whose = alerts.Place(site.name, tuple(site.cameras), site.evidence_directory)
            alert = alerts.Alert(site.alert, whose, site.timezone, site.database_url)
            started = applied.applied_of(site.alert, site.timezone)
            applied.Follower(alert, bus, started, again, stop).start()
            Loop(alert.stage(), bus, list(site.cameras), name, pulse=pulse).run(stop)
        else:
            Loop(_stage(site, pulse.role, bus), bus, list(site.cameras), name, pulse=pulse).run(stop)


def _greet(bus: Bus) -> None:
    """So that a wrong password is said now, not after the nets are loaded; a server may come later."""
    try:
        bus.ping()
    except BusRefusedError:
        raise
    except BusError as error:
        log.warning("%s: waiting for it", error)


def _stage(site: Site, name: str, bus: Bus) -> Stage:  # type: ignore[type-arg]
    # Imported where they are used: a classify process must not pay for the detector's libraries.
    rules_of = RuleBook(bus, site.rules())
    if name == "pose":
        from workers.pose.stage import build_stage as build_pose

        return build_pose(site.pose, site.cameras, rules_of)
    if name == "classify":
        from workers.classify.stage import build_stage as build_classify

        return build_classify(site.classify, rules_of)
    if name == "incidents":
        from workers.incidents.stage import build_stage as build_incidents

        return build_incidents(site.incidents, rules_of)
    if name == "evidence":
        from workers.archive.evidence.pictures import Views
        from workers.archive.evidence.stage import build_evidence

        views = Views(ring=site.ring_directory, of=site.evidence_pictures(), rules_of=rules_of)
        folder = site.evidence_directory
        return build_evidence(site.evidence, site.archive, folder, site.database_url, bus, views)
    from workers.archive.stage import build_history, build_stage

    build = build_history if name == "history" else build_stage
    return build(site.archive, site.verdict_directory, site.database_url)
