"""Who may look at the site: people, their sessions, and tokens for programs, in the database.

Times are seconds since 1970. Nothing here knows a password or a token: only what is stored of them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from shared.store.tables import sessions, tokens, users
from workers.serve.passwords import digest

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
# How exactly the last use of a token is known: not each request is worth a write.
_USE_NOTED_EVERY_S = 60.0


class NameTakenError(ValueError):
    """Somebody has this name already."""


class NobodyError(LookupError):
    """Nobody has this name."""


class LastAdminError(ValueError):
    """Nobody would be left who may let people in."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        csrf: what a changing request of this session must bring along; "" for a token, which no browser
            sends by itself.
        session: the stored form of the session's secret; "" for a token.
    """

    name: str
    role: Role
    csrf: str = ""
    session: str = ""

    def may(self, role: Role) -> bool:
        """Whether this role is enough for what asks for that one."""
        return ROLES.index(self.role) >= ROLES.index(role)


# --- people -------------------------------------------------------------------------------------------------


def add_user(connection: Connection, name: str, password_hash: str, role: Role, now: float) -> None:
    """Add somebody.

    Raises:
        NameTakenError: the name is somebody else's, in capitals or not.
    """
    taken = connection.execute(select(users.c.name).where(func.lower(users.c.name) == name.lower())).scalar()
    if taken is not None:
        raise NameTakenError(f"there is a user '{taken}' already")
    row = {"name": name, "password_hash": password_hash, "role": role, "created_at": now, "disabled": False}
    connection.execute(insert(users).values(**row))


def find_user(connection: Connection, name: str) -> RowMapping | None:
    """The row of somebody."""
    return connection.execute(select(users).where(users.c.name == name)).mappings().first()


def list_users(connection: Connection) -> list[RowMapping]:
    """All people, by name."""
    return sorted(connection.execute(select(users)).mappings(), key=lambda user: user["name"])


def count_users(connection: Connection) -> int:
    """How many people there are."""
    return int(connection.execute(select(func.count()).select_from(users)).scalar_one())


def set_password(connection: Connection, name: str, password_hash: str, keep: str = "") -> None:
    """Give somebody another password; who was logged in with the old one no longer is, but for `keep`.

    Raises:
        NobodyError: there is nobody of that name.
    """
    _change(connection, name, password_hash=password_hash)
    end_sessions(connection, name, keep)


def set_role(connection: Connection, name: str, role: Role) -> None:
    """Let somebody do more, or less: from their next request on.

    Raises:
        NobodyError: there is nobody of that name.
        LastAdminError: it is the last admin.
    """
    if role != "admin":
        _leave_an_admin(connection, name)
    _change(connection, name, role=role)


def set_disabled(connection: Connection, name: str, disabled: bool) -> None:
    """Shut somebody out, or let them in again.

    Raises:
        NobodyError: there is nobody of that name.
        LastAdminError: it is the last admin.
    """
    if disabled:
        _leave_an_admin(connection, name)
    _change(connection, name, disabled=disabled)
    if disabled:
        end_sessions(connection, name)


def remove_user(connection: Connection, name: str) -> None:
    """Remove somebody; what they said of incidents stays.

    Raises:
        NobodyError: there is nobody of that name.
        LastAdminError: it is the last admin.
    """
    _leave_an_admin(connection, name)
    end_sessions(connection, name)
    if not connection.execute(delete(users).where(users.c.name == name)).rowcount:
        raise NobodyError(f"there is no user '{name}'")


def _leave_an_admin(connection: Connection, name: str) -> None:
    # The rows are locked until the end of the transaction: two admins could otherwise remove each other.
    admins = select(users.c.name).where(users.c.role == "admin", users.c.disabled.is_(False))
    if list(connection.execute(admins.with_for_update()).scalars()) == [name]:
        raise LastAdminError(f"'{name}' is the last admin: make somebody else one first")


def _change(connection: Connection, name: str, **values: Any) -> None:
    if not connection.execute(update(users).where(users.c.name == name).values(**values)).rowcount:
        raise NobodyError(f"there is no user '{name}'")


# --- sessions -----------------------------------------------------------------------------------------------


def begin_session(connection: Connection, name: str, now: float, lasts_s: float) -> tuple[str, str]:
    """Let somebody in; returns the session's secret and its CSRF token. Forgets sessions that have ended."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    secret, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    row = {"id_hash": digest(secret), "user_name": name, "csrf": csrf}
    connection.execute(insert(sessions).values(**row, created_at=now, expires_at=now + lasts_s))
    return secret, csrf


def find_session(connection: Connection, id_hash: str, now: float) -> Caller | None:
    """Whose session it is; None if it has ended, or its owner has been shut out."""
    query = (
        select(sessions.c.csrf, users.c.name, users.c.role)
        .join(users, users.c.name == sessions.c.user_name)
        .where(sessions.c.id_hash == id_hash, sessions.c.expires_at > now, users.c.disabled.is_(False))
    )
    row = connection.execute(query).first()
    return Caller(row.name, row.role, row.csrf, id_hash) if row else None


def end_session(connection: Connection, id_hash: str) -> None:
    """Log out."""
    connection.execute(delete(sessions).where(sessions.c.id_hash == id_hash))


def end_sessions(connection: Connection, name: str, but: str = "") -> None:
    """Log somebody out everywhere, but for one session."""
    connection.execute(delete(sessions).where(sessions.c.user_name == name, sessions.c.id_hash != but))


# --- tokens -------------------------------------------------------------------------------------------------


def add_token(connection: Connection, name: str, role: Role, now: float, lasts_s: float | None) -> str:
    """Add a token for a program; returns it, the only time that anybody sees it.

    Raises:
        NameTakenError: another token has this name.
    """
    token = f"nexara_{secrets.token_urlsafe(32)}"
    expires_at = None if lasts_s is None else now + lasts_s
    row = {"name": name, "token_hash": digest(token), "role": role}
    try:
        connection.execute(insert(tokens).values(**row, created_at=now, expires_at=expires_at))
    except IntegrityError:
        raise NameTakenError(f"there is a token '{name}' already") from None
    return token


def find_token(connection: Connection, token: str, now: float) -> tuple[Caller, bool] | None:
    """Whose token it is, and whether its use is worth noting; None if there is none or it has run out."""
    row = connection.execute(select(tokens).where(tokens.c.token_hash == digest(token))).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    worth_noting = row.last_used_at is None or now - row.last_used_at > _USE_NOTED_EVERY_S
    return Caller(row.name, row.role), worth_noting


def note_use(connection: Connection, name: str, now: float) -> None:
    """A token was used."""
    connection.execute(update(tokens).where(tokens.c.name == name).values(last_used_at=now))


def list_tokens(connection: Connection) -> list[RowMapping]:
    """All tokens, by name."""
    return sorted(connection.execute(select(tokens)).mappings(), key=lambda token: token["name"])


def remove_token(connection: Connection, name: str) -> None:
    """Take a token back.

    Raises:
        NobodyError: no token has this name.
    """
    if not connection.execute(delete(tokens).where(tokens.c.name == name)).rowcount:
        raise NobodyError(f"there is no token '{name}'")
