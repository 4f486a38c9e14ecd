"""Ownership: every camera has one owner, and the cameras are spread evenly. The arithmetic, without time."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import fakeredis
import pytest
import redis

from shared.bus import Bus, BusError, Changes, Ownership
from shared.bus.streams import lease_key, members_key

CAMERAS = ["a", "b", "c", "d", "e"]


class Fake(fakeredis.FakeRedis):
    """fakeredis knows no script flags."""

    def eval(self, script: str, *arguments: Any) -> Any:  # type: ignore[override]
        return super().eval(script.partition("\n")[2] if script.startswith("#!") else script, *arguments)


@pytest.fixture
def client() -> fakeredis.FakeRedis:
    return Fake()


def ownership(client: Any, name: str, cameras: list[str] = CAMERAS) -> Ownership:
    return Ownership(Bus("redis://fake", client=client), "pose", name, cameras)


def settle(*workers: Ownership) -> list[int]:
    """Polls everybody in turn until nothing moves; how many cameras each has."""
    for _ in range(10):
        for worker in workers:
            worker.poll()
    owned = [worker.owned for worker in workers]
    assert sum(map(len, owned)) == len(set().union(*owned))
    return [len(cameras) for cameras in owned]


def expire(client: fakeredis.FakeRedis, *cameras: str) -> None:
    client.delete(*(lease_key("pose", camera) for camera in cameras))


@pytest.mark.parametrize(
    ("workers", "cameras", "spread"),
    [
        (1, 5, [5]),
        (2, 5, [2, 3]),
        (3, 5, [1, 2, 2]),
        (5, 5, [1] * 5),
        (7, 5, [0, 0, 1, 1, 1, 1, 1]),
        (2, 0, [0, 0]),
    ],
)
def test_cameras_are_spread_evenly(
    client: fakeredis.FakeRedis, workers: int, cameras: int, spread: list[int]
) -> None:
    fleet = [ownership(client, f"w{i}", CAMERAS[:cameras]) for i in range(workers)]
    assert sorted(settle(*fleet)) == spread


def test_whoever_joins_gets_the_surplus_of_the_others(client: fakeredis.FakeRedis) -> None:
    first = ownership(client, "w1")
    assert first.poll().gained.keys() == set(CAMERAS)
    second = ownership(client, "w2")
    assert second.poll().gained == {}
    changes = first.poll()
    assert len(changes.lost) == 2
    assert changes.gained == {}
    assert second.poll().gained.keys() == changes.lost


def test_whoever_leaves_gives_everything_back(client: fakeredis.FakeRedis) -> None:
    first, second = ownership(client, "w1"), ownership(client, "w2")
    settle(first, second)
    second.release_all()
    assert second.owned == set()
    assert settle(first) == [5]
    assert client.zrange(members_key("pose"), 0, -1) == [b"w1"]


def test_every_tenure_has_a_token_of_its_own_that_names_the_worker(client: fakeredis.FakeRedis) -> None:
    worker = ownership(client, "w1", ["a"])
    first = worker.poll().gained["a"]
    expire(client, "a")
    assert worker.poll().lost == {"a"}
    second = worker.poll().gained["a"]
    assert first != second
    assert {first.partition(":")[0], second.partition(":")[0]} == {"w1"}


def test_a_lease_that_somebody_else_has_now_is_lost(client: fakeredis.FakeRedis) -> None:
    worker = ownership(client, "w1", ["a"])
    worker.poll()
    client.set(lease_key("pose", "a"), "w2:other")
    assert worker.poll().lost == {"a"}
    worker.release_all()
    assert client.get(lease_key("pose", "a")) == b"w2:other"


def test_a_dead_workers_cameras_go_to_those_who_live(client: fakeredis.FakeRedis) -> None:
    dead, alive = ownership(client, "w1"), ownership(client, "w2")
    settle(dead, alive)
    before = dead.owned
    Bus("redis://fake", client=client).release_worker("pose", "w1", CAMERAS)
    assert settle(alive) == [5]
    assert dead.poll().lost == before


def test_a_camera_that_turned_out_to_be_lost_can_be_won_again(client: fakeredis.FakeRedis) -> None:
    worker = ownership(client, "w1", ["a"])
    worker.poll()
    expire(client, "a")
    worker.forget("a")
    assert worker.poll().gained.keys() == {"a"}


class Failing:
    """A client that fails to take leases from the second one on."""

    def __init__(self, client: fakeredis.FakeRedis) -> None:
        self._client = client
        self.calls = 0
        self.broken = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def eval(self, script: str, *arguments: Any) -> Any:
        self.calls += "'NX'" in script
        if self.broken and self.calls > 1 and "'NX'" in script:
            raise redis.TimeoutError("lost")
        return self._client.eval(script, *arguments)


def test_what_a_poll_won_before_it_failed_is_told_by_the_next(client: fakeredis.FakeRedis) -> None:
    wire = Failing(client)
    worker = ownership(wire, "w1")
    with pytest.raises(BusError):
        worker.poll()
    [won] = worker.owned
    wire.broken = False
    assert worker.poll().gained.keys() == set(CAMERAS)
    assert won in worker.owned


def test_what_a_poll_lost_before_it_failed_is_told_by_the_next(client: fakeredis.FakeRedis) -> None:
    wire = Failing(client)
    wire.broken = False
    for camera in ("c", "d", "e"):
        client.set(lease_key("pose", camera), "w2:token")
    worker = ownership(wire, "w1")
    tokens = worker.poll().gained
    expire(client, "a", "b")
    wire.broken = True
    with pytest.raises(BusError):
        worker.poll()
    wire.broken = False
    changes = worker.poll()
    assert changes.lost == {"a", "b"}
    assert changes.gained.keys() == {"a", "b"}
    assert changes.gained["a"] != tokens["a"]


def test_what_was_won_and_lost_between_two_reports_is_not_told_as_won(client: fakeredis.FakeRedis) -> None:
    wire = Failing(client)
    worker = ownership(wire, "w1")
    with pytest.raises(BusError):
        worker.poll()
    [won] = worker.owned
    expire(client, won)
    wire.broken = False
    assert won not in worker.poll().gained
    assert won in worker.poll().gained


def test_cameras_are_taken_and_kept_at_maxmemory(session_server: str) -> None:
    with redis.Redis.from_url(session_server, protocol=2) as full, closing(Bus(session_server)) as bus:
        full.flushall()
        full.config_set("maxmemory", "1mb")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            full.set("x", "y")
        worker = Ownership(bus, "pose", "w", ["a"])
        assert worker.poll().gained.keys() == {"a"}
        assert worker.poll() == Changes()
        full.config_set("maxmemory", "256mb")
