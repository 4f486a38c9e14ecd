"""/api/v1/users and /api/v1/tokens: who may look at the site, for admins."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import JSONResponse

from workers.serve import people
from workers.serve.access import Admin
from workers.serve.api import views
from workers.serve.passwords import WeakError, checked_name
from workers.serve.people import LastAdminError, NameTakenError, NobodyError
from workers.serve.services import Here

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1")

NameInPath = Annotated[str, Path(max_length=64)]
_DAY_S = 86_400
_STATUS = {NobodyError: 404, NameTakenError: 409, LastAdminError: 409, WeakError: 422}


@router.get("/users")
def users(_caller: Admin, here: Here) -> list[views.User]:
    """Everybody who may log in, by name."""
    with here.database.reading() as database:
        return [views.User.model_validate(dict(row)) for row in people.list_users(database)]


@router.post("/users", status_code=201)
def add_user(said: views.NewUser, caller: Admin, here: Here) -> views.Password:
    """Let somebody log in, with a password that they are to change."""
    name = checked_name(said.name)
    password, stored = here.passwords.make()
    with here.database.writing() as database:
        people.add_user(database, name, stored, said.role, here.clock())
    log.info("user=%s added role=%s by=%s", name, said.role, caller.name)
    return views.Password(name=name, password=password)


@router.post("/users/{name}")
def change_user(name: NameInPath, said: views.UserChange, caller: Admin, here: Here) -> views.User:
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
    return views.User.model_validate(dict(row))


@router.post("/users/{name}/password")
def reset_password(name: NameInPath, caller: Admin, here: Here) -> views.Password:
    """A new password for who has lost theirs; they are logged out everywhere."""
    password, stored = here.passwords.make()
    with here.database.writing() as database:
        people.set_password(database, name, stored)
    log.info("user=%s has another password by=%s", name, caller.name)
    return views.Password(name=name, password=password)


@router.delete("/users/{name}", status_code=204)
def remove_user(name: NameInPath, caller: Admin, here: Here) -> None:
    """Somebody is gone; what they said of incidents stays."""
    with here.database.writing() as database:
        people.remove_user(database, name)
    log.info("user=%s removed by=%s", name, caller.name)


@router.get("/tokens")
def tokens(_caller: Admin, here: Here) -> list[views.Token]:
    """All tokens of programs, by name; not the tokens themselves."""
    with here.database.reading() as database:
        return [views.Token.model_validate(dict(row)) for row in people.list_tokens(database)]


@router.post("/tokens", status_code=201)
def add_token(said: views.NewToken, caller: Admin, here: Here) -> views.MadeToken:
    """A token for a program."""
    name = checked_name(said.name)
    lasts_s = None if said.days is None else said.days * _DAY_S
    with here.database.writing() as database:
        token = people.add_token(database, name, said.role, here.clock(), lasts_s)
    log.info("token=%s added role=%s by=%s", name, said.role, caller.name)
    return views.MadeToken(name=name, token=token)


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
