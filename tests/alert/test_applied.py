"""Alert rules that change while the worker runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import redis

from shared import embedded
from shared.bus import Bus
from shared.bus.streams import ALERT_RULES
from tests.alert.receivers import SECRET
from tests.alert.scenes import incident
from workers.alert.applied import Follower, applied_of, put, stored
from workers.alert.config import AlertConfig, Route, Routing
from workers.alert.stage import Alert, Place

NOON = datetime(2026, 5, 4, 12)
NOWHERE = {"url": "http://127.0.0.1:1/x", "secret": SECRET}
STARTED = AlertConfig(webhooks={"office": NOWHERE, "home": NOWHERE})
OFFICE = Routing(routes={"all": Route(channels=["office"])})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.running(tmp_path_factory.mktemp("server"), max_memory="64mb") as url:
        yield url


@pytest.fixture
def bus(url: str) -> Iterator[Bus]:
    with redis.Redis.from_url(url) as client:
        client.flushall()
    with closing(Bus(url)) as bus:
        yield bus


@pytest.fixture
def alert(tmp_path: Path, sqlite_url: str) -> Iterator[Alert]:
    with closing(Alert(STARTED, Place("shop", ("yard",), tmp_path), "UTC", sqlite_url)) as alert:
        yield alert


def told(alert: Alert) -> list[str]:
    """Who would be told of an incident now."""
    return alert._rules.routes.channels("yard", incident("new"), NOON, ())


def follower(alert: Alert, bus: Bus, *, again: bool) -> Follower:
    return Follower(alert, bus, applied_of(STARTED, "UTC"), again, threading.Event())


def test_what_is_applied_is_followed(alert: Alert, bus: Bus) -> None:
    following = follower(alert, bus, again=True)
    following.look()
    assert told(alert) == ["office", "home"]
    put(bus, applied_of(OFFICE, "Europe/Berlin"))
    following.look()
    assert told(alert) == ["office"]
    assert str(alert._zone()) == "Europe/Berlin"


def test_a_site_that_starts_follows_its_file_and_a_worker_that_comes_again_what_was_applied(
    alert: Alert, bus: Bus
) -> None:
    put(bus, applied_of(OFFICE, "UTC"))
    follower(alert, bus, again=False).look()
    assert told(alert) == ["office"]
    follower(alert, bus, again=True).look()
    assert stored(bus) == applied_of(STARTED, "UTC")


def test_a_server_that_has_lost_all_gets_the_files_rules_again(alert: Alert, bus: Bus) -> None:
    assert stored(bus) is None
    follower(alert, bus, again=False).look()
    assert stored(bus) == applied_of(STARTED, "UTC")


def test_a_route_to_a_channel_that_is_not_there_is_said_once_and_changes_nothing(
    alert: Alert, bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    following = follower(alert, bus, again=False)
    put(bus, applied_of(Routing(routes={"new": Route(channels=["pager"])}), "UTC"))
    following.look()
    following.look()
    assert told(alert) == ["office", "home"]
    assert caplog.text.count("no channel is called 'pager'") == 1


def test_no_secret_is_applied(bus: Bus) -> None:
    put(bus, applied_of(STARTED, "UTC"))
    [text] = bus.ask([("GET", ALERT_RULES)])
    assert SECRET.encode() not in text
    assert b"127.0.0.1" not in text


def test_rules_of_another_version_are_passed_over(bus: Bus, url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set(ALERT_RULES, b'{"moods": 1}')
    assert stored(bus) is None
