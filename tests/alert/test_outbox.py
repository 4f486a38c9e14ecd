"""What has to be told is stored once and handed out in order, on both kinds of database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.store.database import DatabaseAwayError
from tests.alert.scenes import ID, event, put
from workers.alert.delivery import Backlog
from workers.alert.going import Going
from workers.alert.outbox import Outbox

OTHER = "0" * 16


@pytest.fixture
def box(database_url: str) -> Iterator[Outbox]:
    with closing(Outbox(database_url)) as box:
        yield box


def due(box: Outbox, now: float | None = None, channel: str = "office", **more: float) -> list[str]:
    at = time.time() if now is None else now
    return [one.event.key for one in box.due(channel, at, more.get("not_before", 0.0), 100)]


def test_what_comes_again_is_stored_once(box: Outbox) -> None:
    put(box, event(1), event(2, "end"), channels=("office", "home"))
    put(box, event(2, "end"), event(3, identity=OTHER), channels=("office",))
    assert due(box) == [f"{ID}-1-0-new", f"{ID}-2-0-end", f"{OTHER}-3-0-new"]
    assert len(due(box, channel="home")) == 2
    assert box.told([ID]) == {("office", ID), ("home", ID)}
    assert box.told([]) == set()


def test_every_try_sends_the_same_bytes(box: Outbox) -> None:
    one = event(1, zones=("till",))
    put(box, one)
    [first] = box.due("office", time.time(), 0, 10)
    assert first.event.body() == one.body()


def test_what_failed_is_due_later_and_nothing_of_its_incident_overtakes_it(box: Outbox) -> None:
    put(box, event(1), event(2, "end"), event(3, identity=OTHER))
    now = time.time()
    [first, *_] = box.due("office", now, 0, 10)
    box.failed([first.id], now + 60, "it answers with status 500")
    assert due(box, now + 1) == [f"{OTHER}-3-0-new"]
    assert due(box, now + 61) == [f"{ID}-1-0-new", f"{ID}-2-0-end", f"{OTHER}-3-0-new"]
    assert [(one.tries, one.reason) for one in box.due("office", now + 61, 0, 1)] == [
        (1, "it answers with status 500")
    ]


def test_what_was_sent_is_not_due_again(box: Outbox) -> None:
    put(box, event(1), event(2, "end"))
    [first, _] = box.due("office", time.time(), 0, 10)
    box.sent([first.id], time.time())
    assert due(box) == [f"{ID}-2-0-end"]


def test_what_is_too_old_is_given_up_with_its_last_reason(box: Outbox) -> None:
    put(box, event(1), event(2, identity=OTHER))
    now = time.time()
    box.failed([box.due("office", now, 0, 1)[0].id], now, "it is away")
    assert due(box, not_before=now + 1) == []
    assert box.give_up(now + 1, now) == 2
    assert [letter.reason for letter in box.dead()] == [
        "older than alert.give_up_after_s; before: it is away",
        "older than alert.give_up_after_s when its turn came",
    ]
    assert box.give_up(now + 1, now) == 0


def test_dead_letters_can_be_sent_again_or_forgotten(box: Outbox) -> None:
    put(box, event(1), event(2, identity=OTHER))
    now = time.time()
    ids = [one.id for one in box.due("office", now, 0, 10)]
    box.bury(ids, now, "it refuses with status 410")
    assert due(box) == []
    box.revive(ids[:1], now + 5)
    assert due(box, now + 5, not_before=now + 4) == [f"{ID}-1-0-new"]
    assert [letter.event.incident.id for letter in box.dead()] == [OTHER]
    box.forget(ids[1:])
    assert box.dead() == []


def test_a_channels_backlog_is_known(box: Outbox) -> None:
    before = time.time()
    put(box, event(1), event(2, "end"), event(3, identity=OTHER))
    [first, second, _] = box.due("office", time.time(), 0, 10)
    box.sent([first.id], time.time())
    box.bury([second.id], time.time(), "no")
    found = box.backlogs()
    assert found.keys() == {"office"}
    assert (found["office"].waiting, found["office"].dead) == (1, 1)
    assert (found["office"].oldest_told_at or 0) >= before - 0.01
    assert Backlog().oldest_told_at is None


def test_what_is_done_goes_after_a_while_and_what_waits_stays(box: Outbox) -> None:
    put(box, event(1), event(2, "end"), event(3, identity=OTHER))
    [first, second, _] = box.due("office", time.time(), 0, 10)
    box.sent([first.id], 100.0)
    box.bury([second.id], 200.0, "no")
    assert box.prune(150.0) == 1
    assert box.prune(150.0) == 0
    assert [letter.event.change for letter in box.dead()] == ["end"]
    assert box.prune(250.0) == 1
    assert due(box) == [f"{OTHER}-3-0-new"]


def test_which_incidents_go_on_for_a_channel_is_known(box: Outbox) -> None:
    put(box, event(1), event(2, identity=OTHER), event(3, "end"), event(4, "end", OTHER))
    ids = [one.id for one in box.due("office", time.time(), 0, 10)]
    assert not box.going("office").on("yard")
    box.sent(ids[:3], time.time())
    assert box.going("office").on("yard"), "the other one"
    assert not box.going("home").on("yard")
    box.bury(ids[3:], time.time(), "an end that was given up has come nevertheless")
    assert not box.going("office").on("yard")


def test_of_a_camera_that_began_anew_nothing_old_goes_on() -> None:
    going = Going()
    going.note("yard", "a", "1", "new")
    going.note("gate", "a", "2", "new")
    going.note("yard", "b", "3", "new")
    going.note("yard", "b", "3", "end")
    assert (going.on("yard"), going.on("gate"), going.on("x")) == (False, True, False)


def test_a_database_that_is_away_is_said_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    with closing(Outbox("postgresql://me:s3cret@127.0.0.1:1/x")) as box:
        assert "Connection refused" in caplog.text
        with pytest.raises(DatabaseAwayError, match="Connection refused") as away:
            put(box, event(1))
    assert "s3cret" not in caplog.text + str(away.value)
