"""What the page says when something is away: clear words, and what works goes on."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis

from shared.messages import Mark
from shared.store.database import Database, DatabaseAwayError
from tests.serve.conftest import (
    PASSWORD,
    Site,
    build,
    database,
    database_place,
    redis_client,
    served,
    session_server,
)
from tests.serve.test_incidents import an_id
from tests.serve.test_live import add, tracks
from tests.services.browser import Page, browser, page, site, until
from tests.shared.examples import HEAD
from workers.serve.live import wire
from workers.serve.live.hub import EVERYWHERE


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Call it to take the database away."""
    with monkeypatch.context() as patch:
        yield patch


def take_database_away(patch: pytest.MonkeyPatch, why: str = "connection refused") -> None:
    def refuse(_self: Database) -> None:
        raise DatabaseAwayError(f"postgresql://me@10.0.0.7/x: {why}")

    patch.setattr(Database, "reading", refuse)
    patch.setattr(Database, "writing", refuse)


def test_the_page_says_that_its_server_is_away_and_comes_back(browser: Any, site: Site) -> None:
    with served(site.services) as url:
        shown = Page(browser, replace(site, url=url))
        page = shown.go("/")
        page.wait_for_selector(".tile")
    page.wait_for_selector("#news-offline")
    assert "what is shown is old" in page.inner_text("#news-offline")
    with served(site.services, int(url.rpartition(":")[2])):
        page.wait_for_selector("#news-offline", state="detached", timeout=40_000)
    shown.context.close()


def test_while_the_database_is_away_people_are_watched_and_told_why_the_rest_fails(
    page: Page, site: Site, redis_client: redis.Redis, away: pytest.MonkeyPatch
) -> None:
    page.expected += ("503",)
    page.go("/")
    take_database_away(away)
    site.services.hub.tell_newest("health", EVERYWHERE, [wire.health(server=True, database=False)])
    shown = page.go("/")
    shown.wait_for_selector("#news-database")
    assert "live views go on" in shown.inner_text("#news-database")
    until(shown, "document.querySelector('#problem').textContent.includes('database')")
    add(redis_client, "tracks", 900, tracks(900))
    shown.wait_for_selector("text=not judged yet")
    shown = page.go("/camera?camera=lobby")
    shown.wait_for_selector(".view")
    shown = page.go(f"/incident?id={an_id(1)}")
    shown.wait_for_selector("text=The database does not answer: try again.")
    site.services.hub.tell_newest("health", EVERYWHERE, [wire.health(server=True, database=True)])
    shown.wait_for_selector("#news-database", state="detached")


def test_who_comes_while_the_database_is_away_is_told_to_wait_and_let_in_later(
    browser: Any, site: Site, away: pytest.MonkeyPatch
) -> None:
    shown = Page(browser, site)
    shown.expected += ("503",)
    site.services.clock.now += 7200  # type: ignore[attr-defined]
    take_database_away(away)
    shown.page.goto(site.url + "/system")
    assert "The database does not answer" in shown.page.inner_text("main")
    away.undo()
    shown.page.wait_for_selector(".head nav a")
    shown.context.close()
    assert shown.wrong == []


def test_a_full_disk_is_told_in_words(page: Page, away: pytest.MonkeyPatch) -> None:
    page.expected += ("503",)
    shown = page.go(f"/incident?id={an_id(1)}")
    shown.wait_for_selector("#saying textarea")

    def full(_self: Database) -> None:
        raise DatabaseAwayError("sqlite:////x: database or disk is full")

    away.setattr(Database, "writing", full)
    shown.click("#saying >> text=False alarm")
    shown.wait_for_selector("text=disk is full, nothing can be stored: free some room")
    assert shown.query_selector("#saying [aria-pressed=true]") is None


def test_while_the_message_server_is_away_every_page_says_so(page: Page, site: Site) -> None:
    site.services.hub.tell_newest("health", EVERYWHERE, [wire.health(server=False, database=True)])
    for path in ("/", "/incidents", "/account"):
        shown = page.go(path)
        shown.wait_for_selector("#news-server")
        assert "no new incident can be told" in shown.inner_text("#news-server")


def test_a_camera_that_fell_silent_says_so_over_its_picture(
    page: Page, site: Site, redis_client: redis.Redis
) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".tile")
    add(redis_client, "tracks", 50, Mark(**{**HEAD, "captured_at": time.time()}))
    site.services.observer.look()
    shown.wait_for_selector("text=No picture from the camera")
    assert "no picture" in shown.inner_text(".tile >> nth=0")
    assert "Waits for its first frame" in shown.inner_text(".tile >> nth=1")


def test_a_picture_that_stands_still_says_for_how_long(
    page: Page, site: Site, redis_client: redis.Redis
) -> None:
    shown = page.go("/camera?camera=lobby")
    add(redis_client, "tracks", 60, tracks(60, captured_at=time.time()))
    site.services.observer.look()
    shown.wait_for_selector("text=/No new frame for \\d+ s/")


def test_a_camera_or_incident_that_is_not_there_is_told(page: Page) -> None:
    page.expected += ("404",)
    shown = page.go("/camera?camera=attic")
    shown.wait_for_selector("text=The site has no such camera.")
    shown = page.go(f"/incident?id={an_id(777)}")
    shown.wait_for_selector("text=There is no such incident.")
    assert shown.is_hidden("#all")


def test_a_wrong_password_and_too_many_are_told_in_words(browser: Any, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/login")
    for turn in range(7):
        page.fill("input[name=name]", "viewer")
        page.fill("input[name=password]", f"wrong horse {turn}")
        page.keyboard.press("Enter")
        until(
            page,
            "document.querySelector('#problem').textContent && !document.querySelector('button').disabled",
        )
        if turn == 0:
            assert page.inner_text("#problem") == "Name or password is wrong."
    assert "Too many wrong tries: wait" in page.inner_text("#problem")
    context.close()
