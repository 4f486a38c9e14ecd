"""`nexara check`: everything about a site that can be wrong before it starts."""

from __future__ import annotations

from pathlib import Path

import click

from shared.bus import streams
from shared.config import ConfigError
from shared.hours import clock
from workers.alert.opening import open_channels
from workers.classify.card import CardError, read_card
from workers.cli.options import SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.site import Site, load
from workers.ingest.sources import check_file
from workers.pose.config import load_tracker
from workers.pose.weights import resolve

_TYPICAL_BITS_A_PIXEL = 1.6


@click.command()
@click.argument("site_file", metavar="SITE.yaml", type=SITE_PATH, envvar=SITE_VARIABLE)
@set_option
def check(site_file: Path, overrides: tuple[str, ...]) -> None:
    """Check a site file: keys, values, weights, video files, memory. Changes nothing."""
    site = load(site_file, changes(overrides))
    check_site(site)
    need, bound = memory_need(site), memory_bound(site)
    plans = site.view_plans()
    for name, camera in site.ingest_cameras().items():
        kind = "live" if camera.live else "file"
        work = f"{plans[name].work:.1f} times the work of one look at 640"
        click.echo(f"{name}: {kind}, at most {camera.max_width} px wide, {work}")
    of = f" of {bound / 2**20:.0f} MiB" if site.bus.url is None else ", on your server"
    click.echo(f"frames on the bus: at most about {need / 2**20:.0f} MiB{of}")
    if pictured := site.pictured_cameras():
        ring_mb = len(pictured) * site.ingest.ring_mb
        click.echo(f"pictures for evidence, on the disk of ingest: at most {ring_mb} MiB")
    click.echo(f"{site_file}: good: {len(site.cameras)} camera{'s' * (len(site.cameras) > 1)}")


def check_site(site: Site) -> None:
    """What `check` and `up` both make sure of.

    Raises:
        ConfigError: weights or a video file are missing or unreadable, a channel of alerts cannot be used, or
            frames would not fit into memory.
    """
    resolve(site.pose.weights)
    load_tracker(site.pose)
    for expert in site.classify.asked():
        try:
            read_card(expert.weights)
        except CardError as error:
            raise ConfigError(f"classify: {error}") from error
    for name, camera in site.ingest_cameras().items():
        check_file(name, camera, site.ingest)
    open_channels(site.alert, site.name, list(site.cameras), None, Path(), lambda: clock(site.timezone))
    if site.bus.url is None and memory_need(site) > memory_bound(site):
        raise ConfigError(
            f"bus.max_memory: {site.bus.max_memory} is too little for the frames of {len(site.cameras)} "
            f"cameras (about {memory_need(site) // 2**20} MiB): raise it, or lower max_width"
        )


def memory_need(site: Site) -> float:
    """Bytes that frames may take on the server: cameras x depth x size of a typical JPEG."""
    total = 0.0
    for camera in site.ingest_cameras().values():
        width = camera.max_width or 640
        depth = site.ingest.max_entries if camera.live else streams.bound("frames", live=False).limit
        total += depth * width * (width * 9 / 16) * _TYPICAL_BITS_A_PIXEL / 8
    return total


def memory_bound(site: Site) -> int:
    """The embedded server's memory bound in bytes."""
    number, unit = int(site.bus.max_memory[:-2]), site.bus.max_memory[-2:]
    return number * (2**30 if unit == "gb" else 2**20)
