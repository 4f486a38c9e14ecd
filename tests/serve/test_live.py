"""Live views over real WebSockets: who is let in, what is told, and what becomes of those who are slow."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from shared.bus.streams import state_key, stream_key
from shared.messages import Frame, Mark, Message, Tracks, Verdicts, encode
from tests.serve.conftest import Site
from tests.shared.examples import FRAME, HEAD, INCIDENTS, TRACKS, VERDICTS
from tests.shared.fleet import wait_until
from workers.serve import people
from workers.serve.live import route, wire
from workers.serve.live.camera import CameraView
from workers.serve.live.follower import Follower
from workers.serve.live.hub import EVERYWHERE, Hub, Viewer
from workers.serve.live.mailbox import EVENTS_KEPT, Mailbox

ROOT = Path(__file__).resolve().parents[2]
JPEG = b"\xff\xd8" + bytes(1000) + b"\xff\xd9"


@pytest.fixture
def follow(build: Callable[..., Site]) -> Iterator[Callable[..., Site]]:
    """Serves a site whose streams are followed."""
    stop = threading.Event()
    threads = []

    def begin(**settings: Any) -> Site:
        site = build(**settings)
        here = site.services
        pictures = here.config.picture == "picture"
        follower = Follower(here.bus, here.hub, here.observer, here.place.cameras, pictures=pictures)
        thread = threading.Thread(target=follower.run, args=(stop,), daemon=True)
        thread.start()
        threads.append(thread)
        return site

    yield begin
    stop.set()
    for thread in threads:
        thread.join(5)


@pytest.fixture
def site(follow: Callable[..., Site]) -> Site:
    return follow()


def watch(site: Site, query: str = "", *, token: str | None = None, **headers: str) -> ClientConnection:
    """A program that watches."""
    token = token or site.token("viewer")
    url = site.url.replace("http", "ws") + "/api/v1/live" + query
    headers = {"Authorization": f"Bearer {token}", **headers}
    connection = connect(url, additional_headers=headers, proxy=None, open_timeout=10, close_timeout=1)
    return site.stack.enter_context(connection)


def told(view: ClientConnection, kind: str, timeout: float = 10) -> dict[str, Any]:
    """The next message of a kind; others are passed over."""
    deadline = time.monotonic() + timeout
    while True:
        message = view.recv(timeout=max(0.01, deadline - time.monotonic()))
        if isinstance(message, str):
            fields: dict[str, Any] = json.loads(message)
            assert fields["v"] == 1
            if fields["type"] == kind:
                return fields


def add(client: redis.Redis, stream: str, number: int, message: Message, camera: str = "lobby") -> None:
    client.xadd(stream_key(stream, camera), {"m": encode(message)}, id=f"{number}-0")


def tracks(number: int, **more: Any) -> Tracks:
    return TRACKS.model_copy(update={"number": number, "at": number / 10, **more})


def verdicts(number: int, **more: Any) -> Verdicts:
    one = VERDICTS.verdicts[0].model_copy(update={"last_at": number / 10})
    return VERDICTS.model_copy(update={"number": number, "at": number / 10, "verdicts": (one,), **more})


def watched(site: Site, camera: str = "lobby") -> None:
    """Waits until what comes from now on is seen."""
    wait_until(lambda: camera in site.services.hub.wanted(), "the viewer")
    time.sleep(0.3)


# --- who is let in ------------------------------------------------------------------------------------------


def refusal(site: Site, query: str = "", **headers: str) -> int:
    url = site.url.replace("http", "ws") + "/api/v1/live" + query
    with pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers=headers, proxy=None, open_timeout=10)
    assert len(site.services.hub) == 0
    return refused.value.response.status_code


def test_without_a_name_nobody_watches(site: Site) -> None:
    assert refusal(site) == 401
    assert refusal(site, Authorization="Bearer wrong") == 401
    assert refusal(site, f"?token={site.token('admin')}") == 401


def test_a_browser_watches_from_our_page_alone(site: Site) -> None:
    browser = site.as_("viewer")
    cookie = f"nexara={browser.cookies['nexara']}"
    assert refusal(site, Cookie=cookie) == 403
    assert refusal(site, Cookie=cookie, Origin="https://evil.example") == 403
    assert refusal(site, Cookie=cookie, Origin="null") == 403
    url = site.url.replace("http", "ws") + "/api/v1/live"
    with connect(url, additional_headers={"Cookie": cookie}, origin=site.url, proxy=None) as view:
        assert told(view, "hello")["site"] == "test site"


def test_a_program_that_a_foreign_page_runs_is_refused(site: Site) -> None:
    token = f"Bearer {site.token('viewer')}"
    assert refusal(site, Authorization=token, Origin="https://evil.example") == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [("?camera=attic", 404), ("?camera=..%2Fx", 403), ("?frames=maybe", 403), ("?camera=", 403)],
)
def test_other_cameras_cannot_be_watched(site: Site, query: str, status: int) -> None:
    assert refusal(site, query, Authorization=f"Bearer {site.token('viewer')}") == status


def test_there_is_room_for_so_many(follow: Callable[..., Site]) -> None:
    site = follow(max_viewers=2)
    first = watch(site)
    second = watch(site, token=site.token("viewer"))
    told(first, "hello")
    told(second, "hello")
    url = site.url.replace("http", "ws") + "/api/v1/live"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, additional_headers={"Authorization": f"Bearer {site.token('admin')}"}, proxy=None)
    assert refused.value.response.status_code == 503
    second.close()
    wait_until(lambda: len(site.services.hub) == 1, "the room")
    told(watch(site, token=site.token("viewer")), "hello")


def test_who_is_shut_out_while_watching_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "_CHECK_SESSION_S", 0.05)
    with site.services.database.writing() as connection:
        token = people.add_token(connection, "shaky", "viewer", 0.0, None)
    view = watch(site, token=token)
    told(view, "hello")
    with site.services.database.writing() as connection:
        people.remove_token(connection, "shaky")
    with pytest.raises(ConnectionClosed) as closed:
        told(view, "never")
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "session")


@pytest.mark.parametrize("said", ["hello", b"x", "x" * 5000])
def test_whoever_says_something_is_cut_off(site: Site, said: str | bytes) -> None:
    view = watch(site)
    told(view, "hello")
    view.send(said)
    with pytest.raises(ConnectionClosed):
        told(view, "never")
    wait_until(lambda: len(site.services.hub) == 0, "the end")


# --- what is told -------------------------------------------------------------------------------------------


def test_the_first_message_says_what_will_come(site: Site) -> None:
    hello = told(watch(site, "?camera=yard"), "hello")
    assert (hello["cameras"], hello["picture"], len(hello["joints"])) == (["yard"], False, 17)
    assert [0, 1] in hello["bones"]
    assert told(watch(site), "hello")["cameras"] == ["lobby", "yard"]
    assert told(watch(site, "?frames=false"), "hello")["cameras"] == []


def test_a_frame_has_everybody_with_the_latest_verdict(site: Site, redis_client: redis.Redis) -> None:
    view = watch(site, "?camera=lobby")
    watched(site)
    add(redis_client, "verdicts", 40, verdicts(40))
    time.sleep(0.1)
    add(redis_client, "tracks", 42, tracks(42))
    frame = told(view, "frame")
    assert (frame["camera"], frame["entry_id"], frame["number"], frame["at"]) == ("lobby", "42-0", 42, 4.2)
    assert (frame["width"], frame["height"], frame["picture"]) == (TRACKS.width, TRACKS.height, False)
    first, second = frame["people"]
    assert (first["track_id"], first["predicted"], first["verdict"]) == (7_000_000_000_001, False, None)
    assert first["box"] == [300, 40, 350, 190]
    assert np.allclose(first["keypoints"], TRACKS.keypoints[0], atol=0.05)
    assert second["predicted"] is True
    assert second["verdict"] == {
        "result": "SAFE", "score": 0.125, "scores": [0.125, None], "unsure": [],
        "partner_id": 7, "age_s": 0.2,
    }  # fmt: skip
    assert [expert["role"] for expert in frame["experts"]] == ["primary", "veto"]
    assert (frame["scene"]["result"], frame["scene"]["threshold"]) == ("SAFE", 0.94)


def test_who_begins_to_watch_sees_the_last_frame_at_once(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 41, tracks(41))
    assert told(watch(site, "?camera=lobby"), "frame")["people"][1]["verdict"]["age_s"] == 0.1
    assert told(watch(site, "?camera=lobby"), "frame")["number"] == 41, "the second one, too"


def test_an_old_verdict_is_no_longer_shown(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 200, tracks(200))
    frame = told(watch(site, "?camera=lobby"), "frame")
    assert (frame["people"][1]["verdict"], frame["scene"]) == (None, None)


def test_another_life_of_the_camera_begins_without_verdicts(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 41, tracks(41, generation="00000000000000bb"))
    assert told(watch(site, "?camera=lobby"), "frame")["people"][1]["verdict"] is None


def test_incidents_of_all_cameras_are_told_to_everybody(site: Site, redis_client: redis.Redis) -> None:
    views = [watch(site, "?camera=yard"), watch(site, "?frames=false")]
    watched(site, "yard")
    add(redis_client, "incidents", 41, INCIDENTS)
    for view in views:
        incident = told(view, "incident")
        assert (incident["camera"], incident["change"]) == ("lobby", "new")
        assert incident["incident_id"] == INCIDENTS.incidents[0].incident_id
        assert incident["peak_score"] == 0.984


def test_how_a_camera_fares_is_told(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "tracks", 1, Mark(**HEAD))
    redis_client.hset(state_key("ingest", "lobby"), mapping={"dropped:age": 3})
    view = watch(site, "?camera=lobby")
    watched(site)
    site.services.observer.look()
    camera = told(view, "camera")
    assert (camera["camera"], camera["state"], camera["dropped"]["age"]) == ("lobby", "silent", 3)


def test_what_cannot_be_read_is_passed_over(site: Site, redis_client: redis.Redis) -> None:
    view = watch(site, "?camera=lobby")
    watched(site)
    redis_client.xadd(stream_key("tracks", "lobby"), {"m": b"\x93garbage"}, id="1-0")
    redis_client.xadd(stream_key("incidents", "lobby"), {"other": b""}, id="1-0")
    time.sleep(0.3)
    add(redis_client, "tracks", 2, tracks(2))
    assert told(view, "frame")["number"] == 2


def test_a_recording_that_is_played_afresh_is_followed_again(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "tracks", 900, tracks(900))
    view = watch(site, "?camera=lobby")
    assert told(view, "frame")["number"] == 900
    site.services.observer.look()
    redis_client.delete(stream_key("tracks", "lobby"), stream_key("incidents", "lobby"))
    add(redis_client, "tracks", 1, tracks(1, generation="00000000000000bb"))
    site.services.observer.look()
    assert told(view, "frame")["number"] == 1
    add(redis_client, "tracks", 2, tracks(2, generation="00000000000000bb"))
    assert told(view, "frame")["number"] == 2


def test_a_silent_camera_that_nobody_watches_disturbs_no_other(site: Site, redis_client: redis.Redis) -> None:
    view = watch(site, "?camera=lobby")
    watched(site)
    add(redis_client, "incidents", 5, Mark(**{**HEAD, "camera": "yard"}), camera="yard")
    time.sleep(0.3)
    add(redis_client, "tracks", 6, tracks(6))
    assert told(view, "frame")["number"] == 6


def test_what_nobody_thought_of_does_not_end_live_views(
    site: Site, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = watch(site, "?camera=lobby")
    watched(site)
    with monkeypatch.context() as patch:
        patch.setattr(CameraView, "push_verdicts", lambda *_: 1 / 0)
        add(redis_client, "verdicts", 5, verdicts(5))
        time.sleep(0.3)
    add(redis_client, "tracks", 6, tracks(6))
    assert told(view, "frame")["number"] == 6


def test_nothing_is_followed_while_nobody_watches(site: Site, redis_client: redis.Redis) -> None:
    view = watch(site)
    watched(site)
    view.close()
    wait_until(lambda: len(site.services.hub) == 0, "the end")
    time.sleep(0.5)
    before = redis_client.info("commandstats")["cmdstat_xread"]["calls"]
    time.sleep(0.6)
    assert redis_client.info("commandstats")["cmdstat_xread"]["calls"] == before


# --- pictures -----------------------------------------------------------------------------------------------


def picture(number: int, image: bytes = JPEG) -> Frame:
    return FRAME.model_copy(
        update={"number": number, "at": number / 10, "image": image, "crc": zlib.crc32(image)}
    )


def next_binary(view: ClientConnection, timeout: float = 10) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """The next picture: its header, its JPEG, and the message after it."""
    deadline = time.monotonic() + timeout
    while True:
        message = view.recv(timeout=max(0.01, deadline - time.monotonic()))
        if isinstance(message, bytes):
            length = int.from_bytes(message[:4], "big")
            following = view.recv(timeout=5)
            return json.loads(message[4 : 4 + length]), message[4 + length :], json.loads(following)


def test_where_the_site_allows_it_a_picture_comes_right_before_its_frame(
    follow: Callable[..., Site], redis_client: redis.Redis
) -> None:
    site = follow(picture="picture")
    view = watch(site, "?camera=lobby")
    watched(site)
    add(redis_client, "frames", 41, picture(41, b"\xff\xd8older"))
    add(redis_client, "frames", 42, picture(42))
    time.sleep(0.3)
    redis_client.delete(stream_key("frames", "lobby"))
    add(redis_client, "tracks", 42, tracks(42))
    header, jpeg, frame = next_binary(view)
    assert header == {"v": 1, "type": "picture", "camera": "lobby", "entry_id": "42-0"}
    assert jpeg == JPEG
    assert (frame["type"], frame["entry_id"], frame["picture"]) == ("frame", "42-0", True)
    add(redis_client, "tracks", 43, tracks(43))
    assert told(view, "frame")["picture"] is False


def test_a_damaged_picture_is_not_shown(follow: Callable[..., Site], redis_client: redis.Redis) -> None:
    site = follow(picture="picture")
    view = watch(site, "?camera=lobby")
    watched(site)
    add(redis_client, "frames", 42, picture(42).model_copy(update={"crc": 1}))
    add(redis_client, "tracks", 42, tracks(42))
    assert told(view, "frame")["picture"] is False


def test_as_it_comes_no_picture_leaves_the_house(site: Site, redis_client: redis.Redis) -> None:
    view = watch(site, "?camera=lobby")
    watched(site)
    add(redis_client, "frames", 42, picture(42))
    time.sleep(0.2)
    add(redis_client, "tracks", 42, tracks(42))
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        try:
            message = view.recv(timeout=0.2)
        except TimeoutError:
            continue
        assert isinstance(message, str)
        assert b"\xff\xd8" not in message.encode()


def test_pictures_that_nobody_fetches_do_not_pile_up(
    follow: Callable[..., Site], redis_client: redis.Redis
) -> None:
    site = follow(picture="picture")
    watch(site, "?camera=lobby")
    watched(site)
    view = CameraView()
    for number in range(500):
        view.push_frame(f"{number}-0", picture(number, bytes([number % 256]) * 100_000))
    assert view._picture_bytes <= 8 * 2**20
    assert len(view._pictures) <= 64
    assert sum(map(len, view._pictures.values())) == view._picture_bytes


def test_four_thousand_frames_leave_nothing_behind() -> None:
    hub, view = Hub(10), CameraView()
    dead = Viewer("dead", frozenset({"lobby"}), Mailbox(lambda: None))
    hub.join(dead)
    # Encoded once: what is decoded again and again is not what is measured.
    frames = [tracks(number, track_ids=np.array([number, 10_000 + number])) for number in range(200)]
    said = [verdicts(number) for number in range(200)]
    sizes = []
    tracemalloc.start()
    for number in range(4000):
        turn, at = number % 200, number / 10
        person = said[turn].verdicts[0].model_copy(update={"track_id": number, "last_at": at})
        view.push_verdicts(said[turn].model_copy(update={"at": at, "verdicts": (person,)}))
        view.push_frame(f"{number}-0", picture(number % 7))
        moment = frames[turn].model_copy(update={"at": at, "number": number})
        hub.tell_newest("frame", "lobby", view.parcel(f"{number}-0", moment))
        hub.tell_all([f"event {number}"])
        if number % 800 == 799:
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(dead.mailbox) == EVENTS_KEPT + 1
    assert max(sizes[1:]) - min(sizes[1:]) < 200_000


# --- slow and dead viewers ----------------------------------------------------------------------------------


def raw_viewer(site: Site) -> socket.socket:
    """A viewer that says the right words and then takes nothing."""
    host, port = site.url.removeprefix("http://").split(":")
    dead = socket.create_connection((host, int(port)))
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = (
        f"GET /api/v1/live?camera=lobby HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {site.token('viewer')}\r\n\r\n"
    )
    dead.sendall(request.encode())
    return site.stack.enter_context(dead)


def test_a_viewer_that_takes_nothing_is_cut_off_and_holds_nobody_up(
    follow: Callable[..., Site], redis_client: redis.Redis
) -> None:
    site = follow(picture="picture", viewer_timeout_s=1)
    raw_viewer(site)
    view = watch(site, "?camera=lobby")
    watched(site)
    assert len(site.services.hub) == 2
    delays = []
    number = 0
    deadline = time.monotonic() + 30
    while len(site.services.hub) == 2 and time.monotonic() < deadline:
        number += 1
        add(redis_client, "frames", number, picture(number, bytes(100_000)))
        began = time.monotonic()
        add(redis_client, "tracks", number, tracks(number))
        while told(view, "frame")["number"] < number:
            pass
        delays.append(time.monotonic() - began)
        for waiting in site.services.hub._viewers:
            assert len(waiting.mailbox) <= 3
    assert len(site.services.hub) == 1
    assert sorted(delays)[len(delays) // 2] < 0.5, "the other one got every frame in time"


# --- the page in docs/ --------------------------------------------------------------------------------------


def fields_of(value: Any) -> set[str]:
    """Names of all fields, however deep; those of maps whose keys are data are not fields."""
    if isinstance(value, dict):
        inner = [fields_of(v) for k, v in value.items() if k not in ("lags", "owners", "dropped")]
        return set(value) | set().union(*inner)
    return set().union(*map(fields_of, value)) if isinstance(value, list) else set()


def test_the_page_in_docs_names_every_field_of_every_message(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "verdicts", 40, verdicts(40))
    add(redis_client, "tracks", 41, tracks(41))
    view = watch(site, "?camera=lobby")
    messages = [told(view, "hello"), told(view, "frame")]
    site.services.observer.look()
    messages.append(told(view, "camera"))
    add(redis_client, "incidents", 41, INCIDENTS)
    messages.append(told(view, "incident"))
    health = wire.health(server=True, database=True)
    site.services.hub.tell_newest("health", EVERYWHERE, [health])
    messages.append(told(view, "health"))
    text = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    for message in messages:
        assert fields_of(message) <= named, message["type"]
        assert f"`{message['type']}`" in text
    assert f'"v": {wire.V}' in text
    for reason, code in route.CODES.items():
        assert f"| {code} |" in text, reason
