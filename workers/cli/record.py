"""`nexara record`: cameras' tracks into files, for `nexara replay` and `nexara calibrate`."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import click

from shared.bus import Bus, BusError, BusRefusedError
from shared.config import ConfigError
from shared.recording import SUFFIX, Head, recording_to
from workers.cli.options import Fleet, site_options
from workers.cli.recorded.recorder import Recorder

log = logging.getLogger(__name__)

_COUNT = 200
_BLOCK_MS = 500
_RETRY_S, _LOOK_AGAIN_S = 1.0, 5.0


@click.command()
@click.argument("cameras", metavar="CAMERA...", nargs=-1, required=True)
@site_options
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after so long.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"A file that ends with {SUFFIX}, or a folder; default: a file for each camera, here.",
)
@click.option("--from-now", is_flag=True, help="Leave out what is in the stream already.")
def record(
    cameras: tuple[str, ...], site: Fleet, seconds: float | None, out: Path | None, from_now: bool
) -> None:
    """Record cameras' tracks: skeletons, no pictures. Ctrl-C ends it.

    \b
    nexara record lobby                           what is still in the stream, and what comes
    nexara record lobby yard --seconds 600 --out evening/

    It ends by itself when every source has ended. It only reads: the fleet does not notice.
    """  # noqa: D301
    paths = _paths(list(dict.fromkeys(site.choose(cameras))), out)
    recorders: dict[Path, Recorder] = {}
    with _explained(), contextlib.ExitStack() as stack:
        bus = stack.enter_context(contextlib.closing(site.connect()))
        stop = stack.enter_context(_stopped_by_signals())
        for camera, path in paths.items():
            head = Head(camera=camera, made_at=time.time(), fleet_version=version("nexara"))
            writer = stack.enter_context(recording_to(path, head))
            recorders[path] = Recorder(bus, camera, writer, from_now=from_now)
        # A server that `nexara up` runs goes with it, and the next one has none of its streams.
        stays = site.site.bus.url is not None
        _follow(bus, list(recorders.values()), seconds, stop, stays=stays)
    for path, recorder in recorders.items():
        if not recorder.entries:
            path.unlink()
            click.echo(f"{recorder.camera}: nothing came: does the fleet run?", err=True)
        else:
            click.echo(f"{path}: {recorder.told()}, {path.stat().st_size / 1e6:.2f} MB")
    if not any(recorder.entries for recorder in recorders.values()):
        raise click.exceptions.Exit(1)


def _paths(cameras: Sequence[str], out: Path | None) -> dict[str, Path]:
    if out is not None and out.suffix == SUFFIX:
        if len(cameras) > 1:
            raise ConfigError(f"--out {out}: one file cannot hold {len(cameras)} cameras: give a folder")
        return {cameras[0]: out}
    now = time.strftime("%Y%m%d-%H%M%S")
    return {camera: (out or Path()) / f"{camera}-{now}{SUFFIX}" for camera in cameras}


def _follow(
    bus: Bus, recorders: Sequence[Recorder], seconds: float | None, stop: threading.Event, *, stays: bool
) -> None:
    """Writes down what comes until the time is over, everything has ended or somebody stops it."""
    looked = time.monotonic()
    until = math.inf if seconds is None else looked + seconds
    trouble = ""
    while not stop.is_set() and (waiting := [one for one in recorders if not one.ended]):
        now = time.monotonic()
        if now >= until:
            return
        try:
            _take(bus, waiting, block_ms=max(1, int(min(_BLOCK_MS, 1000 * (until - now)))))
            if now - looked > _LOOK_AGAIN_S:
                looked = now
                for one in waiting:
                    one.look_again()
            trouble = ""
        except BusRefusedError:
            raise
        except BusError as error:
            if not stays:
                for one in waiting:
                    one.ended = "the fleet ended"
                return
            # A server that is started again has kept the streams.
            if not trouble:
                log.warning("record waits: %s", error)
            trouble = str(error)
            stop.wait(_RETRY_S)


def _take(bus: Bus, waiting: Sequence[Recorder], block_ms: int) -> None:
    found = bus.follow({one.key: one.cursor for one in waiting}, _COUNT, block_ms)
    for one in waiting:
        if one.key in found:
            one.take(found[one.key], all_there=len(found[one.key]) < _COUNT)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConfigError(f"--out: {error.filename}: is there already: choose another name") from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise ConfigError(
            f"--out: {where}cannot be written: {error.strerror or error}; what came before is in a file that"
            " ends with .part"
        ) from error


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
