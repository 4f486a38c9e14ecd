"""What `nexara status` and `nexara up` say of a camera, read off a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from shared import embedded
from shared.bus import Bus
from shared.bus.streams import state_key, stream_key
from shared.messages import Mark, Message, encode
from tests.shared.examples import HEAD, MARK, TRACKS
from workers.cli.progress import Progress
from workers.cli.status import observe

CAMERA = "lobby"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("server")
    with embedded.running(directory) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, protocol=2) as connection:
        connection.flushall()
        yield connection


def track(client: redis.Redis, *records: Message) -> None:
    """What pose leaves after these records."""
    client.delete(stream_key("tracks", CAMERA))
    for number, record in enumerate(records, start=1):
        client.xadd(stream_key("tracks", CAMERA), {"m": encode(record)}, id=f"{number}-0")
    client.hset(state_key("pose", CAMERA), mapping={"cursor": f"{len(records)}-0", "read": len(records)})


@pytest.mark.parametrize(
    ("records", "source"),
    [
        ([], ""),
        ([TRACKS], "frame"),
        ([TRACKS, Mark(**HEAD)], "no frame"),
        ([Mark(**HEAD), TRACKS], "frame"),
        ([TRACKS, MARK], "end"),
    ],
)
def test_the_last_record_says_how_the_source_fares(
    url: str, client: redis.Redis, records: list[Message], source: str
) -> None:
    track(client, *records)
    with closing(Bus(url)) as bus:
        [seen] = observe(bus, [CAMERA], over_s=0.0)
        assert seen.source == source


def test_a_silent_camera_is_not_shown_at_a_frame_a_second(url: str, client: redis.Redis) -> None:
    with closing(Bus(url)) as bus:
        progress = Progress(bus, [CAMERA])
        track(client, TRACKS)
        progress.update()
        track(client, TRACKS, *[Mark(**HEAD)] * 20)
        progress.update()
        assert progress.cameras[CAMERA].fps == 0.0
        assert progress.cameras[CAMERA].source == "no frame"


def test_frames_that_never_were_in_the_stream_are_not_behind(url: str, client: redis.Redis) -> None:
    client.hset(
        state_key("ingest", CAMERA),
        mapping={"added": 100, "dropped:age": 10, "dropped:buffer": 40, "dropped:outage": 7},
    )
    client.hset(state_key("pose", CAMERA), mapping={"read": 85, "cursor": "85-0"})
    with closing(Bus(url)) as bus:
        [seen] = observe(bus, [CAMERA], over_s=0.0)
        assert (seen.pose_lag, seen.dropped_total) == (5, 57)
