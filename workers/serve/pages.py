"""The pages: files of our own, read once, found by name in a list and not by a path."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from fastapi.routing import APIRoute

from workers.serve.access import ON_A_PAGE

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILES = {
    path.name: (path.read_bytes(), _MEDIA_TYPES[path.suffix])
    for path in _FOLDER.iterdir()
    if path.suffix in _MEDIA_TYPES
}


@router.get("/login")
def login() -> Response:
    """Where people log in."""
    return _file("login.html")


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Scripts and styles: the same for everybody, without a word on any site."""
    if name.endswith(".html"):
        raise HTTPException(404)
    return _file(name)


@router.get("/", dependencies=[ON_A_PAGE])
def wall() -> Response:
    """The live wall."""
    return _file("wall.html")


@router.get("/camera", dependencies=[ON_A_PAGE])
def camera() -> Response:
    """One camera, live and over the last minutes."""
    return _file("camera.html")


@router.get("/zones", dependencies=[ON_A_PAGE])
def zones() -> Response:
    """A camera's zones, drawn on its picture."""
    return _file("zones.html")


@router.get("/incidents", dependencies=[ON_A_PAGE])
def incidents() -> Response:
    """The list of incidents."""
    return _file("incidents.html")


@router.get("/incident", dependencies=[ON_A_PAGE])
def incident() -> Response:
    """One incident."""
    return _file("incident.html")


@router.get("/system", dependencies=[ON_A_PAGE])
def system() -> Response:
    """How the fleet fares."""
    return _file("system.html")


@router.get("/people", dependencies=[ON_A_PAGE])
def people() -> Response:
    """Who may look at the site, for admins."""
    return _file("people.html")


@router.get("/account", dependencies=[ON_A_PAGE])
def account() -> Response:
    """One's own password."""
    return _file("account.html")


def away() -> Response:
    """In place of a page for which nobody can say who asks."""
    return _file("away.html", 503)


def _file(name: str, status: int = 200) -> Response:
    if name not in _FILES:
        raise HTTPException(404)
    content, media_type = _FILES[name]
    return Response(content, status, media_type=media_type)


PATHS = frozenset(route.path for route in router.routes if isinstance(route, APIRoute))
