"""Logging in, out, and in vain."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.conftest import PASSWORD, Site
from workers.serve import people


def log_in(site: Site, name: str = "viewer", password: str = PASSWORD, **headers: str) -> int:
    answer = site.client(**headers).post("/login", json={"name": name, "password": password})
    return answer.status_code


def test_the_session_is_a_cookie_that_scripts_and_other_pages_do_not_get(site: Site) -> None:
    answer = site.client().post("/login", json={"name": "viewer", "password": PASSWORD})
    [cookie] = answer.headers.get_list("set-cookie")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith("nexara=")
    assert {"httponly", "samesite=strict", "path=/", f"max-age={12 * 3600}"} == parts
    assert "PASSWORD" not in answer.text


def test_behind_tls_the_cookie_is_for_tls_alone(build: Callable[..., Site]) -> None:
    site = build(proxies=["127.0.0.1"])
    browser = site.client(**{"X-Forwarded-Proto": "https", "Origin": site.url.replace("http", "https")})
    answer = browser.post("/login", json={"name": "viewer", "password": PASSWORD})
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-nexara=")
    assert "; Secure" in cookie
    assert answer.headers["strict-transport-security"]


def test_who_is_no_proxy_of_ours_is_not_believed(site: Site) -> None:
    browser = site.client(**{"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.9.8.7"})
    answer = browser.post("/login", json={"name": "viewer", "password": PASSWORD})
    assert "Secure" not in answer.headers["set-cookie"]


def test_a_session_ends_by_itself_and_by_logging_out(site: Site) -> None:
    first, second = site.log_in("viewer"), site.log_in("viewer")
    cookie = dict(first.cookies)
    assert first.post("/logout").status_code == 204
    assert first.get("/api/v1/me").status_code == 401
    again = site.client(Cookie=f"nexara={cookie['nexara']}")
    assert again.get("/api/v1/me").status_code == 401, "not only the cookie is gone"
    assert second.get("/api/v1/me").json()["name"] == "viewer"
    site.clock.now += 12 * 3600
    assert second.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("name", ["viewer", "nobody", "", "VIEWER", "a\0b", "<b>", "' OR 1=1 --"])
def test_a_wrong_name_is_told_as_a_wrong_password_is(site: Site, name: str) -> None:
    answer = site.client().post("/login", json={"name": name, "password": "wrong horse battery"})
    assert (answer.status_code, answer.json()) == (401, {"detail": "name or password is wrong"})
    assert "set-cookie" not in answer.headers


def test_who_is_shut_out_is_told_the_same(site: Site) -> None:
    with site.services.database.writing() as connection:
        people.set_disabled(connection, "viewer", True)
    assert log_in(site) == 401


@pytest.mark.parametrize("body", ["", "null", "[]", '{"name": "viewer"}', '{"name": 1, "password": []}', "{"])
def test_nonsense_is_refused_without_being_repeated(site: Site, body: str) -> None:
    answer = site.client().post("/login", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"detail"}


def test_a_password_is_not_repeated_by_a_refusal(site: Site) -> None:
    said = {"name": "viewer", "password": "s3cret-horse", "more": "s3cret-horse"}
    answer = site.client().post("/login", json=said)
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


def test_a_form_of_another_page_cannot_log_anybody_in(site: Site) -> None:
    assert log_in(site, Origin="https://evil.example") == 403
    browser = site.client()
    form = browser.post("/login", data={"name": "viewer", "password": PASSWORD})
    assert form.status_code in (415, 422)
    text = '{"name": "viewer", "password": "' + PASSWORD + '"}'
    assert browser.post("/login", content=text, headers={"Content-Type": "text/plain"}).status_code in (
        415,
        422,
    )


def test_many_wrong_passwords_are_refused_unread(site: Site) -> None:
    answers = [
        site.client().post("/login", json={"name": "viewer", "password": f"wrong-horse-{i}"})
        for i in range(30)
    ]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 25
    assert int(answers[-1].headers["retry-after"]) == 2
    assert log_in(site) == 429, "not even the right one"
    site.clock.now += 2
    assert log_in(site) == 200


def test_many_at_once_are_no_way_around(site: Site) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: log_in(site, "viewer", f"wrong-horse-{i}"), range(64)))
    assert answers.count(401) == 5
    assert answers.count(429) == 59


def test_addresses_behind_a_proxy_wait_each_for_themselves(build: Callable[..., Site]) -> None:
    site = build(proxies=["127.0.0.0/8"])
    for _ in range(6):
        log_in(site, "viewer", "wrong horse", **{"X-Forwarded-For": "10.0.0.1"})
    assert log_in(site, "operator", **{"X-Forwarded-For": "10.0.0.1"}) == 429
    assert log_in(site, "operator", **{"X-Forwarded-For": "10.0.0.2"}) == 200
    assert log_in(site, "viewer", **{"X-Forwarded-For": "10.0.0.2"}) == 429, "the name waits, too"


def test_people_change_their_own_password(site: Site) -> None:
    browser, elsewhere = site.log_in("viewer"), site.log_in("viewer")
    change = "/api/v1/me/password"
    assert browser.post(change, json={"old": "wrong horse", "new": "another one"}).status_code == 403
    assert browser.post(change, json={"old": PASSWORD, "new": "short"}).status_code == 422
    assert browser.post(change, json={"old": PASSWORD, "new": "another one"}).status_code == 204
    assert browser.get("/api/v1/me").status_code == 200
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert log_in(site) == 401
    assert log_in(site, password="another one") == 200


def test_a_token_has_no_password_to_change(site: Site) -> None:
    program = site.client(Authorization=f"Bearer {site.token('admin')}")
    assert program.post("/api/v1/me/password", json={"old": "x", "new": "another one"}).status_code == 403
