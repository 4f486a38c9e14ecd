"""The commit: all of it or nothing, and nothing unless it goes on from what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis

from shared.bus import Bus, BusError, DeadLetter, Outcome, Run
from shared.bus.streams import DEAD_LETTERS_KEPT, bound, dead_key, lease_key, state_key, stream_key

FRAMES, TRACKS = stream_key("frames", "a"), stream_key("tracks", "a")
PENDING = ("pose", FRAMES)
SOURCE, OWNER = "ingest:1", "pose:1"


@pytest.fixture
def bus(server: str) -> Iterator[Bus]:
    with closing(Bus(server, live=["l"])) as bus:
        for stage, token in (("ingest", SOURCE), ("pose", OWNER), ("classify", "classify:1")):
            for camera in ("a", "b", "l"):
                assert bus.acquire(lease_key(stage, camera), token, 60_000)
        yield bus


def entry(number: int) -> str:
    return f"{number}-0"


def publish(bus: Bus, first: int, last: int, camera: str = "a", **changes: Any) -> Outcome:
    """Frames `first` to `last` as ingest would commit them."""
    run = Run(
        stage="ingest",
        camera=camera,
        token=SOURCE,
        previous=entry(first - 1),
        last=entry(last),
        writes="frames",
        outputs=[(entry(number), b"frame %d" % number) for number in range(first, last + 1)],
    )
    return commit(bus, replace(run, **changes))


def take(bus: Bus, count: int, camera: str = "a") -> list[str]:
    """The next frames' ids, as pose reads them."""
    return [entry_id for entry_id, _ in bus.read("pose", "w", "frames", [camera], count, 0).get(camera, [])]


def step(first: int, last: int, camera: str = "a", **changes: Any) -> Run:
    """Pose's commit of frames `first` to `last`."""
    run = Run(
        stage="pose",
        camera=camera,
        token=OWNER,
        previous=entry(first - 1),
        last=entry(last),
        reads="frames",
        inputs=[entry(number) for number in range(first, last + 1)],
        writes="tracks",
        outputs=[(entry(number), b"tracks %d" % number) for number in range(first, last + 1)],
        snapshot=b"after %d" % last,
        generation="g",
        settings="s",
    )
    return replace(run, **changes)


def commit(bus: Bus, run: Run) -> Outcome:
    [outcome] = bus.commit([run])
    return outcome


def everything(client: redis.Redis) -> dict[str, Any]:
    """All that the server holds, groups included."""
    return {key: client.dump(key) for key in sorted(client.scan_iter()) if b":lease:" not in key}


@contextmanager
def nothing_written(client: redis.Redis) -> Iterator[None]:
    before = everything(client)
    yield
    assert everything(client) == before


@pytest.fixture
def taken(bus: Bus) -> Bus:
    """Five frames published, the first three read by pose."""
    assert publish(bus, 1, 5) is Outcome.DONE
    bus.open("pose", "a", OWNER, "frames")
    assert take(bus, 3) == ["1-0", "2-0", "3-0"]
    return bus


# --- what becomes of a commit -----------------------------------------------------------------------------


def test_a_commit_stores_cursor_state_and_outputs_and_uses_its_inputs_up(
    taken: Bus, client: redis.Redis
) -> None:
    assert commit(taken, step(1, 3)) is Outcome.DONE
    assert taken.history("tracks", "a", "-", "+") == [
        ("1-0", b"tracks 1"),
        ("2-0", b"tracks 2"),
        ("3-0", b"tracks 3"),
    ]
    stored = taken.open("pose", "a", OWNER, "frames")
    assert stored is not None
    assert (stored.cursor, stored.snapshot, stored.generation, stored.settings, stored.floor) == (
        "3-0",
        b"after 3",
        "g",
        "s",
        "3-0",
    )
    assert client.xpending(FRAMES, "pose")["pending"] == 0
    counters = taken.counters("pose", "a")
    assert (counters["read"], counters["added"]) == ("3", "3")
    assert take(taken, 9) == ["4-0", "5-0"]


def test_a_commit_whose_reply_was_lost_is_a_duplicate_and_changes_nothing(
    taken: Bus, client: redis.Redis
) -> None:
    assert commit(taken, step(1, 3)) is Outcome.DONE
    with nothing_written(client):
        assert commit(taken, step(1, 3)) is Outcome.DUPLICATE
        assert publish(taken, 1, 5) is Outcome.DUPLICATE


def test_without_the_lease_a_commit_is_fenced(taken: Bus, client: redis.Redis) -> None:
    with nothing_written(client):
        assert commit(taken, step(1, 3, token="pose:2")) is Outcome.FENCED
    client.delete(lease_key("pose", "a"))
    with nothing_written(client):
        assert commit(taken, step(1, 3)) is Outcome.FENCED


def test_what_another_token_has_stored_is_no_duplicate(taken: Bus, client: redis.Redis) -> None:
    assert commit(taken, step(1, 3)) is Outcome.DONE
    client.set(lease_key("pose", "a"), "pose:2")
    with nothing_written(client):
        assert commit(taken, step(1, 3, token="pose:2")) is Outcome.STALE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"previous": "1-0", "inputs": ["2-0", "3-0"]}, id="memory is ahead of the server"),
        pytest.param({"inputs": ["1-0", "3-0"]}, id="an input was lost on the way"),
        pytest.param({"inputs": ["2-0", "3-0"]}, id="the first input was lost"),
        pytest.param(
            {"inputs": ["1-0", "2-0"], "last": "2-0", "previous": "1-0"}, id="input before previous"
        ),
        pytest.param({"inputs": ["1-0", "2-0", "3-0", "4-0"], "last": "4-0"}, id="an input was never given"),
        pytest.param({"inputs": ["1-0", "1-0", "2-0", "3-0"]}, id="an input twice"),
        pytest.param({"inputs": ["1-0", "2-0", "2-1"]}, id="an input that never was"),
        pytest.param({"reads": "verdicts"}, id="the stream is gone"),
    ],
)
def test_a_commit_that_does_not_go_on_from_what_is_stored_is_stale(
    taken: Bus, client: redis.Redis, changes: dict[str, Any]
) -> None:
    with nothing_written(client):
        assert commit(taken, replace(step(1, 3), **changes)) is Outcome.STALE


def test_a_commit_after_its_group_was_made_anew_is_stale(taken: Bus, client: redis.Redis) -> None:
    taken.open("pose", "a", OWNER, "frames")
    with nothing_written(client):
        assert commit(taken, step(1, 3)) is Outcome.STALE


def test_a_commit_of_a_part_of_what_was_read_is_done_and_the_rest_can_follow(taken: Bus) -> None:
    assert commit(taken, step(1, 2)) is Outcome.DONE
    assert commit(taken, step(3, 3)) is Outcome.DONE


def test_a_commit_after_an_older_dump_was_restored_is_stale(taken: Bus, client: redis.Redis) -> None:
    old = everything(client)
    assert commit(taken, step(1, 3)) is Outcome.DONE
    for key, dump in old.items():
        client.restore(key, 0, dump, replace=True)
    client.delete(state_key("pose", "a"), TRACKS)
    with nothing_written(client):
        assert commit(taken, step(4, 5)) is Outcome.STALE


def test_a_source_waits_while_its_required_reader_is_too_far_behind(bus: Bus, client: redis.Redis) -> None:
    limit = bound("frames", live=False).limit
    assert publish(bus, 1, limit) is Outcome.DONE
    with nothing_written(client):
        assert publish(bus, limit + 1, limit + 1) is Outcome.FULL
    bus.open("pose", "a", OWNER, "frames")
    take(bus, 3)
    assert commit(bus, step(1, 3)) is Outcome.DONE
    with nothing_written(client):
        assert publish(bus, limit + 1, limit + 4) is Outcome.FULL
    assert publish(bus, limit + 1, limit + 3) is Outcome.DONE


def test_a_full_stage_may_still_pass_over_inputs_that_have_no_output(taken: Bus, client: redis.Redis) -> None:
    client.hset(state_key("pose", "a"), "added", bound("tracks", live=False).limit)
    assert commit(taken, step(1, 3)) is Outcome.FULL
    assert commit(taken, step(1, 2, outputs=[])) is Outcome.DONE


def test_a_live_source_is_never_full(bus: Bus) -> None:
    for first in range(1, 400, 100):
        assert publish(bus, first, first + 99, camera="l") is Outcome.DONE


def test_a_stream_that_is_ahead_of_its_lost_state_is_told_apart(taken: Bus, client: redis.Redis) -> None:
    assert commit(taken, step(1, 3)) is Outcome.DONE
    client.delete(state_key("pose", "a"))
    taken.open("pose", "a", OWNER, "frames")
    assert take(taken, 3) == ["1-0", "2-0", "3-0"]
    with nothing_written(client):
        assert commit(taken, step(1, 3)) is Outcome.AHEAD


# --- bounds -----------------------------------------------------------------------------------------------


def ids(bus: Bus, stream: str, camera: str = "a") -> list[str]:
    return [entry_id for entry_id, _ in bus.history(stream, camera, "-", "+")]


def test_frames_go_as_soon_as_every_required_reader_has_passed_them(taken: Bus) -> None:
    assert commit(taken, step(1, 3)) is Outcome.DONE
    assert publish(taken, 6, 6) is Outcome.DONE
    assert ids(taken, "frames") == ["3-0", "4-0", "5-0", "6-0"]


def test_what_a_takeover_must_replay_stays(taken: Bus) -> None:
    assert commit(taken, step(1, 3, floor="2-0")) is Outcome.DONE
    assert publish(taken, 6, 6) is Outcome.DONE
    assert ids(taken, "frames") == ["2-0", "3-0", "4-0", "5-0", "6-0"]


def _classify_reads(bus: Bus, client: redis.Redis, floor: int) -> None:
    client.hset(state_key("classify", "a"), mapping={"floor": entry(floor), "read": floor})


def _write_tracks(bus: Bus, first: int, last: int) -> None:
    """Tracks without frames: as a source would write them."""
    for start in range(first, last + 1, 50):
        end = min(start + 49, last)
        assert commit(bus, replace(step(start, end), reads="", inputs=[], snapshot=None)) is Outcome.DONE


def test_records_that_were_read_stay_for_viewers_up_to_a_bound(bus: Bus, client: redis.Redis) -> None:
    keep = bound("tracks", live=False).keep
    for start in range(1, 2 * keep, 500):
        _classify_reads(bus, client, start)
        _write_tracks(bus, start, start + 499)
    kept = ids(bus, "tracks")
    assert keep <= len(kept) <= keep * 5 // 4
    assert kept[-1] == entry(2 * keep)


def test_records_that_a_reader_still_needs_stay_beyond_that_bound(bus: Bus, client: redis.Redis) -> None:
    keep = bound("tracks", live=False).keep
    for start in range(1, 2 * keep, 500):
        client.hset(state_key("classify", "a"), mapping={"floor": "700-0", "read": start})
        _write_tracks(bus, start, start + 499)
    kept = ids(bus, "tracks")
    assert "700-0" in kept
    assert len(kept) < 2 * keep


def test_verdicts_of_a_live_camera_are_bounded_though_nobody_reads_them(
    bus: Bus, client: redis.Redis
) -> None:
    keep = bound("verdicts", live=True).keep
    run = replace(
        step(1, 1, camera="l"), stage="classify", token="classify:1", writes="verdicts", reads="", inputs=[]
    )
    for start in range(1, keep + 2000, 500):
        outputs = [(entry(number), b"v") for number in range(start, start + 500)]
        last, previous = entry(start + 499), entry(start - 1)
        assert commit(bus, replace(run, outputs=outputs, last=last, previous=previous)) is Outcome.DONE
    assert keep <= client.xlen(stream_key("verdicts", "l")) <= keep + 100


def test_of_live_frames_only_those_are_dropped_that_pose_was_not_given(bus: Bus) -> None:
    publish(bus, 1, 6, camera="l")
    bus.open("pose", "l", OWNER, "frames")
    assert take(bus, 3, camera="l") == ["1-0", "2-0", "3-0"]
    drops = [(entry(number), "age") for number in (2, 3, 4)] + [("5-0", "bytes"), ("99-0", "bytes")]
    assert publish(bus, 7, 7, camera="l", drops=drops, dropped={"decode": 2, "age": 10}) is Outcome.DONE
    counters = bus.counters("ingest", "l")
    assert {name: n for name, n in counters.items() if name.startswith("dropped:")} == {
        "dropped:age": "11",
        "dropped:bytes": "1",
        "dropped:decode": "2",
    }
    assert ids(bus, "frames", "l") == ["1-0", "2-0", "3-0", "6-0", "7-0"]
    assert commit(bus, step(1, 3, camera="l")) is Outcome.DONE
    assert take(bus, 9, camera="l") == ["6-0", "7-0"]
    run = step(6, 7, camera="l", previous="3-0")
    assert commit(bus, run) is Outcome.DONE


def test_before_pose_has_ever_come_every_live_frame_may_be_dropped(bus: Bus) -> None:
    publish(bus, 1, 2, camera="l")
    publish(bus, 3, 3, camera="l", drops=[("1-0", "age"), ("2-0", "age")])
    assert ids(bus, "frames", "l") == ["3-0"]
    assert bus.counters("ingest", "l")["dropped:age"] == "2"


def test_a_reader_that_comes_late_is_behind_only_by_what_is_still_there(
    bus: Bus, client: redis.Redis
) -> None:
    publish(bus, 1, 60)
    client.xtrim(FRAMES, maxlen=10, approximate=False)
    bus.open("pose", "a", OWNER, "frames")
    assert bus.counters("pose", "a")["read"] == "50"
    assert publish(bus, 61, 64) is Outcome.DONE


def _letter(number: int, size: int = 10) -> DeadLetter:
    return DeadLetter(stream="frames", entry_id=entry(number), reason="r" * 600, payload=b"p" * size)


def test_a_dead_letter_tells_where_what_and_why(taken: Bus, client: redis.Redis) -> None:
    letter = _letter(2, size=10_000)
    outputs = [("1-0", b"one"), ("3-0", b"three")]
    assert commit(taken, step(1, 3, outputs=outputs, dead=[letter])) is Outcome.DONE
    [(_, fields)] = client.xrange(dead_key("a"))
    assert fields == {
        b"stage": b"pose",
        b"stream": b"frames",
        b"id": b"2-0",
        b"reason": b"r" * 500,
        b"payload": b"p" * 4096,
    }
    assert taken.counters("pose", "a")["dead"] == "1"


def test_dead_letters_are_capped(bus: Bus, client: redis.Redis) -> None:
    for number in range(1, 3002, 100):
        run = replace(
            step(number, number + 99, outputs=[], snapshot=None),
            reads="",
            inputs=[],
            dead=[_letter(n) for n in range(100)],
        )
        assert commit(bus, run) is Outcome.DONE
    assert DEAD_LETTERS_KEPT <= client.xlen(dead_key("a")) <= DEAD_LETTERS_KEPT + 100
    assert bus.counters("pose", "a")["dead"] == "3100"


# --- the state --------------------------------------------------------------------------------------------


def test_a_commit_without_a_snapshot_leaves_the_stored_one(taken: Bus) -> None:
    commit(taken, step(1, 2))
    commit(taken, step(3, 3, snapshot=None))
    stored = taken.open("pose", "a", OWNER, "frames")
    assert stored is not None
    assert (stored.cursor, stored.snapshot) == ("3-0", b"after 2")


def test_an_empty_snapshot_is_one(taken: Bus) -> None:
    commit(taken, step(1, 3, snapshot=b""))
    stored = taken.open("pose", "a", OWNER, "frames")
    assert stored is not None
    assert stored.snapshot == b""


def test_a_snapshot_does_not_outlive_its_settings(taken: Bus) -> None:
    commit(taken, step(1, 2))
    commit(taken, step(3, 3, snapshot=None, settings="other"))
    stored = taken.open("pose", "a", OWNER, "frames")
    assert stored is not None
    assert (stored.settings, stored.snapshot) == ("other", None)


def test_only_the_owner_can_open_a_camera(taken: Bus, client: redis.Redis) -> None:
    with nothing_written(client):
        assert taken.open("pose", "a", "pose:2", "frames") is None


def test_a_camera_that_was_never_seen_opens_at_the_start(bus: Bus) -> None:
    opened = bus.open("pose", "a", OWNER, "frames")
    assert opened is not None
    assert (opened.cursor, opened.snapshot, opened.generation, opened.floor) == ("0-0", None, "", "0-0")


def test_a_forgotten_camera_leaves_nothing_behind(taken: Bus, client: redis.Redis) -> None:
    commit(taken, step(1, 2, outputs=[], dead=[_letter(1)]))
    taken.forget("a")
    assert [key for key in client.scan_iter() if b":a}" in key] == []


# --- the server's moods -----------------------------------------------------------------------------------


def test_at_maxmemory_sources_are_refused_whole_and_stages_go_on(taken: Bus, client: redis.Redis) -> None:
    client.config_set("maxmemory", "1mb")
    with nothing_written(client), pytest.raises(BusError, match=r"OOM|OutOfMemory"):
        publish(taken, 6, 6)
    assert commit(taken, step(1, 3)) is Outcome.DONE
    assert taken.open("pose", "a", OWNER, "frames") is not None
    assert take(taken, 9) == ["4-0", "5-0"]
    client.config_set("maxmemory", "256mb")
    assert publish(taken, 6, 6) is Outcome.DONE


def test_forgotten_scripts_are_sent_again(taken: Bus, client: redis.Redis) -> None:
    assert commit(taken, step(1, 1)) is Outcome.DONE
    client.script_flush()
    assert commit(taken, step(2, 2)) is Outcome.DONE
    assert publish(taken, 6, 6) is Outcome.DONE


@pytest.mark.parametrize("key", [TRACKS, dead_key("a"), state_key("pose", "a"), state_key("classify", "a")])
def test_a_key_that_somebody_else_uses_is_an_error_and_nothing_is_written(
    taken: Bus, client: redis.Redis, key: str
) -> None:
    client.set(key, "text")
    with nothing_written(client), pytest.raises(BusError, match="WRONGTYPE"):
        commit(taken, step(1, 3, dead=[_letter(2)]))


def test_outputs_out_of_order_are_refused_whole(taken: Bus, client: redis.Redis) -> None:
    outputs = [("2-0", b"two"), ("1-0", b"one")]
    with nothing_written(client), pytest.raises(BusError, match="not in order"):
        commit(taken, step(1, 3, outputs=outputs))


def test_cameras_stand_and_fall_alone(bus: Bus) -> None:
    for camera in ("a", "b"):
        publish(bus, 1, 3, camera=camera)
        bus.open("pose", camera, OWNER, "frames")
        take(bus, 3, camera)
    stale = step(1, 3, camera="a", inputs=["1-0", "3-0"])
    assert bus.commit([stale, step(1, 3, camera="b")]) == [Outcome.STALE, Outcome.DONE]
    assert bus.commit([step(1, 3), step(1, 3, camera="b")]) == [Outcome.DONE, Outcome.DUPLICATE]


def test_no_runs_are_no_commits(bus: Bus) -> None:
    assert bus.commit([]) == []
