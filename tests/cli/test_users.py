"""`nexara users` and `nexara tokens`: people come and go, and no password is ever printed or an argument."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shared.config import ConfigError
from shared.store.database import Database, DatabaseAwayError
from tests.serve.conftest import CHEAP
from workers.cli import users
from workers.cli.main import _explained, nexara
from workers.serve import people
from workers.serve.config import FIRST_PASSWORD_FILE

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "Passwords", lambda: CHEAP)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "site.yaml"
    file.write_text(f"cameras: {{gate: {{source: 'usb:0'}}}}\nbus: {{data: {tmp_path / 'data'}}}\n")
    return file


def run(site: Path, *arguments: str, said: str | None = None, **options: Any) -> Result:
    return CliRunner().invoke(nexara, [*arguments, "--site", str(site)], input=said, **options)


def well(site: Path, *arguments: str, said: str | None = None) -> str:
    done = run(site, *arguments, said=said, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(site: Path, *arguments: str, said: str | None = None) -> str:
    error = run(site, *arguments, said=said).exception
    assert isinstance(error, ConfigError), error
    assert "\n" not in str(error)
    return str(error)


def stored(site: Path, name: str) -> Any:
    place = f"sqlite:///{site.parent / 'data' / 'verdicts' / 'archive.db'}"
    with closing(Database(place)) as database, database.reading() as connection:
        return people.find_user(connection, name)


def add(site: Path, name: str, *more: str) -> str:
    return well(site, "users", "add", name, *more, "--password-file", "-", said=f"{PASSWORD}\n")


def test_somebody_is_added_before_anything_ever_ran(site: Path) -> None:
    assert add(site, "ann", "--role", "operator") == "user 'ann' may log in as operator\n"
    assert stored(site, "ann")["role"] == "operator"
    assert CHEAP.verify(stored(site, "ann")["password_hash"], PASSWORD)


def test_a_password_is_asked_for_twice_and_not_shown(site: Path) -> None:
    output = well(site, "users", "add", "ann", said=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in output
    assert CHEAP.verify(stored(site, "ann")["password_hash"], PASSWORD)


def test_a_password_comes_from_a_file(site: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{PASSWORD}\nanother line\n")
    well(site, "users", "add", "ann", "--password-file", str(tmp_path / "secret"))
    assert CHEAP.verify(stored(site, "ann")["password_hash"], PASSWORD)


@pytest.mark.parametrize("password", ["", "short", "x" * 400])
def test_a_weak_password_is_refused_unrepeated(site: Path, password: str) -> None:
    said = refused(site, "users", "add", "ann", "--password-file", "-", said=f"{password}\n")
    assert said == "a password has 10 to 256 characters"


def test_a_file_that_is_no_text_is_refused(site: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused(
        site, "users", "add", "ann", "--password-file", str(tmp_path / "secret")
    )


def test_nobody_can_give_a_password_as_an_argument() -> None:
    for command in ("add", "passwd"):
        text = CliRunner().invoke(nexara, ["users", command, "--help"]).output
        assert "--password-file" in text
        assert not re.search(r"--password\b(?!-)", text)


def test_people_are_listed_changed_and_removed(site: Path) -> None:
    add(site, "bob")
    add(site, "ann", "--role", "admin")
    well(site, "users", "disable", "bob")
    lines = well(site, "users", "list").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["ann", "admin"], ["bob", "viewer"]]
    assert "disabled" in lines[2]
    well(site, "users", "enable", "bob")
    assert "disabled" not in well(site, "users", "list")
    well(site, "users", "remove", "bob")
    assert "bob" not in well(site, "users", "list")


def test_another_password_ends_sessions_and_the_file_of_the_first_one(site: Path, tmp_path: Path) -> None:
    add(site, "admin", "--role", "admin")
    first = tmp_path / "data" / "serve" / FIRST_PASSWORD_FILE
    first.parent.mkdir()
    first.write_text("old")
    with closing(Database(f"sqlite:///{tmp_path / 'data' / 'verdicts' / 'archive.db'}")) as database:
        with database.writing() as connection:
            people.begin_session(connection, "admin", 0.0, 1e9)
        well(site, "users", "passwd", "admin", "--password-file", "-", said="another one\n")
        with database.reading() as connection:
            user = people.find_user(connection, "admin")
            assert user is not None
            assert CHEAP.verify(user["password_hash"], "another one")
            assert not connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar()
    assert not first.exists()


@pytest.mark.parametrize("command", ["passwd", "disable", "enable", "remove"])
def test_nobody_of_that_name_is_told(site: Path, command: str) -> None:
    more = ("--password-file", "-") if command == "passwd" else ()
    assert refused(site, "users", command, "ann", *more, said=PASSWORD) == "there is no user 'ann'"


@pytest.mark.parametrize("name", ["<b>", "a b", "../x"])
def test_other_names_are_refused(site: Path, name: str) -> None:
    assert "at most 63 letters" in refused(site, "users", "add", name, "--password-file", "-", said=PASSWORD)
    assert "at most 63 letters" in refused(site, "tokens", "add", name)


def test_a_name_is_taken_once(site: Path) -> None:
    add(site, "ann")
    said = refused(site, "users", "add", "Ann", "--password-file", "-", said=PASSWORD)
    assert said == "there is a user 'ann' already"


def test_a_token_is_shown_once_and_never_again(site: Path) -> None:
    done = run(site, "tokens", "add", "door", "--role", "operator", "--days", "30", catch_exceptions=False)
    token = done.stdout.strip()
    assert re.fullmatch(r"nexara_[\w-]{43}", token)
    assert "this once" in done.stderr
    listed = well(site, "tokens", "list")
    assert "door" in listed
    assert "operator" in listed
    assert token not in listed
    assert refused(site, "tokens", "add", "door") == "there is a token 'door' already"
    well(site, "tokens", "remove", "door")
    assert "door" not in well(site, "tokens", "list")
    assert refused(site, "tokens", "remove", "door") == "there is no token 'door'"


def test_a_database_that_is_away_is_told_in_one_line() -> None:
    code, line = _explained(DatabaseAwayError("postgresql://me:***@db/x: Connection refused"))
    assert code == 1
    assert line.startswith("no answer from the database: postgresql://me:***@db/x: Connection refused")
