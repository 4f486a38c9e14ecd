"""A real browser on a served site, for the tests of the page."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

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
from tests.serve.test_incidents import MARKUP, an_id, incident, judge, tell
from tests.serve.test_live import add, tracks, verdicts
from workers.serve.live.follower import Follower

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 844}
PAGES = (
    *("/", "/camera?camera=lobby", "/incidents", f"/incident?id={an_id(1)}"),
    *("/zones?camera=lobby", "/system", "/people", "/account"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
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
    served.clock.now = time.time()
    tell(served, incident(1), incident(1, "end", end_reason="quiet"))
    judge(served, *(100 + number / 3 for number in range(12)))
    said = {"label": "none", "note": MARKUP}
    served.as_("operator").post(f"/api/v1/incidents/{an_id(1)}/label", json=said)
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 41, tracks(41))
    yield from followed(served)


def followed(served: Site) -> Iterator[Site]:
    """The same site, whose streams are followed."""
    here = served.services
    stop = threading.Event()
    pictures = here.config.picture == "picture"
    follower = Follower(here.bus, here.hub, here.observer, here.place.cameras, pictures=pictures)
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
        # What the test does itself, words of the console: it reads canvases, and leaves while a view opens.
        self.expected: tuple[str, ...] = ("Canvas2D", "closed before the connection is established")
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda m: self.note(m.type, m.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda r: r.url.startswith((site.url, "blob:")) or self.wrong.append(r.url))
        self.page.goto(f"{site.url}/incidents")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{site.url}/incidents")

    def note(self, kind: str, text: str) -> None:
        """What the console says; that reading canvases is slow is the tests' own doing."""
        if kind in ("error", "warning") and not any(words in text for words in self.expected):
            self.wrong.append(text)

    def go(self, path: str) -> Any:
        self.page.goto(self.site.url + path)
        self.page.wait_for_selector(".head nav a")
        return self.page


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    yield from closing(Page(browser, site))


def closing(shown: Page) -> Iterator[Page]:
    """The same page; afterwards nothing may have gone wrong on it."""
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


def until(page: Any, true: str) -> None:
    """Waits for an expression of the page; playwright's own way of waiting is against the page's policy."""
    deadline = time.monotonic() + 20
    while not page.evaluate(true):
        if time.monotonic() > deadline:
            pytest.fail(f"waited 20 s for {true}")
        page.wait_for_timeout(50)
