"""The page in a real browser: people see what there is, nothing runs that is not ours, it fits a phone."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

import time
import zlib
from typing import Any

import numpy as np
import redis
import simplejpeg

from shared.messages import Frame
from tests.serve.conftest import (
    PASSWORD,
    Site,
    build,
    database,
    database_place,
    redis_client,
    session_server,
)
from tests.serve.test_incidents import MARKUP, an_id
from tests.serve.test_live import add, tracks
from tests.services.browser import PAGES, PHONE, Page, browser, lit, page, site, until
from tests.shared.examples import FRAME


def test_every_page_is_shown_without_a_fault(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "admin")
    for path in PAGES:
        page = shown.go(path)
        page.wait_for_timeout(600)
        assert page.inner_text("#problem") == "", path
    shown.context.close()
    assert shown.wrong == []


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
    assert "not asked" in row, "the veto"


def test_a_picture_is_drawn_below_the_skeletons(page: Page, redis_client: redis.Redis) -> None:
    shown = page.go("/camera?camera=lobby")
    until(shown, "document.querySelector('.view').width > 300")
    before = lit(shown, ".view")
    add(redis_client, "frames", 42, white_picture(42))
    time.sleep(0.4)
    add(redis_client, "tracks", 42, tracks(42))
    shown.wait_for_timeout(1500)
    assert lit(shown, ".view") > 10 * before


def white_picture(number: int) -> Frame:
    jpeg = simplejpeg.encode_jpeg(np.full((360, 640, 3), 255, np.uint8))
    return FRAME.model_copy(update={"number": number, "image": jpeg, "crc": zlib.crc32(jpeg)})


def test_markup_in_a_note_is_shown_as_text_and_does_nothing(page: Page) -> None:
    shown = page.go("/incidents")
    assert shown.wait_for_selector("td .note").inner_text() == MARKUP
    shown.click("table a")
    until(shown, "document.querySelector('textarea')?.value")
    assert shown.input_value("textarea") == MARKUP
    assert shown.query_selector("img[src=x]") is None


def test_a_viewer_is_offered_nothing_that_only_operators_may(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "viewer")
    page = shown.go(f"/incident?id={an_id(1)}")
    page.wait_for_selector("#saying p")
    assert page.query_selector_all("#saying button, textarea") == []
    assert page.inner_text("#saying .note") == MARKUP
    shown.context.close()
    assert shown.wrong == []


def test_everything_fits_a_phone(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "admin", viewport=PHONE, has_touch=True)
    for path in PAGES:
        page = shown.go(path)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    shown.context.close()
    assert shown.wrong == []


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
