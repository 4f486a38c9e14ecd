"""Who asks, and whether they may: every route needs a role, unless it is on the list of those that do not.

A browser shows its session by a cookie, a program its token in the header `Authorization: Bearer`. What
changes something, and what opens a live view, must come from our own pages: its Origin is ours, and a session
brings its CSRF token along in the header `X-CSRF-Token`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, HTTPException
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection

from shared.store.database import DatabaseAwayError
from workers.serve import people
from workers.serve.passwords import digest
from workers.serve.people import Caller, Role
from workers.serve.services import Here, Services

CSRF_HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD")


class Needs:
    """A dependency: the role that a route needs, at least. Gives the route its caller.

    Args:
        role: that role.
        page: for people, who are sent to the login instead of refused.
    """

    def __init__(self, role: Role, page: bool = False) -> None:
        self.role = role
        self.page = page

    def __call__(self, connection: HTTPConnection, here: Here) -> Caller:
        """Who asks.

        Raises:
            HTTPException: they may not.
        """
        scope = connection.scope
        looks = scope["type"] == "websocket" or scope["method"] in _SAFE
        caller = identify(connection, here, looks)
        if caller is None and self.page:
            raise HTTPException(303, headers={"Location": f"/login?next={quote(_path(connection))}"})
        if caller is None:
            raise HTTPException(401, "log in, or send a token", {"WWW-Authenticate": "Bearer"})
        if not caller.may(self.role):
            raise HTTPException(403, f"only for the role {self.role}")
        if scope["type"] == "websocket" or not looks:
            check_origin(connection, here, required=bool(caller.session))
        if not looks:
            _check_csrf(connection, caller)
        return caller


Viewer = Annotated[Caller, Depends(Needs("viewer"))]
Operator = Annotated[Caller, Depends(Needs("operator"))]
Admin = Annotated[Caller, Depends(Needs("admin"))]
# For pages, which hold nothing but what everybody may know; what they show they ask for themselves.
ON_A_PAGE = Depends(Needs("viewer", page=True))


def identify(connection: HTTPConnection, here: Services, looks: bool) -> Caller | None:
    """Whose cookie or token this request shows.

    Args:
        connection: the request.
        here: knows whose they are.
        looks: it changes nothing: while the database is away, who was let in lately is let in.

    Raises:
        DatabaseAwayError: the database is away, and nobody remembers who this is.
    """
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        secret, find = secret.strip(), _of_token
        if scheme.lower() != "bearer":
            return None
    else:
        secret, find = connection.cookies.get(cookie_name(connection), ""), _of_session
    if not secret:
        return None
    key, now = digest(secret), here.clock()
    try:
        caller = find(secret, here, now)
    except DatabaseAwayError:
        caller = here.remembered.of(key, now)
        if caller is None or not looks:
            raise
        return caller
    here.remembered.note(key, caller, now)
    return caller


def cookie_name(connection: HTTPConnection) -> str:
    """What the session's cookie is called; by that prefix browsers take it from https alone."""
    return "__Host-nexara" if is_secure(connection) else "nexara"


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the connection is encrypted, here or at a proxy that we believe."""
    return connection.url.scheme in ("https", "wss")


def check_origin(connection: HTTPConnection, here: Services, required: bool) -> None:
    """Raises HTTPException if the request comes from somebody else's page.

    Args:
        connection: the request.
        here: knows more origins that are ours.
        required: refuse a request that does not say where it comes from. Browsers always say it.
    """
    origin = connection.headers.get("origin")
    scheme = "https" if is_secure(connection) else "http"
    ours = f"{scheme}://{connection.headers.get('host', '')}".lower()
    allowed = not required if origin is None else origin.lower() in (ours, *here.config.origins)
    if not allowed:
        raise HTTPException(403, "not from this page: if this is its address, name it in serve.origins")


def _check_csrf(connection: HTTPConnection, caller: Caller) -> None:
    shown = connection.headers.get(CSRF_HEADER, "")
    if caller.csrf and not hmac.compare_digest(shown.encode(), caller.csrf.encode()):
        raise HTTPException(403, f"the header {CSRF_HEADER} is missing or wrong: load the page again")


def _of_session(secret: str, here: Services, now: float) -> Caller | None:
    with here.database.reading() as database:
        return people.find_session(database, digest(secret), now)


def _of_token(secret: str, here: Services, now: float) -> Caller | None:
    with here.database.reading() as database:
        found = people.find_token(database, secret, now)
    if found is None:
        return None
    caller, worth_noting = found
    if worth_noting:
        _note_use(caller.name, here, now)
    return caller


def _note_use(name: str, here: Services, now: float) -> None:
    try:
        with here.database.writing() as database:
            people.note_use(database, name, now)
    except DatabaseAwayError:
        # Whoever may read shall read, even where nothing can be written now.
        return


def _path(connection: HTTPConnection) -> str:
    query = connection.url.query
    return connection.url.path + (f"?{query}" if query else "")


# --- nothing is open by mistake -----------------------------------------------------------------------------


def check_all(app: FastAPI, public: frozenset[str]) -> None:
    """Raises RuntimeError if a route needs no role and is not on the list of public ones."""
    for route in all_routes(app.routes):
        path = getattr(route, "path", str(route))
        if path not in public and role_of(route) is None:
            raise RuntimeError(f"{path} needs no role and is not said to be public")


def all_routes(routes: Iterable[object]) -> Iterator[object]:
    """Routes, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from all_routes(included.routes)


def role_of(route: object) -> Role | None:
    """The role that a route needs; None if it needs none."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    return next((call.role for call in _calls(route.dependant) if isinstance(call, Needs)), None)


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
