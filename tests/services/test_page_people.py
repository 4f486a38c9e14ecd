"""Admins say in the page who may look; nobody else is offered it."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.conftest import Site, build, database, database_place, redis_client, session_server
from tests.services.browser import Page, browser, closing, site, until
from tests.shared.fleet import wait_until


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    shown = Page(browser, site, "admin")
    shown.page.on("dialog", lambda dialog: dialog.accept())
    yield from closing(shown)


def test_an_admin_adds_somebody_who_logs_in_and_is_shut_out(page: Page, site: Site) -> None:
    shown = page.go("/people")
    shown.fill("#new-user [name=name]", "ann")
    shown.select_option("#new-user [name=role]", "operator")
    shown.click("text=Add somebody")
    password = shown.wait_for_selector("#secret code").inner_text()
    ann = site.log_in("ann", password)
    assert ann.get("/api/v1/me").json()["role"] == "operator"
    shown.select_option("select[aria-label='Role of ann']", "viewer")
    wait_until(lambda: ann.get("/api/v1/me").json()["role"] == "viewer", "the other role")
    shown.click("[aria-label='Shut out: ann']")
    shown.wait_for_selector("[aria-label='Let in again: ann']")
    assert ann.get("/api/v1/me").status_code == 401
    shown.click("[aria-label='Remove: ann']")
    shown.wait_for_selector("[aria-label='Remove: ann']", state="detached")


def test_a_token_is_shown_once(page: Page, site: Site) -> None:
    shown = page.go("/people")
    shown.fill("#new-token [name=name]", "door")
    shown.click("text=Add a token")
    token = shown.wait_for_selector("#secret code").inner_text()
    program = site.client(Authorization=f"Bearer {token}")
    assert program.get("/api/v1/me").json()["role"] == "viewer"
    shown = page.go("/people")
    shown.wait_for_selector("[aria-label='Remove: door']")
    assert token not in shown.content()
    shown.click("[aria-label='Remove: door']")
    shown.wait_for_selector("[aria-label='Remove: door']", state="detached")
    assert program.get("/api/v1/me").status_code == 401


def test_the_last_admin_stays(page: Page) -> None:
    page.expected += ("409",)
    shown = page.go("/people")
    shown.click("[aria-label='Shut out: admin']")
    shown.wait_for_selector("text='admin' is the last admin: make somebody else one first")
    shown.select_option("select[aria-label='Role of admin']", "viewer")
    until(shown, "document.querySelector('select[aria-label=\"Role of admin\"]').value === 'admin'")


def test_others_are_not_offered_it(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "operator")
    page = shown.go("/people")
    page.wait_for_selector("text=This page is for admins.")
    assert page.locator(".head nav >> text=People").count() == 0
    assert page.locator("tbody tr").count() == 0
    shown.context.close()
    assert shown.wrong == []
