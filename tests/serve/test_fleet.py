"""How the fleet fares, as the API tells it, read off a real server."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from shared.bus import Bus
from shared.bus.streams import lease_key, members_key, state_key, stream_key
from shared.bus.survey import survey
from shared.messages import Mark, Message, encode
from shared.store.database import Database, DatabaseAwayError
from tests.serve.conftest import Site
from tests.shared.examples import HEAD, TRACKS


def track(client: redis.Redis, camera: str, record: Message, read: int) -> None:
    """What pose leaves after so many records."""
    client.xadd(stream_key("tracks", camera), {"m": encode(record)}, id=f"{read}-0")
    client.hset(state_key("pose", camera), mapping={"read": read, "added": read})


def now_tracks() -> Message:
    return TRACKS.model_copy(update={"captured_at": time.time()})


def test_before_the_first_look_nothing_is_told(site: Site) -> None:
    for path in ("cameras", "cameras/lobby", "system"):
        answer = site.as_("viewer").get(f"/api/v1/{path}")
        assert (answer.status_code, set(answer.json())) == (503, {"detail"})


def test_cameras_are_told_with_state_lag_owners_and_drops(site: Site, redis_client: redis.Redis) -> None:
    track(redis_client, "lobby", now_tracks(), 40)
    redis_client.hset(
        state_key("ingest", "lobby"), mapping={"added": 50, "dropped:age": 3, "dropped:buffer": 2, "dead": 1}
    )
    redis_client.set(lease_key("pose", "lobby"), "box-1:token")
    site.services.observer.look()
    lobby, yard = site.as_("viewer").get("/api/v1/cameras").json()
    assert (lobby["camera"], lobby["state"], yard["camera"], yard["state"]) == (
        *("lobby", "running", "yard", "waiting"),
    )
    assert lobby["lags"]["pose"] == 50 - 3 - 40
    assert lobby["lags"]["classify"] == 40
    assert lobby["owners"]["pose"] == "box-1"
    assert lobby["owners"]["classify"] == ""
    assert (lobby["dropped"]["age"], lobby["dropped"]["buffer"], lobby["dead"]) == (3, 2, 1)
    assert site.as_("viewer").get("/api/v1/cameras/lobby").json() == lobby


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (TRACKS, "late"),
        (Mark(**HEAD), "silent"),
        (Mark(**HEAD, final=True), "ended"),
    ],
)
def test_the_last_record_says_how_a_camera_fares(
    site: Site, redis_client: redis.Redis, record: Message, state: str
) -> None:
    track(redis_client, "lobby", record, 1)
    site.services.observer.look()
    assert site.as_("viewer").get("/api/v1/cameras/lobby").json()["state"] == state


def test_the_rate_is_of_frames_and_begins_anew_with_the_camera(site: Site, redis_client: redis.Redis) -> None:
    def fps() -> float:
        site.services.observer.look()
        rate: float = site.services.observer.latest.fps["lobby"]  # type: ignore[union-attr]
        return rate

    track(redis_client, "lobby", now_tracks(), 100)
    assert fps() == 0
    time.sleep(0.2)
    track(redis_client, "lobby", now_tracks(), 103)
    assert 5 < fps() < 20
    track(redis_client, "lobby", Mark(**HEAD), 104)
    assert fps() == 0, "a silent camera has marks, not frames"
    redis_client.delete(stream_key("tracks", "lobby"))
    track(redis_client, "lobby", now_tracks(), 2)
    assert fps() == 0


def test_the_fleet_is_told_with_its_living_workers_and_the_servers_memory(
    site: Site, redis_client: redis.Redis, session_server: str
) -> None:
    bus = site.services.bus
    bus.beat("pose", "box-1-pose", 5.0)
    bus.beat("pose", "box-2-pose", 5.0)
    redis_client.zadd(members_key("classify"), {"long-dead": 1})
    site.services.observer.look()
    system = site.as_("viewer").get("/api/v1/system").json()
    assert system["site"] == "test site"
    assert system["workers"]["pose"] == ["box-1-pose", "box-2-pose"]
    assert system["workers"]["classify"] == []
    assert 0 < system["memory_bytes"] < system["memory_limit_bytes"] == 256 * 2**20
    assert abs(system["at"] - time.time()) < 5
    assert [camera["camera"] for camera in system["cameras"]] == ["lobby", "yard"]


def test_other_cameras_are_not_there(site: Site) -> None:
    site.services.observer.look()
    assert site.as_("viewer").get("/api/v1/cameras/attic").status_code == 404


def test_who_asks_is_told(build: Callable[..., Site]) -> None:
    site = build(picture="picture")
    me = site.as_("operator").get("/api/v1/me").json()
    assert (me["name"], me["role"], me["site"], me["picture"]) == ("operator", "operator", "test site", True)
    program = site.client(Authorization=f"Bearer {site.token('viewer')}")
    assert program.get("/api/v1/me").json()["csrf"] == ""


def test_what_is_away_is_told_without_where_it_lies(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = site.as_("viewer")

    def away(_self: Database) -> None:
        raise DatabaseAwayError("postgresql://me@10.0.0.7/x: Connection refused")

    monkeypatch.setattr(Database, "reading", away)
    answer = viewer.get("/api/v1/incidents")
    assert (answer.status_code, answer.json()) == (503, {"detail": "the database does not answer: try again"})


def test_a_survey_asks_once(session_server: str, redis_client: redis.Redis) -> None:
    class Counting(Bus):
        asked = 0

        def ask(self, questions):  # type: ignore[no-untyped-def]
            self.asked += 1
            return super().ask(questions)

    bus = Counting(session_server)
    assert len(survey(bus, [f"camera{i}" for i in range(40)]).cameras) == 40
    assert bus.asked == 1
    bus.close()
