"""What `nexara users` and `nexara tokens` share: the database of a site, and mistakes in one line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from shared.config import ConfigError
from shared.store.database import Database
from workers.cli.options import Fleet
from workers.serve.passwords import WeakError
from workers.serve.people import ROLES, LastAdminError, NameTakenError, NobodyError

role_option = click.option(
    "--role",
    type=click.Choice(ROLES),
    default="viewer",
    show_default=True,
    help="viewer: looks; operator: also acknowledges and labels; admin: everything.",
)


@contextlib.contextmanager
def changing(fleet: Fleet) -> Iterator[Connection]:
    """A transaction on the site's database, whose tables are made if they are not there.

    Nothing in it may wait for a person: while it lasts, nobody else can write.

    Raises:
        ConfigError: somebody of that name is there already, or is not.
        DatabaseAwayError: the database does not answer.
    """
    folder = fleet.site.verdict_directory
    if fleet.site.archive.database is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made: {error.strerror}") from error
    with contextlib.closing(Database(fleet.site.database_url)) as database:
        database.migrate()
        with told(), database.writing() as connection:
            yield connection


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Mistakes in names and passwords as one line."""
    try:
        yield
    except (LastAdminError, NameTakenError, NobodyError, WeakError) as error:
        raise ConfigError(str(error)) from None


def now() -> float:
    """Seconds since 1970."""
    return time.time()


def shown(at: float | None) -> str:
    """A time for a table."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
