"""The first user of a site that has none, so that nobody has to type a command to begin."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from shared.config import ConfigError
from shared.store.database import Database
from workers.serve import people
from workers.serve.config import FIRST_PASSWORD_FILE, FIRST_USER
from workers.serve.passwords import Passwords

log = logging.getLogger(__name__)


def ensure_somebody(database: Database, passwords: Passwords, folder: Path, now: float) -> None:
    """Make `admin` with a random password if the site has no user, and leave the password in a file.

    Raises:
        DatabaseAwayError: the database does not answer.
        ConfigError: the folder cannot be written.
    """
    with database.reading() as connection:
        if people.count_users(connection):
            return
    password, stored = passwords.make()
    path = folder / FIRST_PASSWORD_FILE
    with database.writing() as connection:
        if people.count_users(connection):
            return
        write_whole(path, f"{password}\n")
        people.add_user(connection, FIRST_USER, stored, "admin", now)
    log.warning(
        "user '%s' was made; the password is in %s: change it, then remove that file", FIRST_USER, path
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file that its owner alone may read; whoever finds it finds all of it.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            f"bus.data: {path}: cannot be written: {error.strerror}: choose another folder"
        ) from error
