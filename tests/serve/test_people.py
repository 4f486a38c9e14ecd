"""People, sessions and tokens in the database: what is stored, who is let in, who no longer is."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from shared.store.database import Database
from shared.store.tables import sessions, tokens
from tests.serve.conftest import CHEAP, HOUR_S
from workers.serve import people
from workers.serve.passwords import digest
from workers.serve.people import Caller, NameTakenError, NobodyError


@pytest.fixture
def database_place(database_url: str) -> str:
    return database_url


def begin(database: Database, name: str = "viewer", now: float = 0.0) -> str:
    with database.writing() as connection:
        return people.begin_session(connection, name, now, HOUR_S)[0]


def whose(database: Database, secret: str, now: float = 1.0) -> Caller | None:
    with database.reading() as connection:
        return people.find_session(connection, digest(secret), now)


def test_a_session_is_somebodys_until_it_ends(database: Database) -> None:
    secret = begin(database)
    caller = whose(database, secret)
    assert caller is not None
    assert (caller.name, caller.role) == ("viewer", "viewer")
    assert whose(database, secret, HOUR_S - 1) == caller
    assert whose(database, secret, HOUR_S) is None
    assert whose(database, "another") is None


def test_secrets_are_not_in_the_database(database: Database) -> None:
    secret = begin(database)
    with database.writing() as connection:
        token = people.add_token(connection, "program", "viewer", 0.0, None)
    with database.reading() as connection:
        stored = [
            str(value)
            for table in ("users", "sessions", "tokens")
            for row in connection.execute(text(f"SELECT * FROM {table}"))
            for value in row
        ]
    assert not any(secret in value or token in value for value in stored)
    assert digest(secret) in stored


def test_sessions_that_have_ended_are_forgotten(database: Database) -> None:
    begin(database, now=0.0)
    begin(database, now=2 * HOUR_S)
    with database.reading() as connection:
        assert len(list(connection.execute(select(sessions)))) == 1


@pytest.mark.parametrize("what", ["disabled", "removed", "another password"])
def test_who_is_shut_out_is_logged_out_at_once(database: Database, what: str) -> None:
    secret, others = begin(database), begin(database, "operator")
    with database.writing() as connection:
        if what == "disabled":
            people.set_disabled(connection, "viewer", True)
        elif what == "removed":
            people.remove_user(connection, "viewer")
        else:
            people.set_password(connection, "viewer", CHEAP.hash("something else"))
    assert whose(database, secret) is None
    assert whose(database, others) is not None
    if what == "disabled":
        with database.writing() as connection:
            people.set_disabled(connection, "viewer", False)
        assert whose(database, secret) is None, "let in again, but not with the old session"


def test_a_name_is_one_persons_in_capitals_or_not(database: Database) -> None:
    with database.writing() as connection, pytest.raises(NameTakenError, match="'viewer'"):
        people.add_user(connection, "VIEWER", CHEAP.hash("0123456789"), "admin", 0.0)


def test_nobody_is_changed_or_removed(database: Database) -> None:
    for change in (
        lambda c: people.set_password(c, "ann", "x"),
        lambda c: people.set_disabled(c, "ann", True),
        lambda c: people.remove_user(c, "ann"),
        lambda c: people.remove_token(c, "ann"),
    ):
        with database.writing() as connection, pytest.raises(NobodyError, match="'ann'"):
            change(connection)


def test_a_token_lasts_as_long_as_it_was_given_for(database: Database) -> None:
    with database.writing() as connection:
        token = people.add_token(connection, "program", "operator", 0.0, 10.0)
    with database.reading() as connection:
        found = people.find_token(connection, token, 9.0)
        assert found is not None
        assert found[0] == Caller("program", "operator")
        assert people.find_token(connection, token, 10.0) is None
        assert people.find_token(connection, token[:-1], 9.0) is None
    with database.writing() as connection:
        people.remove_token(connection, "program")
        assert people.find_token(connection, token, 9.0) is None


def test_a_tokens_use_is_noted_once_a_minute(database: Database) -> None:
    with database.writing() as connection:
        token = people.add_token(connection, "program", "viewer", 0.0, None)
        worth = []
        for now in (0.0, 30.0, 61.0):
            found = people.find_token(connection, token, now)
            assert found is not None
            worth.append(found[1])
            if found[1]:
                people.note_use(connection, "program", now)
        assert worth == [True, False, True]
        assert connection.execute(select(tokens.c.last_used_at)).scalar() == 61.0


def test_two_tokens_have_two_names(database: Database) -> None:
    with database.writing() as connection:
        people.add_token(connection, "program", "viewer", 0.0, None)
    with pytest.raises(NameTakenError, match="'program'"), database.writing() as connection:
        people.add_token(connection, "program", "viewer", 0.0, None)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", ["viewer"]),
        ("operator", ["viewer", "operator"]),
        ("admin", ["viewer", "operator", "admin"]),
    ],
)
def test_each_role_may_what_the_ones_before_it_may(role: people.Role, may: list[str]) -> None:
    assert [other for other in people.ROLES if Caller("x", role).may(other)] == may
