"""An incident in a real browser, as a guard has it: it is told, looked at, played, acknowledged, labelled."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import redis
from sqlalchemy import insert

from shared.messages import Incidents
from shared.store.tables import evidence
from tests.serve.conftest import PASSWORD, Site, build, database, database_place, redis_client, session_server
from tests.serve.test_incidents import an_id, incident, judge, tell
from tests.serve.test_live import add
from tests.services.browser import Page, browser, closing, followed, lit, until
from tests.services.staged import CAMERAS, Moments, StagedSite, moments_of
from tests.shared.examples import INCIDENTS
from workers.archive.evidence.encoding import write_clip, write_snapshot

TOLD = an_id(9)
# Never, as opposed to late: how late it is stands in docs/page.md.
NEVER_S = 20


@pytest.fixture(scope="module")
def moments() -> Moments:
    return moments_of(3)


@pytest.fixture
def site(build: Callable[..., Site], redis_client: redis.Redis, moments: Moments) -> Iterator[Site]:
    """Four cameras in which people move, and an incident that has ended."""
    served = build(cameras=CAMERAS, picture="picture")
    served.clock.now = time.time()
    tell(served, incident(1), incident(1, "end", end_reason="quiet"), camera="plaza")
    judge(served, *(100 + number / 3 for number in range(12)), camera="plaza")
    keep_clip(served, an_id(1))
    stop = threading.Event()
    staged = StagedSite(redis_client, moments, pictures=True)
    thread = threading.Thread(target=staged.run, args=(stop,), daemon=True)
    thread.start()
    yield from followed(served)
    stop.set()
    thread.join(5)


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    yield from closing(Page(browser, site))


def keep_clip(site: Site, incident_id: str) -> None:
    """A clip and a snapshot, as the archive makes them."""
    folder = site.services.place.evidence
    folder.mkdir(parents=True, exist_ok=True)
    images = [np.full((180, 320, 3), 8 * number, np.uint8) for number in range(20)]
    write_clip(folder / "clip.mp4", [(number / 10, image) for number, image in enumerate(images)], 0.1)
    write_snapshot(folder / "snapshot.jpg", images[10])
    for kind, name in (("clip", "clip.mp4"), ("snapshot", "snapshot.jpg")):
        row = {
            "incident_id": incident_id, "kind": kind, "camera": "plaza", "path": name,
            "bytes": (folder / name).stat().st_size, "sha256": None, "first_at": 95.0, "last_at": 107.5,
            "made_at": 1200.0, "note": None,
        }  # fmt: skip
        with site.services.database.writing() as connection:
            connection.execute(insert(evidence).values(**row))


def happen(site: Site, client: redis.Redis, **more: Any) -> None:
    """A new incident: in the database, as the archive stores it, and in the stream."""
    one = incident(9, **more)
    tell(site, one, camera="plaza")
    now = {"camera": "plaza", "captured_at": time.time(), "incidents": (one,)}
    add(client, "incidents", 41, INCIDENTS.model_copy(update=now), camera="plaza")


def told_of(site: Site, incident_id: str) -> dict[str, Any]:
    told: dict[str, Any] = site.as_("viewer").get(f"/api/v1/incidents/{incident_id}").json()["incident"]
    return told


def test_four_cameras_move_on_the_wall(page: Page) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".person .value")
    names = shown.eval_on_selector_all(".tile header a", "links => links.map(a => a.textContent)")
    assert tuple(names) == CAMERAS
    picture = "canvas => canvas.toDataURL()"
    until(shown, "document.querySelectorAll('.stage.old').length === 0")
    before = shown.eval_on_selector_all(".tile canvas", f"all => all.map({picture})")
    shown.wait_for_timeout(700)
    after = shown.eval_on_selector_all(".tile canvas", f"all => all.map({picture})")
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert shown.evaluate("document.documentElement.scrollHeight") <= 900, "all four without scrolling"


def test_a_new_incident_is_on_the_page_at_once_and_can_be_acknowledged(
    page: Page, site: Site, redis_client: redis.Redis
) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".person .value")
    shown.evaluate(
        """() => {
            window.toldAt = new Promise((resolve) => {
                const look = () => document.querySelector(".banner.alarm") && resolve(Date.now());
                new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
            });
        }"""
    )
    happened_at = time.time()
    happen(site, redis_client)
    shown.wait_for_selector(".banner.alarm[role=alert]")
    after_s = shown.evaluate("window.toldAt") / 1000 - happened_at
    print(f"from the record in the stream to the page: {1000 * after_s:.0f} ms")  # noqa: T201 - a figure
    assert after_s < NEVER_S
    assert "plaza" in shown.inner_text(".banner.alarm")
    assert shown.inner_text(".tile.alarmed header").startswith("plaza")
    assert "▲ incident" in shown.inner_text(".tile.alarmed header")
    assert shown.title().startswith("▲ 1 ")
    assert "plaza" in shown.inner_text("#recent li.open")
    shown.click(".banner.alarm >> text=Acknowledge")
    shown.wait_for_selector(".banner.alarm", state="detached")
    assert told_of(site, TOLD)["acknowledged_by"] == "operator"
    assert not shown.title().startswith("▲")


def test_an_incident_in_shadow_mode_alarms_nobody(page: Page, site: Site, redis_client: redis.Redis) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".person .value")
    happen(site, redis_client, shadow=True)
    shown.wait_for_selector("#recent li.open")
    assert shown.query_selector(".banner.alarm") is None


def test_many_incidents_do_not_bury_the_page(page: Page, redis_client: redis.Redis) -> None:
    shown = page.go("/system")
    shown.wait_for_timeout(500)
    several = tuple(incident(20 + number) for number in range(7))
    message = INCIDENTS.model_copy(update={"camera": "plaza", "incidents": several})
    add(redis_client, "incidents", 41, message, camera="plaza")
    shown.wait_for_selector("#others:visible")
    assert shown.locator(".banner.alarm:visible").count() == 1
    assert "and 6 more" in shown.inner_text("#others")


def test_with_the_keyboard_alone_from_the_login_to_a_label(
    browser: Any, site: Site, redis_client: redis.Redis
) -> None:
    shown = Page(browser, site)
    page = shown.page
    page.goto(f"{site.url}/account")
    page.wait_for_selector("#who:not(:empty)")
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    page.wait_for_selector("input[name=name]")
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".person .value")
    happen(site, redis_client)
    page.wait_for_selector(".banner.alarm")
    tab_to(page, "Look")
    page.keyboard.press("Enter")
    page.wait_for_selector("#saying textarea")
    tab_to(page, "Acknowledge")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Seen by operator")
    tab_to(page, "False alarm")
    page.keyboard.press("Space")
    page.wait_for_selector("button[aria-pressed=true] >> text=False alarm")
    assert (told_of(site, TOLD)["acknowledged_by"], told_of(site, TOLD)["label"]) == ("operator", "false")
    shown.context.close()
    assert shown.wrong == []


def tab_to(page: Any, words: str) -> None:
    """Presses Tab until these words are where the keyboard is, and looks that it can be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"the keyboard does not reach '{words}'")


def test_the_clip_of_an_incident_plays(page: Page) -> None:
    shown = page.go(f"/incident?id={an_id(1)}")
    shown.wait_for_selector("video")
    shown.evaluate("document.querySelector('video').play()")
    until(shown, "document.querySelector('video').currentTime > 0.5")
    assert shown.evaluate("document.querySelector('video').videoWidth") == 320
    with shown.expect_download() as download:
        shown.click("text=Download the clip")
    assert download.value.suggested_filename == f"plaza-{an_id(1)}.mp4"


def test_what_an_incident_was_is_said_and_taken_back(page: Page, site: Site) -> None:
    shown = page.go(f"/incident?id={an_id(1)}")
    shown.fill("textarea", "two men, a bottle")
    shown.click("#saying >> text=False alarm")
    shown.wait_for_selector("button[aria-pressed=true] >> text=False alarm")
    told = told_of(site, an_id(1))
    assert (told["label"], told["note"]) == ("false", "two men, a bottle")
    assert told["acknowledged_by"] == "operator", "who says what it was has seen it"
    assert lit(shown, "#plot") > 500
    shown.click("#saying >> text=False alarm")
    shown.wait_for_selector("button[aria-pressed=false] >> text=False alarm")
    assert told_of(site, an_id(1))["label"] is None


def test_incidents_are_filtered_and_exported(page: Page, site: Site) -> None:
    tell(site, incident(2), camera="lobby")
    shown = page.go("/incidents")
    shown.wait_for_selector("tbody tr")
    assert shown.locator("tbody tr").count() == 2
    shown.select_option("select[name=camera]", "lobby")
    shown.click("text=Find")
    until(shown, "document.querySelectorAll('tbody tr').length === 1")
    assert "camera=lobby" in shown.url
    with shown.expect_download() as download:
        shown.click("#csv")
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 2
    assert an_id(2) in lines[1]
    shown.select_option("select[name=state]", "merged")
    shown.click("text=Find")
    shown.wait_for_selector("text=No incident is like that.")
