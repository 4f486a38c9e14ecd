"""`nexara play`: video files and still pictures as HTTP cameras, for whoever has no camera at hand."""

from __future__ import annotations

import re
import signal
import socket
import threading
from pathlib import Path

import click
import yaml

from shared.config import ConfigError

_LEAST_PX, _MOST_PX = 64, 4096


@click.command()
@click.argument("files", metavar="[FILE ...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to serve; 0.0.0.0: everywhere.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    show_default=True,
    help="On which port; 0: any free one.",
)
@click.option(
    "--fps",
    type=click.FloatRange(0.5, 120),
    default=None,
    help="Pictures a second at most; a still picture has 10 where absent.",
)
@click.option(
    "--size",
    metavar="WxH",
    default=None,
    help="Make videos fit into it; stills are seen by a camera of this size, 640x360 where absent.",
)
def play(files: tuple[Path, ...], host: str, port: int, fps: float | None, size: str | None) -> None:
    """Play video files and pictures as HTTP cameras, over and over.

    \b
    nexara play                      two cameras with people, built in
    nexara play lobby.mp4 yard.jpg   http://127.0.0.1:8090/lobby.mjpeg, .../yard.mjpeg

    A video keeps its speed; over a still picture a virtual camera pans and zooms. Nothing is decoded while
    nobody watches. Ctrl-C ends it.
    """  # noqa: D301
    # Not for --help: this brings OpenCV along.
    from workers.ingest.films import built_in_films, open_films
    from workers.ingest.play import serving

    chosen = _size(size)
    films = open_films(files, fps, chosen) if files else built_in_films(fps, chosen)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serving(films, host, port) as served:
        _explain([film.name for film in films], host, served)
        stop.wait()


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(_LEAST_PX <= side <= _MOST_PX for side in sides):
        raise ConfigError(
            f"--size {text}: write it as WIDTHxHEIGHT, each {_LEAST_PX} to {_MOST_PX}, as 640x360"
        )
    return sides


def _explain(names: list[str], host: str, port: int) -> None:
    """Where the cameras are, and how a site file names them."""
    # Nobody can go to "everywhere".
    place = socket.gethostname() if host in ("", "0.0.0.0") else host
    addresses = {name: f"http://{place}:{port}/{name}.mjpeg" for name in names}
    widest = max(map(len, names))
    for name, address in addresses.items():
        click.echo(f"{name:<{widest}}  {address}")
    site = {"cameras": {name: {"source": address} for name, address in addresses.items()}}
    click.echo("\nIn a site file (Ctrl-C ends):\n\n" + yaml.safe_dump(site, sort_keys=False), nl=False)
