"""The database as the archive's stages use it: what cannot be stored now is stored later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from shared.stage import TryLater
from shared.store.database import Database, DatabaseAwayError
from workers.archive import metrics

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Store:
    """A database whose tables are brought up to date before the first record is stored.

    Args:
        url: see `Database`.
        durable: see `Database`.

    Raises:
        ConfigError: the URL, the file or its tables cannot be used by this version.
    """

    def __init__(self, url: str, durable: bool) -> None:
        self._database = Database(url, durable)
        self._ready = False
        try:
            self._prepare()
        except DatabaseAwayError as error:
            log.warning("archive waits: %s", error)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do something in one transaction: all of it is stored, or nothing.

        Raises:
            TryLater: the database is away, full or locked.
        """
        try:
            self._prepare()
            with metrics.STORE_SECONDS.time(), self._database.writing() as connection:
                return work(connection)
        except DatabaseAwayError as error:
            raise TryLater(str(error)) from error
        except IntegrityError as error:
            # A worker that had lost the camera, and did not know it, stored the same in the same moment.
            raise TryLater(f"{self._database.where}: another archive worker stored the same") from error

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Look at one moment's contents; writers do not wait for it.

        Raises:
            TryLater: the database is away or locked.
        """
        try:
            self._prepare()
            with self._database.reading() as connection:
                return work(connection)
        except DatabaseAwayError as error:
            raise TryLater(str(error)) from error

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def _prepare(self) -> None:
        if not self._ready:
            self._database.migrate()
            self._ready = True
