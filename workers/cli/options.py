"""Options that several subcommands share: which fleet to talk to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from shared.bus import Bus
from shared.config import ConfigError
from workers.cli.site import Site, load

# `nexara up` leaves the site it runs here, so that the other commands need no file.
RUNNING_SITE = "site.yaml"


class Fleet:
    """The fleet that a command looks at."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def connect(self) -> Bus:
        """A bus that has answered once."""
        return self.site.connect()

    def choose(self, cameras: tuple[str, ...]) -> list[str]:
        """The cameras asked for, or all.

        Raises:
            ConfigError: the site has no such camera.
        """
        for camera in cameras:
            if camera not in self.site.cameras:
                known = ", ".join(self.site.cameras)
                raise ConfigError(f"--camera {camera}: no such camera: the site has {known}")
        return list(cameras or self.site.cameras)


# Whether it can be read, loading it says, in one line.
SITE_PATH = click.Path(path_type=Path, readable=False)
# A container says these two in its environment, NEXARA_SET with blanks between the changes.
SITE_VARIABLE = "NEXARA_SITE"
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    envvar="NEXARA_SET",
    help="Change a value, as pose.image_size=960; ${ENV} references are resolved as in the file.",
)


def changes(overrides: Sequence[str]) -> dict[str, str]:
    """What `--set` was given, key -> value.

    Raises:
        ConfigError: not of the form KEY=VALUE.
    """
    found = {}
    for text in overrides:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"--set {key}: write it as section.key=value")
        found[key] = value
    return found


def site_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --site, --set and --data, and passes the fleet on as `site`."""

    @click.option("--site", "site_file", type=SITE_PATH, envvar=SITE_VARIABLE, help="The site file.")
    @set_option
    @click.option(
        "--data",
        type=click.Path(path_type=Path),
        default=Path("nexara-data"),
        show_default=True,
        help="The data directory of a fleet that `nexara up` runs here.",
    )
    @functools.wraps(command)
    def with_fleet(
        *args: Any, site_file: Path | None, overrides: tuple[str, ...], data: Path, **kwargs: Any
    ) -> None:
        path = site_file or data / RUNNING_SITE
        if site_file is None and not path.exists():
            raise ConfigError(f"{data}: no fleet runs here: give --site FILE, or --data of the one that does")
        command(*args, site=Fleet(load(path, changes(overrides))), **kwargs)

    return with_fleet
