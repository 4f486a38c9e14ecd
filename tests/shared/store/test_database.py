"""The database: its tables come about, and what keeps it from working is said in words."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text

from shared.config import ConfigError
from shared.store.database import Database, DatabaseAwayError
from shared.store.tables import cursors, metadata

ROW = {"stream": "verdicts", "camera": "a", "generation": "0" * 16, "milliseconds": 1, "sequence": 0}


def test_migrations_make_what_the_tables_say(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        database.migrate()
        database.migrate()
        with database.reading() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == "0005"


def test_a_new_file_is_not_for_everybody_and_an_old_ones_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    for mode in (0o640, 0o600):
        with closing(Database(f"sqlite:///{path}")) as database:
            database.migrate()
        assert path.stat().st_mode & 0o777 & ~mode == 0
        path.chmod(0o600)


def test_several_may_migrate_at_once(database_url: str) -> None:
    errors: list[Exception] = []

    def migrate() -> None:
        with closing(Database(database_url)) as database:
            try:
                database.migrate()
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_tables_of_a_newer_version_are_left_alone(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        database.migrate()
        with database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(ConfigError, match="newer version of this program"):
            database.migrate()


def test_a_transaction_is_stored_whole_or_not_at_all(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        database.migrate()
        with contextlib.suppress(KeyError), database.writing() as connection:
            connection.execute(insert(cursors).values(**ROW))
            raise KeyError
        with database.writing() as connection:
            connection.execute(insert(cursors).values(**ROW))
        with database.reading() as connection:
            assert [row.milliseconds for row in connection.execute(select(cursors))] == [1]


def test_readers_do_not_wait_for_a_writer(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        database.migrate()
        with database.writing() as writer:
            writer.execute(insert(cursors).values(**ROW))
            with database.reading() as reader:
                assert list(reader.execute(select(cursors))) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "is no database's URL"),
        ("mysql://me:secret@db/x", "mysql is neither sqlite nor postgresql"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        Database(url)
    assert "secret" not in str(refusal.value)


def test_who_is_away_is_told_of_without_the_password() -> None:
    with closing(Database("postgresql://me:secret@127.0.0.1:1/x")) as database:
        with pytest.raises(DatabaseAwayError, match="Connection refused") as error:
            database.migrate()
        assert "secret" not in str(error.value)
        assert "127.0.0.1:1" in str(error.value)


def test_a_folder_that_is_missing_is_told_of(tmp_path: Path) -> None:
    with (
        closing(Database(f"sqlite:///{tmp_path}/nowhere/archive.db")) as database,
        pytest.raises(DatabaseAwayError, match="unable to open database file"),
    ):
        database.migrate()


def test_a_file_that_is_no_database_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    path.write_text("not a database at all, but long enough to be looked at\n" * 30)
    with (
        closing(Database(f"sqlite:///{path}")) as database,
        pytest.raises(ConfigError, match=r"archive\.db: file is not a database"),
    ):
        database.migrate()


def test_a_lock_that_lasts_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.store.database._BUSY_S", 0.05)
    path = tmp_path / "archive.db"
    with closing(Database(f"sqlite:///{path}")) as database:
        database.migrate()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseAwayError, match="locked"), database.writing():
            pass
        other.close()
