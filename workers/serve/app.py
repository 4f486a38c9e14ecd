"""Puts the routes together, behind what guards all of them."""

from __future__ import annotations

import logging
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from shared.bus import BusError
from shared.store.database import DatabaseAwayError
from workers.serve import login, pages
from workers.serve.access import check_all
from workers.serve.api import evidence, fleet, incidents, rules, users
from workers.serve.headers import SecurityHeaders
from workers.serve.live import route as live
from workers.serve.measure import Measured
from workers.serve.services import Services

log = logging.getLogger(__name__)

# Who is not logged in needs these to be able to.
PUBLIC = frozenset({"/login", "/static/{name}"})
# No request of ours is longer than a note.
_LONGEST_BODY_BYTES = 64 * 2**10
_DATABASE_AWAY = "the database does not answer: try again"
_DATABASE_FULL = "the database's disk is full, nothing can be stored: free some room, then try again"
# As SQLite and PostgreSQL say it.
_DISK_FULL = ("disk is full", "No space left")


def build_app(services: Services) -> FastAPI:
    """The application.

    Raises:
        RuntimeError: a route is open to everybody and not said to be.
    """
    app = FastAPI(
        title="NexaraVision",
        version=version("nexara"),
        description="Cameras, incidents and verdicts of one site.",
        # The document is behind the login, and FastAPI's pages for it would fetch scripts from elsewhere.
        openapi_url=None,
        max_body_size=_LONGEST_BODY_BYTES,
    )
    app.state.services = services
    app.state.gate = login.Gate()
    for module in (pages, login, fleet, rules, incidents, evidence, users, live):
        app.include_router(module.router)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(DatabaseAwayError, _away)
    app.add_exception_handler(BusError, _away)
    for refusal in users.REFUSALS:
        app.add_exception_handler(refusal, users.refused)
    app.add_middleware(Measured)
    app.add_middleware(SecurityHeaders)
    check_all(app, PUBLIC)
    return app


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """The first mistake in words. What was sent is not repeated: it may be a password."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    first = problems[0] if problems else {"loc": (), "msg": "is not valid"}
    where = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 422)


async def _away(request: Request, error: Exception) -> Response:
    """Something that we need does not answer. Where it lies is for the log alone."""
    log.warning("%s", error)
    if request.method == "GET" and request.url.path in pages.PATHS:
        return pages.away()
    detail = "the server does not answer: try again"
    if isinstance(error, DatabaseAwayError):
        full = any(words in str(error) for words in _DISK_FULL)
        detail = _DATABASE_FULL if full else _DATABASE_AWAY
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "5"})
