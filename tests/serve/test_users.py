"""Admins say over the API who may look at the site; secrets are told once, and the last admin stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serve.conftest import PASSWORD, Site
from workers.serve import people
from workers.serve.people import LastAdminError

USERS, TOKENS = "/api/v1/users", "/api/v1/tokens"


@pytest.fixture
def database_place(database_url: str) -> str:
    return database_url


def test_people_are_listed_by_name_without_their_passwords(site: Site) -> None:
    answer = site.as_("admin").get(USERS)
    assert [(user["name"], user["role"]) for user in answer.json()] == [
        ("admin", "admin"),
        ("operator", "operator"),
        ("viewer", "viewer"),
    ]
    assert "argon2" not in answer.text


def test_somebody_new_logs_in_with_a_password_that_is_told_once(site: Site) -> None:
    answer = site.as_("admin").post(USERS, json={"name": "ann", "role": "operator"})
    assert answer.status_code == 201
    password = answer.json()["password"]
    assert len(password) >= 20
    assert site.log_in("ann", password).get("/api/v1/me").json()["role"] == "operator"
    assert password not in site.as_("admin").get(USERS).text


def test_another_role_and_shutting_out_take_effect_at_once(site: Site) -> None:
    viewer = site.as_("viewer")
    admin = site.as_("admin")
    assert admin.post(f"{USERS}/viewer", json={"role": "operator"}).json()["role"] == "operator"
    assert viewer.get("/api/v1/me").json()["role"] == "operator"
    assert admin.post(f"{USERS}/viewer", json={"disabled": True}).json()["disabled"] is True
    assert viewer.get("/api/v1/me").status_code == 401
    assert admin.post(f"{USERS}/viewer", json={"disabled": False}).json()["disabled"] is False
    assert site.log_in("viewer").get("/api/v1/me").status_code == 200


def test_a_new_password_ends_what_the_old_one_began(site: Site) -> None:
    viewer = site.as_("viewer")
    password = site.as_("admin").post(f"{USERS}/viewer/password").json()["password"]
    assert viewer.get("/api/v1/me").status_code == 401
    refused = site.client().post("/login", json={"name": "viewer", "password": PASSWORD})
    assert refused.status_code == 401
    assert site.log_in("viewer", password).get("/api/v1/me").status_code == 200


def test_who_is_removed_is_gone(site: Site) -> None:
    viewer, admin = site.as_("viewer"), site.as_("admin")
    assert admin.delete(f"{USERS}/viewer").status_code == 204
    assert viewer.get("/api/v1/me").status_code == 401
    assert admin.delete(f"{USERS}/viewer").status_code == 404


def test_a_token_is_told_once_and_taken_back(site: Site) -> None:
    admin = site.as_("admin")
    made = admin.post(TOKENS, json={"name": "door", "role": "viewer", "days": 1}).json()
    program = site.client(Authorization=f"Bearer {made['token']}")
    assert program.get("/api/v1/me").json()["name"] == "door"
    listed = admin.get(TOKENS)
    [token] = listed.json()
    assert (token["name"], token["role"]) == ("door", "viewer")
    assert token["expires_at"] - token["created_at"] == 86_400
    assert made["token"] not in listed.text
    assert admin.delete(f"{TOKENS}/door").status_code == 204
    assert program.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("path", "said", "status"),
    [
        (USERS, {"name": "viewer", "role": "viewer"}, 409),
        (USERS, {"name": "VIEWER", "role": "viewer"}, 409),
        (USERS, {"name": "<b>", "role": "viewer"}, 422),
        (USERS, {"name": "ann", "role": "owner"}, 422),
        (USERS, {"name": "ann", "role": "viewer", "password": "mine"}, 422),
        (f"{USERS}/ann", {"role": "viewer"}, 404),
        (f"{USERS}/ann", {}, 404),
        (f"{USERS}/ann/password", None, 404),
        (TOKENS, {"name": "x/y", "role": "viewer"}, 422),
        (TOKENS, {"name": "door", "role": "viewer", "days": 0}, 422),
    ],
)
def test_what_cannot_be_is_refused_in_words(site: Site, path: str, said: Any, status: int) -> None:
    answer = site.as_("admin").post(path, json=said)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}


@pytest.mark.parametrize("change", [{"role": "operator"}, {"disabled": True}])
def test_the_last_admin_stays_an_admin(site: Site, change: dict[str, Any]) -> None:
    admin = site.as_("admin")
    answer = admin.post(f"{USERS}/admin", json=change)
    assert (answer.status_code, "last admin" in answer.json()["detail"]) == (409, True)
    assert admin.delete(f"{USERS}/admin").status_code == 409
    assert admin.post(f"{USERS}/operator", json={"role": "admin"}).status_code == 200
    assert admin.post(f"{USERS}/admin", json=change).status_code == 200


def test_an_admin_who_is_shut_out_does_not_count(site: Site) -> None:
    with site.services.database.writing() as connection:
        people.add_user(connection, "gone", "x", "admin", 0.0)
        people.set_disabled(connection, "gone", True)
    with site.services.database.writing() as connection, pytest.raises(LastAdminError, match="'admin'"):
        people.remove_user(connection, "admin")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_else_may(site: Site, role: people.Role) -> None:
    browser = site.as_(role)
    for method, path in (
        *(("GET", USERS), ("POST", USERS), ("POST", f"{USERS}/viewer"), ("DELETE", f"{USERS}/viewer")),
        *(("POST", f"{USERS}/viewer/password"), ("GET", TOKENS), ("POST", TOKENS)),
    ):
        assert browser.request(method, path, json={}).status_code == 403, (method, path)


def test_a_foreign_page_removes_nobody(site: Site) -> None:
    admin = site.as_("admin")
    path = f"{USERS}/viewer"
    assert admin.delete(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert admin.delete(path, headers={"X-CSRF-Token": "wrong"}).status_code == 403
    assert site.as_("viewer").get("/api/v1/me").status_code == 200
