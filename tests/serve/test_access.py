"""Who gets in: every route, every way to ask, and what strangers try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from tests.serve.conftest import Site
from workers.serve import app as serve_app
from workers.serve.access import all_routes, check_all, role_of
from workers.serve.app import PUBLIC
from workers.serve.people import Role

INCIDENT = "00000000000000ff"
FOREIGN = "https://evil.example"


def routes(site: Site) -> Iterator[Any]:
    app: FastAPI = serve_app.build_app(site.services)
    yield from all_routes(app.routes)


def filled(path: str) -> str:
    return (
        path.replace("{incident_id}", INCIDENT)
        .replace("{camera}", "lobby")
        .replace("{kind}", "clip")
        .replace("{name}", "app.css")
    )


def asked(site: Site) -> list[tuple[str, str, Role | None]]:
    """Every method and path of the page, with the role that it needs."""
    return [
        (method, filled(route.path), role_of(route))
        for route in routes(site)
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]


def test_every_route_needs_a_role_or_stands_on_the_list(site: Site) -> None:
    for route in routes(site):
        assert role_of(route) is not None or route.path in PUBLIC, route.path
    assert {"/login", "/static/{name}"} == PUBLIC


def test_a_route_that_somebody_forgets_to_guard_keeps_the_page_from_starting() -> None:
    router = APIRouter()

    @router.get("/everything")
    def everything() -> str:
        return "all of it"

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router)
    with pytest.raises(RuntimeError, match="/everything needs no role"):
        check_all(app, PUBLIC)


def test_without_a_name_nothing_is_answered(site: Site) -> None:
    stranger = site.client()
    for method, path, role in asked(site):
        answer = stranger.request(method, path)
        if role is None:
            assert answer.status_code in (200, 422), path
        else:
            assert answer.status_code in (401, 303), (method, path)
            assert "lobby" not in answer.text


@pytest.mark.parametrize("have", ["viewer", "operator", "admin"])
def test_a_role_is_enough_for_what_asks_for_it_and_for_nothing_above(site: Site, have: Role) -> None:
    program = site.client(Authorization=f"Bearer {site.token(have)}")
    order = ("viewer", "operator", "admin")
    for method, path, role in asked(site):
        if role is None:
            continue
        refused = program.request(method, path).status_code == 403
        if path == "/api/v1/me/password":
            continue
        assert refused == (order.index(have) < order.index(role)), (method, path)


def test_people_who_are_not_logged_in_are_led_to_the_login(site: Site) -> None:
    answer = site.client().get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")
    assert site.as_("viewer").get("/").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["Bearer wrong", "Bearer", "bearer nexara_x", "Basic dmlld2VyOng=", "", "nexara_x"],
)
def test_other_tokens_are_refused(site: Site, authorization: str) -> None:
    assert site.client(Authorization=authorization).get("/api/v1/me").status_code == 401


def test_a_wrong_token_does_not_fall_back_to_the_cookie(site: Site) -> None:
    browser = site.as_("viewer")
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.get("/api/v1/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_token_in_an_address_is_no_token(site: Site) -> None:
    token = site.token("admin")
    for query in ({"token": token}, {"access_token": token}, {"Authorization": f"Bearer {token}"}):
        assert site.client().get("/api/v1/me", params=query).status_code == 401


def test_a_token_that_has_run_out_is_refused(site: Site) -> None:
    program = site.client(Authorization=f"Bearer {site.token('viewer', lasts_s=60)}")
    assert program.get("/api/v1/me").status_code == 200
    site.clock.now += 61
    assert program.get("/api/v1/me").status_code == 401


# --- what other pages try with somebody's cookie ------------------------------------------------------------

ACKNOWLEDGE = f"/api/v1/incidents/{INCIDENT}/acknowledge"


def acknowledge(browser: httpx.Client, **headers: str | None) -> int:
    """Tries it with other headers, None: without; a page that may do it is told that there is no incident."""
    request = browser.build_request("POST", ACKNOWLEDGE)
    for name, value in headers.items():
        request.headers.pop(name.replace("_", "-"), None)
        if value is not None:
            request.headers[name.replace("_", "-")] = value
    return browser.send(request).status_code


def test_our_own_page_may(site: Site) -> None:
    assert acknowledge(site.as_("operator")) == 404


@pytest.mark.parametrize(
    "origin", [FOREIGN, "null", "", None, "http://127.0.0.1", "https://127.0.0.1:{port}"]
)
def test_a_foreign_page_may_change_nothing(site: Site, origin: str | None) -> None:
    origin = origin and origin.replace("{port}", site.url.rpartition(":")[2])
    assert acknowledge(site.as_("operator"), Origin=origin) == 403


@pytest.mark.parametrize("csrf", [None, "", "wrong"])
def test_without_the_csrf_token_nothing_is_changed(site: Site, csrf: str | None) -> None:
    assert acknowledge(site.as_("operator"), X_CSRF_Token=csrf) == 403


def test_a_csrf_token_of_other_letters_is_wrong_and_no_failure(site: Site) -> None:
    answer = site.as_("operator").post(ACKNOWLEDGE, headers=[(b"X-CSRF-Token", b"\xfc\xff")])
    assert answer.status_code == 403


def test_somebody_elses_csrf_token_is_no_use(site: Site) -> None:
    other = site.as_("viewer").headers["X-CSRF-Token"]
    assert acknowledge(site.as_("operator"), X_CSRF_Token=other) == 403


def test_a_program_needs_neither_but_a_foreign_page_is_refused_with_a_token_too(site: Site) -> None:
    program = site.client(Authorization=f"Bearer {site.token('operator')}")
    assert acknowledge(program) == 404
    assert acknowledge(program, Origin=FOREIGN) == 403


def test_an_origin_may_be_named(build: Callable[..., Site]) -> None:
    site = build(origins=["https://cameras.example"])
    assert acknowledge(site.as_("operator"), Origin="https://cameras.example") == 404
    assert acknowledge(site.as_("operator"), Origin="https://cameras.example.evil.example") == 403


def test_no_other_page_may_read_anything(site: Site) -> None:
    answer = site.as_("viewer").get("/api/v1/me", headers={"Origin": FOREIGN})
    assert "access-control-allow-origin" not in answer.headers
    preflight = site.client().options(ACKNOWLEDGE, headers={"Origin": FOREIGN})
    assert preflight.status_code == 405


# --- what browsers are told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/login", "/", "/api/v1/me", "/static/app.css", "/nowhere", "/static/../app.py"]
)
def test_every_answer_tells_browsers_what_not_to_do(site: Site, path: str) -> None:
    for client in (site.client(), site.as_("viewer")):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http:" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        assert "strict-transport-security" not in headers


def test_pages_hold_no_script_or_style_of_their_own(site: Site) -> None:
    for path in ("/login", "/"):
        page = site.as_("viewer").get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert " on" not in page.split("<body>")[1].replace(" only", "").replace(" one", "").replace(
            " on ", ""
        )
        assert "://" not in page
        for script in page.split("<script")[1:]:
            assert script.startswith(' type="module" src="/static/')
            assert script.split(">", 1)[1].startswith("</script>")


@pytest.mark.parametrize(
    "path",
    [
        "/static/login.html",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/",
        "/docs",
    ],
)
def test_no_other_file_is_given_out(site: Site, path: str) -> None:
    assert site.as_("admin").get(path).status_code == 404


def test_a_request_that_is_too_long_is_refused(site: Site) -> None:
    long = {"label": "true", "note": "x" * 100_000}
    answer = site.as_("operator").post(f"/api/v1/incidents/{INCIDENT}/label", json=long)
    assert answer.status_code == 413


def test_the_api_describes_itself_to_who_may_look(site: Site) -> None:
    document = site.as_("viewer").get("/api/v1/openapi.json").json()
    assert document["info"]["title"] == "NexaraVision"
    assert "/api/v1/incidents/{incident_id}/label" in document["paths"]
    assert "/" not in document["paths"]
    assert site.client().get("/api/v1/openapi.json").status_code == 401
