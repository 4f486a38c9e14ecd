"""/api/v1/users and /api/v1/tokens: who may look at the site, for admins."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from workers.serve import people
from workers.serve.access import Admin
from workers.serve.api.views import View
from workers.serve.passwords import WeakError, checked_name
from workers.serve.people import LastAdminError, NameTakenError, NobodyError
from workers.serve.services import Here

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1")

NameInPath = Annotated[str, Path(max_length=64)]
_DAY_S = 86_400
_STATUS = {NobodyError: 404, NameTakenError: 409, LastAdminError: 409, WeakError: 422}


Name = Annotated[str, Field(max_length=64)]
RoleName = Literal["viewer", "operator", "admin"]


class User(View):
    """Somebody who may log in."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    role: RoleName
    disabled: bool = Field(description="Shut out.")
    created_at: float


class NewUser(View):
    """Somebody who shall be able to log in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    role: RoleName


class UserChange(View):
    """What shall be different; what is absent stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: RoleName | None = None
    disabled: bool | None = None


class Password(View):
    """A new password. Nobody can be told it again."""

    name: str
    password: str


class Token(View):
    """What a program shows to be let in; not the token itself."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    role: RoleName
    created_at: float
    expires_at: float | None = Field(description="null: never.")
    last_used_at: float | None = Field(description="To the minute; null: not yet.")


class NewToken(View):
    """A program that shall be let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    role: RoleName
    days: float | None = Field(None, gt=0, le=36_500, description="Ends after so many; null: never.")


class MadeToken(View):
    """A new token. Nobody can be told it again."""

    name: str
    token: str


# --- people ------------------------------------------------------------------------------------------------


@router.get("/users")
def users(_caller: Admin, here: Here) -> list[User]:
    """Everybody who may log in, by name."""
    with here.database.reading() as database:
        return [User.model_validate(dict(row)) for row in people.list_users(database)]


@router.post("/users", status_code=201)
def add_user(said: NewUser, caller: Admin, here: Here) -> Password:
    """Let somebody log in, with a password that they are to change."""
    name = checked_name(said.name)
    password, stored = here.passwords.make()
    with here.database.writing() as database:
        people.add_user(database, name, stored, said.role, here.clock())
    log.info("user=%s added role=%s by=%s", name, said.role, caller.name)
    return Password(name=name, password=password)


@router.post("/users/{name}")
def change_user(name: NameInPath, said: UserChange, caller: Admin, here: Here) -> User:
    """Another role, shut out, let in again: at once."""
    with here.database.writing() as database:
        if said.role is not None:
            people.set_role(database, name, said.role)
        if said.disabled is not None:
            people.set_disabled(database, name, said.disabled)
        row = people.find_user(database, name)
    if row is None:
        raise HTTPException(404, f"there is no user '{name}'")
    log.info("user=%s role=%s disabled=%s by=%s", name, row["role"], row["disabled"], caller.name)
    return User.model_validate(dict(row))


@router.post("/users/{name}/password")
def reset_password(name: NameInPath, caller: Admin, here: Here) -> Password:
    """A new password for who has lost theirs; they are logged out everywhere."""
    password, stored = here.passwords.make()
    with here.database.writing() as database:
        people.set_password(database, name, stored)
    log.info("user=%s has another password by=%s", name, caller.name)
    return Password(name=name, password=password)


@router.delete("/users/{name}", status_code=204)
def remove_user(name: NameInPath, caller: Admin, here: Here) -> None:
    """Somebody is gone; what they said of incidents stays."""
    with here.database.writing() as database:
        people.remove_user(database, name)
    log.info("user=%s removed by=%s", name, caller.name)


# --- programs ----------------------------------------------------------------------------------------------


@router.get("/tokens")
def tokens(_caller: Admin, here: Here) -> list[Token]:
    """All tokens of programs, by name; not the tokens themselves."""
    with here.database.reading() as database:
        return [Token.model_validate(dict(row)) for row in people.list_tokens(database)]


@router.post("/tokens", status_code=201)
def add_token(said: NewToken, caller: Admin, here: Here) -> MadeToken:
    """A token for a program."""
    name = checked_name(said.name)
    lasts_s = None if said.days is None else said.days * _DAY_S
    with here.database.writing() as database:
        token = people.add_token(database, name, said.role, here.clock(), lasts_s)
    log.info("token=%s added role=%s by=%s", name, said.role, caller.name)
    return MadeToken(name=name, token=token)


@router.delete("/tokens/{name}", status_code=204)
def remove_token(name: NameInPath, caller: Admin, here: Here) -> None:
    """A token is taken back, at once."""
    with here.database.writing() as database:
        people.remove_token(database, name)
    log.info("token=%s removed by=%s", name, caller.name)


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Names that are taken, that nobody has, and so on, as the API tells it."""
    return JSONResponse({"detail": str(error)}, _STATUS[type(error)])


REFUSALS = tuple(_STATUS)
