"""/login and /logout, and one's own password."""

from __future__ import annotations

import logging
from typing import Annotated

import anyio
from anyio import to_thread
from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection, Request

from workers.serve import metrics, people
from workers.serve.access import Viewer, check_origin, cookie_name, is_secure
from workers.serve.passwords import LONGEST, NAME, WeakError
from workers.serve.services import Here, Services

log = logging.getLogger(__name__)

router = APIRouter()

# argon2 takes 64 MiB and a tenth of a second of a core for each.
_AT_ONCE = 2
_WAITING_AT_MOST = 16

Password = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class Credentials(BaseModel):
    """Who somebody says to be."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(max_length=64)]
    password: Password


class NewPassword(BaseModel):
    """One's own password, and what it shall be."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    old: Password
    new: Password


class Gate:
    """Lets a few verify passwords at a time, and refuses to queue up more than it can soon do."""

    def __init__(self) -> None:
        self._room = anyio.CapacityLimiter(_AT_ONCE)
        self._waiting = 0

    async def verify(self, here: Services, stored: str | None, password: str) -> bool:
        """Whether the password is right.

        Raises:
            HTTPException: too many ask just now.
        """
        if self._waiting >= _WAITING_AT_MOST:
            raise HTTPException(503, "too many log in just now: try again", {"Retry-After": "5"})
        self._waiting += 1
        try:
            return await to_thread.run_sync(here.passwords.verify, stored, password, limiter=self._room)
        finally:
            self._waiting -= 1


@router.post("/login")
async def login(said: Credentials, request: Request, here: Here) -> Response:
    """Begin a session; its secret is the cookie."""
    check_origin(request, here, required=False)
    user = await _verified(said.name, said.password, request, here)
    if user is None:
        raise HTTPException(401, "name or password is wrong")

    def begin() -> str:
        with here.database.writing() as database:
            return people.begin_session(database, user, here.clock(), 3600 * here.config.session_hours)[0]

    secret = await to_thread.run_sync(begin)
    log.info("user=%s logged in from=%s", user, _address(request))
    answer = JSONResponse({"name": user})
    answer.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(3600 * here.config.session_hours),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
def logout(caller: Viewer, request: Request, here: Here) -> Response:
    """End this session."""
    with here.database.writing() as database:
        people.end_session(database, caller.session)
    answer = Response(status_code=204)
    answer.delete_cookie(
        cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="strict"
    )
    return answer


@router.post("/api/v1/me/password", status_code=204)
async def change_password(said: NewPassword, caller: Viewer, request: Request, here: Here) -> None:
    """Give yourself another password; your other sessions end."""
    if not caller.session:
        raise HTTPException(403, "a token has no password")
    if await _verified(caller.name, said.old, request, here) is None:
        raise HTTPException(403, "the old password is wrong")
    try:
        stored = await to_thread.run_sync(here.passwords.hash, said.new)
    except WeakError as error:
        raise HTTPException(422, str(error)) from None

    def change() -> None:
        with here.database.writing() as database:
            people.set_password(database, caller.name, stored, keep=caller.session)

    await to_thread.run_sync(change)
    log.info("user=%s changed the password", caller.name)


async def _verified(name: str, password: str, request: Request, here: Services) -> str | None:
    """The name if the password is its own; None if not, after the same time whether there is such a name.

    Raises:
        HTTPException: not now: too many tries were wrong.
    """
    address = _address(request)
    wait_s = here.limit.begin(address, name, here.monotonic())
    if wait_s > 0:
        metrics.LOGINS.labels("refused").inc()
        raise HTTPException(429, "too many wrong tries: wait", {"Retry-After": str(int(wait_s) + 1)})
    stored = await to_thread.run_sync(_stored, name, here)
    gate: Gate = request.app.state.gate
    if not await gate.verify(here, stored, password):
        metrics.LOGINS.labels("wrong").inc()
        return None
    here.limit.right(address, name)
    metrics.LOGINS.labels("right").inc()
    return name


def _stored(name: str, here: Services) -> str | None:
    """The stored password of a name that may log in."""
    if not NAME.match(name):
        return None
    with here.database.reading() as database:
        user = people.find_user(database, name)
    return None if user is None or user["disabled"] else str(user["password_hash"])


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""
