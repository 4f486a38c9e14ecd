"""What people need of the page who see little, hear it, or have no mouse: contrast, names, the keyboard."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.serve.conftest import Site, build, database, database_place, redis_client, session_server
from tests.serve.test_live import add
from tests.services.browser import PAGES, PHONE, Page, browser, page, site
from tests.shared.examples import INCIDENTS

# WCAG 2.2 AA, of what is painted: the contrast of each text with what lies behind it.
CONTRASTS = """() => {
    const parse = (colour) => {
        const parts = colour.match(/[\\d.]+/g).map(Number);
        return { rgb: parts.slice(0, 3), alpha: parts[3] ?? 1 };
    };
    const luminance = (rgb) => {
        const [r, g, b] = rgb.map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
            if (alpha === 1) return rgb;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.disabled) continue;
        const style = getComputedStyle(element);
        const [light, dark] = [parse(style.color).rgb, ground(element)]
            .map(luminance).sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        found.push({
            ratio: (light + 0.05) / (dark + 0.05), least: large ? 3 : 4.5,
            text: element.textContent.trim().slice(0, 40),
        });
    }
    return found;
}"""
# Controls and pictures that say nothing to who hears the page.
NAMELESS = """() => [...document.querySelectorAll("a, button, input, select, textarea, canvas, video, img")]
    .filter((one) => one.checkVisibility())
    .filter((one) => !(
        one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length ||
        one.getAttribute("aria-labelledby") || one.hasAttribute("alt")))
    .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [1440, PHONE["width"]])
def test_every_text_has_enough_contrast(
    browser: Any, site: Site, redis_client: redis.Redis, width: int
) -> None:
    shown = Page(browser, site, "admin", viewport={"width": width, "height": 900})
    for path in PAGES:
        page = shown.go(path)
        page.wait_for_timeout(400)
        if path == "/":
            add(redis_client, "incidents", 41, INCIDENTS)
            page.wait_for_selector(".banner.alarm")
        texts = page.evaluate(CONTRASTS)
        assert len(texts) > 8, path
        assert [text for text in texts if text["ratio"] < text["least"]] == [], path
    shown.context.close()
    assert shown.wrong == []


def test_whatever_can_be_used_or_seen_has_a_name(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "admin")
    for path in PAGES:
        page = shown.go(path)
        page.wait_for_timeout(400)
        assert page.evaluate(NAMELESS) == [], path
        assert page.locator("h1").count() == page.locator("main").count() == 1, path
    shown.context.close()
    assert shown.wrong == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".tile")
    reached = []
    for _ in range(12):
        shown.keyboard.press("Tab")
        reached.append(shown.evaluate("document.activeElement.textContent.trim()"))
        assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached[0] == "To the contents"
    order = ["Live", "Incidents", "System", "Account", "Soundoff", "Noticesoff", "lobby", "yard"]
    assert [words for words in reached if words in order] == order


def test_results_are_told_by_shape_and_word_as_well_as_by_colour(page: Page) -> None:
    shown = page.go("/")
    shown.wait_for_selector(".person .value")
    assert shown.inner_text(".person .shape") == "●"
    assert "safe" in shown.text_content(".person .who")
    legend = shown.inner_text("#legend")
    for words in ("● safe", "◆ vetoed", "▲ violence", "□ unsure"):
        assert words in legend


def test_the_sound_is_a_switch_that_remembers(page: Page) -> None:
    shown = page.go("/")
    switch = shown.locator("button[role=switch]", has_text="Sound")
    assert switch.get_attribute("aria-checked") == "false"
    switch.click()
    shown.wait_for_selector("button[role=switch][aria-checked=true]")
    later = page.context.new_page()
    later.goto(f"{page.site.url}/incidents")
    # Looking for something counts as a use of the page: first it must have seen that nobody uses it.
    later.wait_for_timeout(1500)
    later.wait_for_selector("button[role=switch][aria-checked=true]")
    later.wait_for_selector("#news-silent")
    later.keyboard.press("Shift")
    later.wait_for_selector("#news-silent", state="detached")


def test_notices_that_the_browser_blocks_are_told_in_words(page: Page) -> None:
    shown = page.go("/")
    shown.click("button[role=switch] >> text=Notices")
    shown.wait_for_selector("#news-no-notices")
    assert shown.get_attribute("button[role=switch] >> text=Notices", "aria-checked") == "false"


def test_with_permission_a_new_incident_is_a_notice_of_the_desktop(
    browser: Any, site: Site, redis_client: redis.Redis
) -> None:
    shown = Page(browser, site, permissions=["notifications"])
    page = shown.go("/")
    page.wait_for_selector(".tile")
    page.evaluate(
        """() => {
            window.notices = [];
            window.Notification = class extends EventTarget {
                static permission = "granted";
                static requestPermission() { return Promise.resolve("granted"); }
                constructor(title, options) { super(); window.notices.push([title, options.body]); }
            };
        }"""
    )
    page.click("button[role=switch] >> text=Notices")
    page.wait_for_selector("button[role=switch][aria-checked=true] >> text=Notices")
    page.wait_for_selector(".person .value")  # the live view is open
    add(redis_client, "incidents", 41, INCIDENTS)
    page.wait_for_selector(".banner.alarm")
    titles = [title for title, _ in page.evaluate("window.notices")]
    assert titles == ["Notices are on", "▲ Incident: lobby"]
    shown.context.close()
    assert shown.wrong == []
