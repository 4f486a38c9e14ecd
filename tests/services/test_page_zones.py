"""Zones in a real browser: drawn by pointer and by keys, saved, refused, followed by the fleet."""

# ruff: noqa: F811, F401 - fixtures of the tests of the serve worker
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.rulebook import layers, publish
from shared.rules import Rules, Zone
from tests.serve.conftest import Site, build, database, database_place, redis_client, session_server
from tests.services.browser import PHONE, Page, browser, closing, site

PATH = "/zones?camera=lobby"
SCREEN = Zone(name="screen", kind="mask", polygon=((0.0, 0.0), (0.2, 0.0), (0.2, 0.2)))


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Page]:
    publish(site.services.bus, "lobby", "file", Rules(primary_threshold=0.94, zones=(SCREEN,)))
    yield from closing(Page(browser, site, "admin"))


def drawn(page: Page) -> tuple[Zone, ...]:
    return layers(page.site.services.bus, "lobby").page.zones


def press(shown: Any, x: float, y: float) -> None:
    box = shown.locator(".board svg").bounding_box()
    shown.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def save(shown: Any) -> None:
    shown.click("#save")
    shown.wait_for_selector("#saved:has-text('Saved')")


def test_a_zone_is_drawn_on_the_picture_and_holds(page: Page) -> None:
    shown = page.go(PATH)
    assert "screen" in shown.inner_text("#zones")
    assert "Violence from 0.94" in shown.inner_text("#thresholds")
    shown.click("#draw")
    for corner in ((0.4, 0.4), (0.8, 0.4), (0.8, 0.9)):
        press(shown, *corner)
    shown.keyboard.press("Enter")
    shown.fill("#zone-name", "till")
    shown.select_option("#zone-kind", "exclude")
    shown.click("#more-hours")
    shown.uncheck(".days label:nth-child(1) input")
    save(shown)
    [till] = drawn(page)
    assert (till.name, till.kind) == ("till", "exclude")
    assert [tuple(round(share, 2) for share in corner) for corner in till.polygon] == [
        (0.4, 0.4), (0.8, 0.4), (0.8, 0.9),
    ]  # fmt: skip
    assert till.hours == ("tue,wed,thu,fri,sat,sun 22:00-06:00",)
    shown.reload()
    shown.wait_for_selector(".zone.exclude")
    assert "till" in shown.inner_text("#zones")


def test_a_zone_is_made_moved_and_removed_with_keys_alone(page: Page) -> None:
    shown = page.go(PATH)
    shown.wait_for_selector("#rectangle")
    shown.focus("#rectangle")
    shown.keyboard.press("Enter")
    corner = shown.locator(".corner").first
    before = float(corner.get_attribute("cx"))
    corner.focus()
    shown.keyboard.press("Shift+ArrowLeft")
    shown.keyboard.press("ArrowUp")
    assert float(shown.locator(".corner").first.get_attribute("cx")) < before
    assert shown.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "Corner 1 of zone 1, at 25 %, 29 %"
    )
    shown.keyboard.press("Delete")
    assert shown.locator(".corner").count() == 3
    save(shown)
    assert len(drawn(page)[0].polygon) == 3
    shown.click("#zones button >> nth=1")
    shown.focus("#remove")
    shown.keyboard.press("Enter")
    save(shown)
    assert drawn(page) == ()


def test_corners_are_dragged_and_sides_get_new_ones(page: Page) -> None:
    shown = page.go(PATH)
    shown.click("#rectangle")
    box = shown.locator(".board svg").bounding_box()

    def drag(start: tuple[float, float], end: tuple[float, float]) -> None:
        shown.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
        shown.mouse.down()
        shown.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=4)
        shown.mouse.up()

    drag((0.3, 0.3), (0.2, 0.25))
    drag((0.7, 0.55), (0.9, 0.55))
    save(shown)
    [zone] = drawn(page)
    assert len(zone.polygon) == 5
    assert zone.polygon[0] == pytest.approx((0.2, 0.25), abs=0.01)
    assert zone.polygon[2] == pytest.approx((0.9, 0.55), abs=0.01)


def test_what_is_no_zone_is_said_and_nothing_is_saved(page: Page) -> None:
    page.expected = (*page.expected, "422")
    shown = page.go(PATH)
    shown.click("#draw")
    press(shown, 0.4, 0.4)
    press(shown, 0.8, 0.4)
    shown.keyboard.press("Enter")
    shown.click("#save")
    shown.wait_for_selector("#problem:has-text('at least 3')")
    assert drawn(page) == ()
    shown.click("#undo")
    shown.wait_for_selector("#undo[disabled]")
    assert shown.locator("#zones button").count() == 1


def test_the_site_files_zones_are_shown_and_not_changed_here(page: Page) -> None:
    shown = page.go(PATH)
    shown.click("#zones button >> nth=0")
    assert "from the site file" in shown.inner_text("#zones")
    assert shown.is_disabled("#zone-name")
    assert shown.locator(".corner").count() == 0


def test_shadow_mode_is_set_here(page: Page) -> None:
    shown = page.go(PATH)
    shown.select_option("#shadow", "true")
    save(shown)
    assert layers(page.site.services.bus, "lobby").rules.shadow


def test_who_is_no_admin_only_looks(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "viewer")
    page = shown.go(PATH)
    page.wait_for_selector("#all:not([hidden])")
    assert not page.is_visible("#save")
    assert not page.is_visible("#draw")
    page.wait_for_timeout(600)  # the live view opens
    shown.context.close()
    assert shown.wrong == []


def test_it_fits_a_phone(browser: Any, site: Site) -> None:
    shown = Page(browser, site, "admin", viewport=PHONE, has_touch=True)
    page = shown.go(PATH)
    page.click("#rectangle")
    page.click("#more-hours")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shown.context.close()
    assert shown.wrong == []
