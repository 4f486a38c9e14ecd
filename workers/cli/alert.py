"""`nexara alert`: whether channels work, and what could not be told."""

from __future__ import annotations

import contextlib
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from shared.config import ConfigError
from shared.hours import clock
from workers.cli.main import EXIT_BROKEN
from workers.cli.options import SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.people import shown
from workers.cli.site import Site, load


def on_site(command: Callable[..., None]) -> Callable[..., None]:
    """Takes SITE.yaml and --set."""
    argument = click.argument("site_file", metavar="SITE.yaml", type=SITE_PATH, envvar=SITE_VARIABLE)
    return argument(set_option(command))


channel_option = click.option("--channel", "only", help="Only this channel.")


@click.group()
def alert() -> None:
    """Try the channels by which incidents are told; see what could not be told."""


@alert.command()
@on_site
@channel_option
@click.option("--camera", help="Only the channels that are told of this camera, by the site's routes.")
def test(site_file: Path, overrides: tuple[str, ...], only: str | None, camera: str | None) -> None:
    """Send a test through each channel, and say what came of it.

    A person sees [TEST] and that nothing has happened; a program gets an event of the kind test.
    """
    site = load(site_file, changes(overrides))
    failed = 0
    for name, problem in _tried(site, _chosen(site, only, camera), camera or next(iter(site.cameras))):
        click.echo(f"{name}: {problem or 'ok'}")
        failed += bool(problem)
    if failed:
        sys.exit(EXIT_BROKEN)


@alert.command()
@on_site
@channel_option
@click.option("--retry", is_flag=True, help="Send them again.")
@click.option("--forget", is_flag=True, help="Remove them.")
def dead(site_file: Path, overrides: tuple[str, ...], only: str | None, retry: bool, forget: bool) -> None:
    """List what could not be told, and why; send it again, or forget it."""
    site = load(site_file, changes(overrides))
    if retry and forget:
        raise ConfigError("alert dead: either --retry or --forget")
    with _outbox(site) as outbox:
        letters = [letter for letter in outbox.dead() if only in (None, letter.channel)]
        ids = [letter.id for letter in letters]
        for letter in letters:
            event = letter.event
            click.echo(
                f"{letter.channel}  {shown(letter.told_at)}  {event.camera}  {event.change}  {event.key}: "
                f"{letter.reason}"
            )
        if retry and ids:
            outbox.revive(ids, time.time())
        if forget and ids:
            outbox.forget(ids)
    done = ": sent again" if retry else ": forgotten" if forget else ""
    click.echo(f"{len(ids)} dead letter{'' if len(ids) == 1 else 's'}{done if ids else ''}")


def _chosen(site: Site, only: str | None, camera: str | None) -> list[str]:
    from workers.alert.opening import usual_changes
    from workers.alert.routing import Routes

    names = list(site.alert.channels)
    if not names:
        raise ConfigError("alert: no channel is configured: docs/alerts.md has examples")
    if only is not None and only not in names:
        raise ConfigError(f"--channel {only}: no such channel: the site has {', '.join(names)}")
    if camera is not None:
        if camera not in site.cameras:
            raise ConfigError(f"--camera {camera}: no such camera: the site has {', '.join(site.cameras)}")
        names = Routes(site.alert, usual_changes(site.alert)).reached(camera)
    chosen = [name for name in names if only in (None, name)]
    if not chosen:
        raise ConfigError(f"--camera {camera}: no route leads from it to {only or 'any channel'}")
    return chosen


def _tried(site: Site, names: list[str], camera: str) -> Iterator[tuple[str, str]]:
    """Each channel, and what is wrong with it, "" if nothing is."""
    from workers.alert.channels.channel import ChannelAwayError, ChannelRefusedError
    from workers.alert.delivery import Delivery
    from workers.alert.event import trial_event
    from workers.alert.opening import open_channels

    now = time.time()
    channels = open_channels(
        site.alert, site.name, list(site.cameras), None, Path(), lambda: clock(site.timezone)
    )
    for name in names:
        event = trial_event(site.name, camera, f"test-{uuid.uuid4().hex}", now)
        news = Delivery(id=0, channel=name, event=event, generation="", told_at=now, tries=0, reason=None)
        try:
            channels[name].send([news])
            yield name, ""
        except (ChannelAwayError, ChannelRefusedError) as error:
            yield name, str(error)
        finally:
            channels[name].close()


@contextlib.contextmanager
def _outbox(site: Site) -> Iterator[Any]:
    from workers.alert.outbox import Outbox

    with contextlib.closing(Outbox(site.database_url)) as outbox:
        yield outbox
