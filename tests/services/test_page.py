"""The page in a real browser: people see what there is, nothing runs that is not ours, it fits a phone."""

# ruff: noqa: F811 - fixtures of the tests of the serve worker
from __future__ import annotations

import shutil
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis
import simplejpeg

from shared.messages import Frame
from tests.serve.conftest import (  # noqa: F401 - fixtures
    PASSWORD,
    Site,
    build,
    database,
    database_place,
    redis_client,
    served,
    session_server,
)
from tests.serve.test_incidents import MARKUP, an_id, incident, judge, tell
from tests.serve.test_live import add, tracks, verdicts
from tests.shared.examples import FRAME, INCIDENTS
from workers.serve.live.follower import Follower

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 844}
PAGES = ("/", "/camera?camera=lobby", "/incidents", f"/incident?id={an_id(1)}", "/system", "/account")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("needs chromium: make services")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture
def site(build: Callable[..., Site], redis_client: redis.Redis) -> Iterator[Site]:
    """A site with a picture, a person, an incident whose note is markup."""
    served = build(picture="picture")
    here = served.services
    served.clock.now = time.time()
    tell(served, incident(1), incident(1, "end", end_reason="quiet"))
    judge(served, *(100 + number / 3 for number in range(12)))
    said = {"label": "none", "note": MARKUP}
    served.as_("operator").post(f"/api/v1/incidents/{an_id(1)}/label", json=said)
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 41, tracks(41))
    stop = threading.Event()
    follower = Follower(here.bus, here.hub, here.observer, here.place.cameras, pictures=True)
    thread = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    thread.start()
    here.observer.look()
    yield served
    stop.set()
    thread.join(5)


class Page:
    """A page with somebody logged in, and what went wrong on it."""

    def __init__(self, browser: Any, site: Site, name: str = "operator", **options: Any) -> None:
        self.site = site
        self.wrong: list[str] = []
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda m: self.note(m.type, m.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda r: r.url.startswith((site.url, "blob:")) or self.wrong.append(r.url))
        self.page.goto(f"{site.url}/incidents")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{site.url}/incidents")

    def note(self, kind: str, text: str) -> None:
        """What the console says; that reading canvases is slow is the tests' own doing."""
        if kind in ("error", "warning") and not text.startswith("Canvas2D"):
            self.wrong.append(text)

    def go(self, path: str) -> Any:
        self.page.goto(self.site.url + path)
        self.page.wait_for_selector(".head nav a")
        return self.page


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    shown = Page(browser, site)
    yield shown
    shown.context.close()
    assert shown.wrong == []


def lit(page: Any, selector: str) -> int:
    """How many pixels of a canvas are not black."""
    count: int = page.evaluate(
        """(selector) => {
            const canvas = document.querySelector(selector);
            const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let lit = 0;
            for (let i = 0; i < data.length; i += 4) lit += data[i] + data[i + 1] + data[i + 2] > 90;
            return lit;
        }""",
        selector,
    )
    return count


def test_every_page_is_shown_without_a_fault(page: Page) -> None:
    for path in PAGES:
        shown = page.go(path)
        shown.wait_for_timeout(600)
        assert shown.inner_text("#problem") == "" if shown.query_selector("#problem") else True, path


def test_the_wall_shows_each_camera_with_people_and_their_scores(page: Page) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".person .value")
    assert shown.eval_on_selector_all(".tile header a", "links => links.map(a => a.textContent)") == [
        "lobby",
        "yard",
    ]
    shown.wait_for_timeout(300)
    assert lit(shown, ".tile canvas") > 200
    row = shown.inner_text(".person")
    assert "safe" in row
    assert "0.13" in row or "0.12" in row
    assert "idle" in row, "the veto was not asked"


def test_a_picture_is_drawn_below_the_skeletons(page: Page, redis_client: redis.Redis) -> None:
    shown = page.go("/camera?camera=lobby")
    shown.wait_for_function("document.querySelector('#view').width > 300")
    before = lit(shown, "#view")
    add(redis_client, "frames", 42, white_picture(42))
    time.sleep(0.4)
    add(redis_client, "tracks", 42, tracks(42))
    shown.wait_for_timeout(1500)
    assert lit(shown, "#view") > 10 * before


def white_picture(number: int) -> Frame:
    jpeg = simplejpeg.encode_jpeg(np.full((360, 640, 3), 255, np.uint8))
    return FRAME.model_copy(update={"number": number, "image": jpeg, "crc": zlib.crc32(jpeg)})


def test_a_new_incident_is_told_at_once_and_can_be_acknowledged(
    page: Page,
    redis_client: redis.Redis,
    site: Site,
) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".tile")
    shown.wait_for_timeout(500)
    tell(site, incident(9, incident_id=INCIDENTS.incidents[0].incident_id))
    add(redis_client, "incidents", 41, INCIDENTS)
    banner = shown.wait_for_selector(".banner[role=alert]")
    assert "lobby" in banner.inner_text()
    assert shown.query_selector(".tile.alarmed") is not None
    shown.click(".banner >> text=Acknowledge")
    shown.wait_for_selector(".banner", state="detached")
    told = site.as_("viewer").get(f"/api/v1/incidents/{INCIDENTS.incidents[0].incident_id}").json()
    assert told["incident"]["acknowledged_by"] == "operator"


def test_markup_in_a_note_is_shown_as_text_and_does_nothing(page: Page) -> None:
    shown = page.go("/incidents")
    assert shown.wait_for_selector("td.note").inner_text() == MARKUP
    shown.click("table a")
    assert shown.wait_for_selector("textarea").input_value() == MARKUP
    assert shown.query_selector("img[src=x]") is None


def test_what_an_incident_was_is_said_on_its_page(page: Page, site: Site) -> None:
    shown = page.go(f"/incident?id={an_id(1)}")
    shown.fill("textarea", "two men, a bottle")
    shown.click("text=False alarm")
    shown.wait_for_selector("button[aria-pressed=true] >> text=False alarm")
    told = site.as_("viewer").get(f"/api/v1/incidents/{an_id(1)}").json()["incident"]
    assert (told["label"], told["note"]) == ("false", "two men, a bottle")
    assert lit(shown, "#plot") > 500


def test_a_viewer_is_offered_nothing_that_only_operators_may(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "viewer")
    page = shown.go(f"/incident?id={an_id(1)}")
    page.wait_for_selector("#saying p")
    assert page.query_selector_all("#saying button, textarea") == []
    assert page.inner_text("#saying .note") == MARKUP
    shown.context.close()
    assert shown.wrong == []


def test_everything_fits_a_phone(browser: Any, site: Site) -> None:
    shown = Page(browser, site, viewport=PHONE)
    for path in PAGES:
        page = shown.go(path)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    shown.context.close()
    assert shown.wrong == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".tile")
    reached = []
    for _ in range(10):
        shown.keyboard.press("Tab")
        reached.append(shown.evaluate("document.activeElement.textContent.trim()"))
        assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached[0] == "To the contents"
    assert {"Live", "Incidents", "System", "Account", "Sound", "lobby", "yard"} <= set(reached)


def test_who_logs_out_is_out(page: Page) -> None:
    shown = page.go("/account")
    shown.click("#logout")
    shown.wait_for_url("**/login")
    shown.goto(page.site.url + "/system")
    shown.wait_for_url("**/login?next=/system")


def test_the_login_leads_to_no_other_site(browser: Any, site: Site) -> None:
    for wanted in ("//evil.example/x", "https://evil.example/", "javascript:alert(1)", "/\\\\evil.example"):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{site.url}/login?next={wanted}")
        page.fill("input[name=name]", "viewer")
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_selector(".head nav a")
        assert page.url.startswith(site.url)
        context.close()


def test_the_page_says_that_the_server_is_away_and_comes_back(browser: Any, site: Site) -> None:
    with served(site.services) as url:
        shown = Page(browser, replace(site, url=url))
        page = shown.go("/")
        page.wait_for_selector(".tile")
    page.wait_for_selector("#offline")
    with served(site.services, int(url.rpartition(":")[2])):
        page.wait_for_selector("#offline", state="detached", timeout=40_000)
    shown.context.close()
