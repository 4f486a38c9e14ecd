"""The tracks of an incident are found again, whatever their ids look like and whatever is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.bus import Bus
from shared.bus.streams import stream_key
from shared.messages import Incident, Message, encode
from shared.stage import TryLater
from tests.archive.scenes import ID, fight, mark, record, walk
from workers.archive.evidence import footage
from workers.archive.evidence.footage import Footage, recall
from workers.archive.evidence.spool import Spool, Spools

TRACKS = stream_key("tracks", "lobby")
OTHER = "00000000000000bb"


def put(client: redis.Redis, messages: Sequence[Message], first_id: int = 1) -> None:
    """As pose leaves them: one entry each, ids one after the other."""
    pipeline = client.pipeline(transaction=False)
    for place, message in enumerate(messages, start=first_id):
        pipeline.xadd(TRACKS, {"m": encode(message)}, id=f"{place}-0")
    pipeline.execute()


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path)


@pytest.fixture
def spool(spools: Spools) -> Spool:
    return spools.of("lobby", ID)


Recalled = Callable[..., Footage]


@pytest.fixture
def recalled(bus: Bus, spools: Spools) -> Recalled:
    """What there is of an incident, told at an entry, as if it were asked for the first time."""

    def of(entry: int, said: Incident, span: tuple[float, float], **more: Any) -> Footage:
        spools.remove("lobby", ID)
        told = (f"{entry}-0", record(entry - 1, said, **more))
        return recall(bus, told, said, span, spools.of("lobby", ID), threading.Event())

    return of


def numbers(found: Footage) -> list[int]:
    return [moment.number for moment in found.moments]


def test_a_span_of_a_file_is_found(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 300))
    found = recalled(241, fight("end", 200), (5.0, 24.0))
    assert numbers(found) == list(range(50, 241))
    assert (found.lost_s, found.late_s) == (0, 0)


@pytest.mark.parametrize("count", [1, 7, 200])
def test_pages_of_any_size_give_the_same(
    recalled: Recalled, client: redis.Redis, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "_PAGE", count)
    put(client, walk(0, 300))
    found = recalled(241, fight("end", 200), (5.0, 25.0))
    assert numbers(found) == list(range(50, 251))


def test_ids_of_a_live_camera_need_not_be_its_time(bus: Bus, spool: Spool, client: redis.Redis) -> None:
    put(client, walk(0, 300), first_id=1_700_000_123_456)
    told = ("1700000123696-0", record(240))
    found = recall(bus, told, fight("end", 200), (5.0, 24.0), spool, threading.Event())
    assert numbers(found) == list(range(50, 241))


def test_what_begins_with_the_camera_is_whole(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 100))
    found = recalled(81, fight("end", 40, began=20), (-3.0, 8.0))
    assert numbers(found) == list(range(81))
    assert found.lost_s == 0


def test_what_was_removed_is_said(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 300))
    client.xtrim(TRACKS, minid="121-0")
    found = recalled(241, fight("end", 200, numbers=(100, 150, 200)), (5.0, 24.0))
    assert numbers(found) == list(range(120, 241))
    assert found.lost_s == pytest.approx(7.0)


def test_nothing_is_left(recalled: Recalled, client: redis.Redis) -> None:
    assert recalled(241, fight("end", 200), (5.0, 24.0)).moments == ()
    put(client, walk(230, 300), first_id=231)
    found = recalled(241, fight("end", 200), (5.0, 24.0))
    assert (found.moments, found.lost_s) == ((), 19.0)


def test_an_earlier_pass_over_a_file_is_another_one(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 150, generation=OTHER))
    put(client, walk(0, 300), first_id=152)
    found = recalled(152 + 240, fight("end", 200, began=20, numbers=(20, 200)), (-3.0, 24.0))
    assert numbers(found) == list(range(241))
    assert {moment.generation for moment in found.moments} == {record(0).generation}
    assert found.lost_s == 0


def test_an_end_that_was_told_in_the_next_generation_is_of_the_one_before(
    recalled: Recalled, client: redis.Redis
) -> None:
    put(client, walk(0, 220))
    put(client, walk(0, 50, generation=OTHER), first_id=222)
    found = recalled(222, fight("end", 200), (5.0, 25.0), generation=OTHER)
    assert numbers(found) == list(range(50, 221))
    assert (found.lost_s, found.late_s) == (0, 0)


def test_the_end_of_a_source_is_the_end(recalled: Recalled, client: redis.Redis) -> None:
    put(client, [*walk(0, 210), mark(211, final=True)])
    began = time.monotonic()
    found = recalled(212, fight("end", 200), (5.0, 25.0))
    assert numbers(found) == list(range(50, 211))
    assert (found.late_s, time.monotonic() - began) == (0, pytest.approx(0, abs=1))


def test_moments_without_a_picture_are_among_them(recalled: Recalled, client: redis.Redis) -> None:
    put(client, [*walk(0, 150), mark(160), mark(170), *walk(171, 300)])
    found = recalled(225, fight("end", 200), (10.0, 20.0))
    assert numbers(found) == [*range(100, 151), 160, 170, *range(171, 201)]


def test_damaged_entries_are_passed_over(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 149))
    client.xadd(TRACKS, {"m": b"damaged"}, id="151-0")
    put(client, walk(151, 300), first_id=152)
    assert numbers(recalled(241, fight("end", 200), (14.0, 16.0))) == [
        *range(140, 150),
        *range(151, 161),
    ]


def test_what_comes_only_later_is_waited_for(recalled: Recalled, client: redis.Redis) -> None:
    put(client, walk(0, 240))
    timer = threading.Timer(0.3, put, (client, walk(241, 260), 242))
    timer.start()
    found = recalled(241, fight("end", 200), (5.0, 25.0))
    timer.join()
    assert numbers(found) == list(range(50, 251))


def test_what_does_not_come_is_not_waited_for_for_ever(
    recalled: Recalled, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footage, "_LATE_S", -0.8)
    put(client, walk(0, 235))
    found = recalled(236, fight("end", 200), (5.0, 25.0))
    assert numbers(found) == list(range(50, 236))
    assert found.late_s == pytest.approx(1.5)


def test_a_worker_that_ends_does_not_wait(bus: Bus, spool: Spool, client: redis.Redis) -> None:
    put(client, walk(0, 235))
    stop = threading.Event()
    stop.set()
    with pytest.raises(TryLater):
        recall(bus, ("236-0", record(235)), fight("end", 200), (5.0, 25.0), spool, stop)
