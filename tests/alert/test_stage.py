"""The stage: what is delivered has to be told once, by the rules of the moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from sqlalchemy import event as hooks

from shared.config import ConfigError
from shared.messages import Mark
from shared.stage import BadInput, Stage, TryLater
from tests.alert.receivers import SECRET, Receiver, receiving
from tests.alert.scenes import GENERATION, ID, incident, told
from tests.shared.fleet import wait_until
from workers.alert.config import AlertConfig, Route, Routing
from workers.alert.outbox import Outbox
from workers.alert.stage import Alert, Place

MARK = Mark(camera="yard", generation=GENERATION, number=5, at=1.0, captured_at=2.0, final=True)
Rows = Callable[[str], list[dict[str, Any]]]
Start = Callable[..., tuple[Alert, Stage[Any, Any, Any, Any]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Alert workers, whose threads end with the test. Their receivers are not there, unless one is given."""
    opened = []

    def made(url: str, **config: Any) -> tuple[Alert, Stage[Any, Any, Any, Any]]:
        nowhere = {"url": "http://127.0.0.1:1/x", "secret": SECRET}
        config.setdefault("webhooks", {"office": nowhere, "home": nowhere})
        alert = Alert(AlertConfig(**config), Place("shop", ("yard", "gate"), tmp_path), "Europe/Berlin", url)
        opened.append(alert)
        return alert, alert.stage()

    yield made
    for alert in opened:
        alert.close()


def deliver(stage: Stage[Any, Any, Any, Any], *records: Any) -> None:
    assert stage.deliver is not None
    stage.deliver("yard", [(entry_id, stage.prepare(record)) for entry_id, record in records])


def keys(rows: list[dict[str, Any]], channel: str = "office") -> list[str]:
    return [row["key"] for row in rows if row["channel"] == channel]


def test_what_comes_again_has_to_be_told_once(start: Start, rows: Rows, database_url: str) -> None:
    _, stage = start(database_url)
    assert (stage.name, stage.reads, stage.writes) == ("alert", "incidents", "")
    life = [told(1, incident("new")), told(2), told(3, incident("update")), told(4, incident("end"))]
    deliver(stage, *life[:2])
    deliver(stage, *life)
    deliver(stage)
    expected = [f"{ID}-1-0-new", f"{ID}-3-0-update", f"{ID}-4-0-end"]
    found = rows(database_url)
    assert keys(found) == keys(found, "home") == expected
    assert {row["state"] for row in found} == {"waiting"}
    assert stage.mark(None, MARK) == (None, None)


def test_several_incidents_of_one_record_are_told(start: Start, rows: Rows, sqlite_url: str) -> None:
    _, stage = start(sqlite_url)
    deliver(stage, told(1, incident("new"), incident("end", "0" * 16)))
    assert keys(rows(sqlite_url)) == [f"{ID}-1-0-new", f"{'0' * 16}-1-0-end"]


def test_without_channels_nothing_is_stored(start: Start, rows: Rows, sqlite_url: str) -> None:
    _, stage = start(sqlite_url, webhooks={})
    deliver(stage, told(1, incident("new")))
    assert rows(sqlite_url) == []


def test_a_new_incident_reaches_its_receiver_at_once(start: Start, rows: Rows, sqlite_url: str) -> None:
    with receiving() as receiver:
        _, stage = start(sqlite_url, webhooks={"office": {"url": receiver.url, "secret": SECRET}})
        deliver(stage, told(1, incident("new")))
        wait_until(lambda: [row["state"] for row in rows(sqlite_url)] == ["sent"], "the receiver")
    assert receiver.keys == [f"{ID}-1-0-new"]


def test_shadow_mode_tells_nobody_but_ends_what_was_told(start: Start, rows: Rows, sqlite_url: str) -> None:
    def shadowed() -> float:
        return REGISTRY.get_sample_value("nexara_alert_shadowed_total", {"camera": "yard"}) or 0

    _, stage = start(sqlite_url)
    before, other = shadowed(), "0" * 16
    deliver(stage, told(1, incident("new", other, shadow=True)), told(2, incident("end", other, shadow=True)))
    assert rows(sqlite_url) == []
    deliver(stage, told(3, incident("new")))
    deliver(stage, told(4, incident("update", shadow=True)), told(5, incident("end", shadow=True)))
    assert keys(rows(sqlite_url)) == [f"{ID}-3-0-new", f"{ID}-5-0-end"]
    assert shadowed() - before == 4


def test_rules_are_replaced_while_it_runs(start: Start, rows: Rows, sqlite_url: str) -> None:
    alert, stage = start(sqlite_url)
    alert.use(Routing(routes={"some": Route(channels=["home"], cameras=["gate"])}), "UTC")
    deliver(stage, told(1, incident("new")))
    assert rows(sqlite_url) == []
    alert.use(Routing(routes={"some": Route(channels=["home"])}, page_url="https://cameras.example"), "UTC")
    deliver(stage, told(2, incident("update")))
    [row] = rows(sqlite_url)
    assert (row["channel"], row["event"]["link"]) == ("home", f"https://cameras.example/incident?id={ID}")


def test_hours_are_those_of_the_site(start: Start, rows: Rows, sqlite_url: str) -> None:
    # It is 20:14 UTC, 22:14 in Berlin, whose summer time it is.
    night = {"night": Route(channels=["home"], hours=("mon 22:00-23:00",))}
    alert, stage = start(sqlite_url, routes=night)
    deliver(stage, told(1, incident("new")))
    assert len(rows(sqlite_url)) == 1
    alert.use(Routing(routes=night), "UTC")
    deliver(stage, told(2, incident("new", "0" * 16)))
    assert len(rows(sqlite_url)) == 1


def test_rules_for_a_channel_that_is_not_there_change_nothing(
    start: Start, rows: Rows, sqlite_url: str
) -> None:
    alert, stage = start(sqlite_url)
    with pytest.raises(ConfigError, match=r"routes\.some: no channel is called 'new'.*restart"):
        alert.use(Routing(routes={"some": Route(channels=["new"])}), "UTC")
    deliver(stage, told(1, incident("new")))
    assert len(rows(sqlite_url)) == 2


def test_rules_may_change_while_records_come(start: Start, rows: Rows, sqlite_url: str) -> None:
    alert, stage = start(sqlite_url)
    over = threading.Event()
    rules = [Routing(routes={"a": Route(channels=[name])}) for name in ("office", "home")]

    def change() -> None:
        while not over.is_set():
            for one in rules:
                alert.use(one, "UTC")

    thread = threading.Thread(target=change)
    thread.start()
    for number in range(1, 41):
        deliver(stage, told(number, incident("new", f"{number:016x}")))
    over.set()
    thread.join()
    assert [row["incident_id"] for row in rows(sqlite_url)] == [f"{number:016x}" for number in range(1, 41)]


def test_a_database_that_is_locked_for_long_loses_nothing(
    start: Start, rows: Rows, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database._BUSY_S", 0.05)
    _, stage = start(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater, match="locked"):
        deliver(stage, told(1, incident("new")))
    other.close()
    deliver(stage, told(1, incident("new")), told(2, incident("end")))
    assert keys(rows(sqlite_url)) == [f"{ID}-1-0-new", f"{ID}-2-0-end"]


def test_a_full_disk_is_waited_for(start: Start, rows: Rows, sqlite_url: str) -> None:
    with closing(Outbox(sqlite_url)), closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file:
        [pages] = file.execute("PRAGMA page_count").fetchone()

    def small(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    many = [told(entry, *(incident("new", f"{100 * entry + n:016x}") for n in range(50))) for entry in (1, 2)]
    hooks.listen(Engine, "connect", small)
    try:
        _, stage = start(sqlite_url)
        with pytest.raises(TryLater, match="full"):
            deliver(stage, *many)
    finally:
        hooks.remove(Engine, "connect", small)
    assert rows(sqlite_url) == []
    _, stage = start(sqlite_url)
    deliver(stage, *many)
    assert len(keys(rows(sqlite_url))) == 100


def test_a_database_that_is_away_is_waited_for(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    _, stage = start("postgresql://me:s3cret@127.0.0.1:1/x")
    with pytest.raises(TryLater, match="Connection refused") as later:
        deliver(stage, told(1, incident("new")))
    assert "s3cret" not in caplog.text + str(later.value)


def test_foreign_messages_are_refused(start: Start, sqlite_url: str) -> None:
    _, stage = start(sqlite_url)
    with pytest.raises(BadInput, match="Mark"):
        stage.prepare(MARK)


@pytest.mark.parametrize("wrong", [{"began_captured_at": 1e18}, {"last_at": -1e15}])
def test_a_time_that_no_calendar_has_is_a_bad_input(
    start: Start, sqlite_url: str, wrong: dict[str, float]
) -> None:
    _, stage = start(sqlite_url)
    with pytest.raises(BadInput, match="beyond all years"):
        stage.prepare(told(1, incident("new", **wrong))[1])


def test_a_receiver_that_hangs_does_not_delay_another(start: Start, sqlite_url: str) -> None:
    over = threading.Event()

    def hangs(_request: Any) -> tuple[int, dict[str, str]]:
        over.wait(20)
        return 204, {}

    slow: Receiver
    with receiving(answer=hangs) as slow, receiving() as quick:
        _, stage = start(
            sqlite_url,
            webhooks={
                "slow": {"url": slow.url, "secret": SECRET},
                "quick": {"url": quick.url, "secret": SECRET},
            },
        )
        for number in range(1, 6):
            deliver(stage, told(number, incident("new", f"{number:016x}")))
        wait_until(lambda: len(quick.keys) == 5, "the quick one")
        assert len(slow.keys) == 1
        over.set()
        wait_until(lambda: len(slow.keys) == 5, "the slow one")
