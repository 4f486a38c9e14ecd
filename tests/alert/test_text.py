"""What people read, and how much of it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tests.alert.scenes import event, incident, record
from workers.alert.config import BODY, TITLE
from workers.alert.event import event_of, trial_event
from workers.alert.limit import Window
from workers.alert.text import Wording, summary

BERLIN = ZoneInfo("Europe/Berlin")
USUAL = Wording(TITLE, BODY, "alert.apprise.guards")


def test_the_usual_message_says_where_when_who_and_how_sure() -> None:
    title, body = USUAL.of(event(), BERLIN)
    assert title == "shop: violence at yard"
    assert body == "yard, 2026-05-04 22:14:02: 2 people, score 0.97."
    title, body = USUAL.of(event(change="end", zones=("till", "door")), BERLIN)
    assert title == "shop: violence at yard has ended"
    assert body.endswith("score 0.97, till, door; 2 s long, it is quiet again.")


def test_a_message_links_to_its_incident() -> None:
    one = incident("new")
    linked = event_of("shop", "1-0", record(1, one), one, 0.0, "https://cameras.example/")
    assert USUAL.of(linked, BERLIN)[1].endswith("\nhttps://cameras.example/incident?id=00000000000000ff")


def test_a_site_may_say_it_otherwise() -> None:
    wording = Wording("{{ camera | upper }}", "{{ '%.1f' | format(100 * score) }} %\n", "x")
    assert wording.of(event(), BERLIN) == ("YARD", "97.0 %")


def test_a_template_that_fails_on_an_incident_keeps_nobody_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wording = Wording("{{ 1 // (2 - people) }}", BODY, "alert.apprise.guards")
    assert wording.of(event(), BERLIN) == USUAL.of(event(), BERLIN)
    assert "alert.apprise.guards: its template fails" in caplog.text


def test_a_test_is_clearly_one() -> None:
    title, body = USUAL.of(trial_event("shop", "yard", "test-1", 0.0), BERLIN)
    assert "TEST" in title
    assert "nothing has happened" in body


def test_many_are_summed_up_by_camera() -> None:
    events = [event(1), event(2, "end"), event(3, identity="0" * 16)]
    title, body = summary(events, BERLIN)
    assert title == "shop: and 3 more about violence"
    assert "yard: 2 began or went on, 1 ended" in body


def test_so_many_messages_in_so_many_seconds() -> None:
    window = Window()
    for now in (0.0, 10.0, 20.0):
        assert window.free(now, 3, 60) > 0
        window.note(now)
    assert window.free(59.9, 3, 60) == 0
    assert window.free(60.0, 3, 60) == 1
    assert window.free(200.0, 3, 60) == 3
