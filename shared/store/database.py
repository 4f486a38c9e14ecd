"""Opens the database, brings its tables up to date, and says in plain words what keeps it from working."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import alembic.util
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError

from shared.config import ConfigError

log = logging.getLogger(__name__)

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_S = 5.0
_CONNECT_S = 3
# Any number: two that start at once must not both make the tables.
_MIGRATING = 7_318_022
_READS = "nexara_reads"


class DatabaseAwayError(RuntimeError):
    """The database does not do what it is asked for now; the text says where it is and why."""


class Database:
    """A database of verdicts and incidents. Threads may share it.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.
        durable: SQLite: each transaction is on the disk before it counts as stored.

    Raises:
        ConfigError: the URL is none of these.
    """

    def __init__(self, url: str, durable: bool = True) -> None:
        self._url = _checked(url)
        self.where = self._url.render_as_string(hide_password=True)
        self._sqlite = self._url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": True}
        if not self._sqlite:
            options["connect_args"] = {"connect_timeout": _CONNECT_S}
        self._engine = create_engine(self._url, **options)
        if self._sqlite:
            _prepare_sqlite(self._engine, durable)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is stored when the context ends, or nothing.

        Raises:
            DatabaseAwayError: the database is away, locked, full or refuses us.
        """
        with self._explained(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One moment's contents; writers do not wait for it.

        Raises:
            DatabaseAwayError: the database is away, locked or refuses us.
        """
        with self._explained(), self._engine.execution_options(**{_READS: True}).begin() as connection:
            yield connection

    def migrate(self) -> None:
        """Bring the tables up to date; several may try at once.

        Raises:
            DatabaseAwayError: the database is away, or its folder is missing or may not be written.
            ConfigError: a newer version of this program has changed the tables.
        """
        if self._sqlite and self._url.database:
            # Hashes of passwords are in it: a new file is not for everybody on the machine.
            with contextlib.suppress(OSError):
                Path(self._url.database).touch(mode=0o640)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        try:
            with self.writing() as connection:
                if not self._sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
        except alembic.util.CommandError as error:
            newest = ScriptDirectory.from_config(config).get_current_head()
            raise ConfigError(
                f"archive.database: {self.where}: was changed by a newer version of this program than "
                f"this one, which knows {newest}: upgrade it ({error})"
            ) from None

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAwayError(f"{self.where}: {_reason(error)}") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseAwayError(f"{self.where}: {_reason(error)}") from error
            if self._sqlite and "not a database" in str(error.orig):
                raise ConfigError(f"archive.database: {self.where}: {_reason(error)}") from None
            raise


def _checked(url: str) -> URL:
    try:
        made = make_url(url)
        backend = made.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError(
            "archive.database: is no database's URL: use sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    if backend == "sqlite":
        if not made.database or made.database == ":memory:":
            raise ConfigError("archive.database: name a file: sqlite:///FILE")
        return made.set(drivername="sqlite")
    if backend == "postgresql":
        return made.set(drivername="postgresql+psycopg")
    raise ConfigError(f"archive.database: {backend} is neither sqlite nor postgresql")


def _prepare_sqlite(engine: Engine, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver must not begin and end transactions by itself.
        connection.isolation_level = None
        for setting in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if durable else 'NORMAL'}",
            f"busy_timeout={int(1000 * _BUSY_S)}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # At once: a transaction that first reads and then writes could find that another wrote in between.
        reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _reason(error: DBAPIError) -> str:
    """The driver's own words, on one line."""
    return " ".join(str(error.orig).split())[:200]
