"""The loop around a stage: who is to blame, what ends it, what it leaves behind."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import redis

from shared.bus import Bus, BusError, BusRefusedError, streams
from shared.bus.streams import Bound, dead_key, lease_key, members_key, state_key, stream_key
from shared.health import Pulse
from shared.loop import StageFailedError, committer
from shared.loop.quiet import OnceAMinute
from shared.messages import Frame, Mark, Message, decode
from shared.metrics import DELIVERIES_FAILED
from shared.stage import Stage, StillBusy, TryLater
from tests.shared import story
from tests.shared.fleet import Worker, assert_undisturbed, finished, wait_until
from tests.shared.stepped import SteppedWorker


@pytest.fixture
def bus(server: str) -> Iterator[Bus]:
    with closing(Bus(server)) as bus:
        yield bus


@pytest.fixture
def publish(bus: Bus, client: redis.Redis) -> Callable[[int], None]:
    """Publishes so many records of the story of camera a, waiting for the reader where it must."""

    def tell(count: int) -> None:
        done = int(bus.counters("ingest", "a").get("cursor", "0-0").partition("-")[0])
        while done < count:
            done = story.publish(bus, client.set, "a", min(8, count - done))

    return tell


def letters(client: redis.Redis) -> list[tuple[str, str]]:
    return [(f[b"id"].decode(), f[b"reason"].decode()) for _, f in client.xrange(dead_key("a"))]


def ended(worker: Worker) -> BaseException:
    wait_until(lambda: worker.error is not None, "the loop to end")
    worker.join()
    assert worker.error is not None
    return worker.error


def plain(**changes: Any) -> Stage:
    """The chain story's stage, but nothing that a record says makes it fail."""

    def advance(state: story.Chain, item: Frame, _seen: Any) -> tuple[story.Chain, Message]:
        state = state.after(item.number)
        return state, item

    fields = {"prepare": lambda message: message, "look": list, "judge": list, "advance": advance, **changes}
    return replace(story.stage(story.Chain), **fields)


# --- who is to blame --------------------------------------------------------------------------------------


def test_of_a_batch_that_fails_only_the_bad_record_is_dead_lettered(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    publish(31)
    worker = Worker(story.stage(story.Chain), server, ["a"], "w")
    wait_until(finished(bus, {"a": 31}), "all records to be committed", worker.check)
    worker.close()
    assert_undisturbed(server, {"a": 31})
    assert dict(letters(client)) == {
        "1-0": "message: not msgpack as we write it: FormatError",
        "7-0": "pose: ZeroDivisionError: judge",
        "8-0": "message: not msgpack as we write it: FormatError",
        "9-0": "pose: ZeroDivisionError: look",
        "12-0": "advance",
        "18-0": "prepare",
        "20-0": "pose: ZeroDivisionError: judge",
        "22-0": "pose: ZeroDivisionError: look",
        "31-0": "prepare",
    }


def test_a_record_of_another_camera_is_dead_lettered(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    client.xadd(stream_key("frames", "a"), {"m": story.payload("b", 1)}, id="1-0")
    worker = Worker(plain(), server, ["a"], "w")
    wait_until(finished(bus, {"a": 1}), "the record to be committed", worker.check)
    worker.close()
    assert letters(client) == [("1-0", "message: is camera 'b''s")]


@pytest.mark.parametrize("step", ["look", "judge"])
def test_a_stage_that_breaks_ends_the_loop_and_no_record_is_blamed(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None], step: str
) -> None:
    broken = threading.Event()

    def work(items: Sequence[Any]) -> list[Any]:
        if broken.is_set():
            raise RuntimeError("device lost")
        return list(items)

    publish(3)
    worker = Worker(plain(**{step: work}), server, ["a"], "w")
    wait_until(finished(bus, {"a": 3}), "the first records to be committed", worker.check)
    broken.set()
    publish(20)
    error = ended(worker)
    assert isinstance(error, StageFailedError)
    assert str(error) == "pose: RuntimeError: device lost"
    assert bus.counters("pose", "a")["cursor"] == "3-0"
    assert [entry_id for entry_id, _ in letters(client)] == ["1-0"]  # damaged at its source


def test_a_stage_that_never_did_well_ends_the_loop(
    server: str, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    def look(items: Sequence[Any]) -> list[Any]:
        raise RuntimeError("no device")

    publish(20)
    error = ended(Worker(plain(look=look), server, ["a"], "w"))
    assert isinstance(error, StageFailedError)
    assert len(letters(client)) < 5


def test_prepare_that_fails_on_one_record_does_not_stop_the_camera(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    def prepare(message: Message) -> Message:
        if message.number == 5:
            raise ZeroDivisionError("prepare")
        return message

    publish(7)
    worker = Worker(plain(prepare=prepare), server, ["a"], "w")
    wait_until(finished(bus, {"a": 7}), "all records to be committed", worker.check)
    worker.close()
    assert letters(client)[1:] == [("6-0", "pose: ZeroDivisionError: prepare")]


def test_a_record_whose_rules_cannot_be_read_now_is_done_later_and_blamed_for_nothing(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    failed = iter(range(3))

    def prepare(message: Message) -> Message:
        if message.number in (3, 5) and next(failed, None) is not None:
            raise BusError("away")
        return message

    publish(7)
    worker = Worker(plain(prepare=prepare), server, ["a"], "w")
    wait_until(finished(bus, {"a": 7}), "all records to be committed", worker.check)
    worker.close()
    assert next(failed, None) is None
    assert [entry_id for entry_id, _ in letters(client)] == ["1-0"], "the damaged one"


def test_a_worker_that_may_not_read_rules_ends(server: str, publish: Callable[[int], None]) -> None:
    def prepare(_message: Message) -> Message:
        raise BusRefusedError("NOPERM")

    publish(3)
    assert "NOPERM" in str(ended(Worker(plain(prepare=prepare), server, ["a"], "w")))


def test_a_record_that_breaks_advance_is_passed_over_and_the_stored_state_loaded(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    seen_by_the_last: list[story.Chain] = []

    def advance(state: story.Chain, item: Frame, _seen: Any) -> tuple[story.Chain, Message]:
        if item.number == 3:
            raise ZeroDivisionError("advance")
        seen_by_the_last[:] = [state]
        return state.after(item.number), item

    publish(7)
    worker = Worker(plain(advance=advance), server, ["a"], "w")
    wait_until(finished(bus, {"a": 7}), "all records to be committed", worker.check)
    worker.close()
    [_, (entry_id, reason)] = letters(client)
    written = [i.decode() for i, _ in client.xrange(stream_key("tracks", "a"))]
    assert reason == "pose: advance: ZeroDivisionError: advance"
    assert entry_id not in written
    # The last record saw a state of the good ones before it, whatever was tried in between.
    numbers = [int(entry.partition("-")[0]) - 1 for entry in written]
    good = [number for number in numbers if story.kind_of(number) != "mark"]
    assert seen_by_the_last == [functools.reduce(story.Chain.after, good[:-1], story.Chain())]


def test_advance_that_always_fails_ends_the_loop(
    server: str, bus: Bus, publish: Callable[[int], None]
) -> None:
    def advance(state: Any, item: Frame, _seen: Any) -> tuple[Any, Message]:
        raise ZeroDivisionError("advance")

    publish(7)
    error = ended(Worker(plain(advance=advance), server, ["a"], "w"))
    assert isinstance(error, StageFailedError)


def test_a_hung_look_ends_the_loop(server: str, client: redis.Redis, publish: Callable[[int], None]) -> None:
    release = threading.Event()

    def look(items: Sequence[Any]) -> list[Any]:
        release.wait(30)
        return list(items)

    publish(3)
    error = ended(Worker(plain(look=look), server, ["a"], "w", hung_after_s=0.2))
    release.set()
    assert isinstance(error, StageFailedError)
    assert "look hangs" in str(error)
    assert client.get(lease_key("pose", "a")) is None


def test_a_hung_sink_ends_the_loop(server: str, publish: Callable[[int], None]) -> None:
    release = threading.Event()
    publish(3)
    sink = plain(writes="", deliver=lambda _camera, _pairs: release.wait(30), dump=None, load=None)
    error = ended(Worker(sink, server, ["a"], "w", hung_after_s=0.2))
    release.set()
    assert "commit hangs" in str(error)


def test_an_output_stream_that_is_ahead_of_its_lost_state_says_what_to_do(
    server: str, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    publish(3)
    client.xadd(stream_key("tracks", "a"), {"m": b""}, id="99-0")
    error = ended(Worker(plain(), server, ["a"], "w"))
    assert "camera=a: stream tracks is ahead" in str(error)
    assert "--fresh" in str(error)


def test_what_goes_wrong_again_and_again_is_logged_once_a_minute() -> None:
    now = [0.0]
    once = OnceAMinute(lambda: now[0])
    told = []
    for second in range(0, 200, 7):
        now[0] = float(second)
        told += [(key, second) for key in ("a", "b") if (key == "a" or second > 30) and once.due(key)]
    assert told == [("a", 0), ("b", 35), ("a", 63), ("b", 98), ("a", 126), ("b", 161), ("a", 189)]


def test_a_stored_state_that_cannot_be_read_says_what_to_do(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    publish(3)
    client.hset(
        state_key("pose", "a"),
        mapping={"snapshot": b"\xc1", "settings": "s", "cursor": "1-0", "generation": "0"},
    )
    error = ended(Worker(plain(), server, ["a"], "w"))
    assert isinstance(error, StageFailedError)
    assert "camera=a: its stored state cannot be read" in str(error)
    assert "--fresh" in str(error)


def test_a_wrong_password_ends_the_loop(server: str) -> None:
    worker = Worker(plain(), server.replace("default:", "default:no"), ["a"], "w")
    assert isinstance(ended(worker), BusRefusedError)


# --- what it leaves behind --------------------------------------------------------------------------------


@pytest.mark.parametrize("records", [0, 5])
def test_a_stopped_loop_leaves_no_thread_no_lease_and_no_membership(
    server: str, client: redis.Redis, publish: Callable[[int], None], records: int
) -> None:
    publish(records)
    before = set(threading.enumerate())
    worker = Worker(plain(), server, ["a"], "w")
    wait_until(lambda: client.get(lease_key("pose", "a")) is not None, "the camera to be owned", worker.check)
    worker.close()
    wait_until(lambda: set(threading.enumerate()) <= before, "the threads to end")
    assert client.get(lease_key("pose", "a")) is None
    assert client.zcard(members_key("pose")) == 0


def test_a_loop_that_stops_while_it_looks_does_not_wait_for_every_thread_in_turn(
    server: str, publish: Callable[[int], None]
) -> None:
    release, looking = threading.Event(), threading.Event()

    def look(items: Sequence[Any]) -> list[Any]:
        looking.set()
        release.wait(30)
        return list(items)

    publish(20)
    worker = Worker(plain(look=look), server, ["a"], "w")
    wait_until(looking.is_set, "the stage to look", worker.check)
    worker.close()  # no error, though prepared records were cancelled
    release.set()


# --- states and generations -------------------------------------------------------------------------------


def test_other_settings_start_from_the_initial_state_even_if_the_first_record_is_bad(
    client: redis.Redis, bus: Bus, publish: Callable[[int], None]
) -> None:
    def turn(settings: str, count: int) -> None:
        client.delete(lease_key("pose", "a"), members_key("pose"))
        publish(count)
        worker = SteppedWorker(story.stage(story.Chain, settings=settings), client, ["a"], "w")
        while worker.turn():
            pass

    turn("one", 31)
    turn("two", 32)  # nothing but a damaged record
    counters = bus.counters("pose", "a")
    assert (counters["cursor"], counters["settings"]) == ("32-0", "two")
    turn("two", 34)
    [*_, (_, payload)] = bus.history("tracks", "a", "-", "+")
    last = decode(payload)
    assert isinstance(last, Mark)
    assert last.reason == f"good {story.Chain().after(32).after(33).value}"


def test_history_is_kept_for_the_newest_generation_alone(
    client: redis.Redis, bus: Bus, publish: Callable[[int], None]
) -> None:
    worker = SteppedWorker(story.stage(story.Recent), client, ["a"], "w")
    floors = []
    for count in range(1, 23):
        publish(count)
        worker.turn()
        floors.append(int(bus.counters("pose", "a")["floor"].partition("-")[0]))
    # Ids 1, 8 and 18 cannot be read. Generations begin at 1, 8, 15 and 22; three records back are needed, but
    # never another generation's.
    assert floors == [1, 2, 2, 2, 2, 3, 4, 4, 9, 9, 9, 9, 10, 11, 15, 15, 15, 15, 16, 17, 19, 22]


def test_a_final_mark_reaches_the_end_of_the_line(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    publish(5)  # the fifth is a mark
    workers = [
        Worker(plain(), server, ["a"], "pose"),
        Worker(plain(name="classify", reads="tracks", writes="verdicts"), server, ["a"], "classify"),
    ]
    wait_until(lambda: bus.counters("classify", "a").get("cursor") == "5-0", "the mark to arrive")
    for worker in workers:
        worker.close()
    entries = bus.history("verdicts", "a", "-", "+")
    assert [entry_id for entry_id, _ in entries] == ["2-0", "3-0", "4-0", "5-0"]
    assert [stamp.stage for stamp in decode(entries[-1][1]).trail] == ["pose", "classify"]


# --- bounds and sinks -------------------------------------------------------------------------------------


def test_a_stage_waits_for_its_reader_and_then_goes_on(
    server: str, bus: Bus, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {
        "frames": Bound(("pose",), 0, 64),
        "tracks": Bound(("classify",), 10, 40),
        "verdicts": Bound((), 1000, 0),
    }
    monkeypatch.setattr(streams, "bound", lambda stream, live: small[stream])
    worker = Worker(plain(), server, ["a"], "pose")
    done = 0
    while done < 60:
        done = story.publish(bus, client.set, "a", min(8, 60 - done))
    wait_until(lambda: int(bus.counters("pose", "a").get("added", 0)) > 8, "some tracks", worker.check)
    assert int(bus.counters("pose", "a")["added"]) <= 40
    reader = Worker(plain(name="classify", reads="tracks", writes="verdicts"), server, ["a"], "classify")
    wait_until(finished(bus, {"a": 60}), "all records to be committed", worker.check)
    worker.close()
    numbers = [n for n in range(60) if story.kind_of(n) != "damaged"]
    wait_until(
        lambda: bus.counters("classify", "a").get("read") == str(len(numbers)), "all tracks", reader.check
    )
    reader.close()
    verdicts = bus.history("verdicts", "a", "-", "+")
    assert [decode(payload).number for _, payload in verdicts] == numbers


def test_a_sink_is_handed_everything_in_order_before_it_is_committed(
    server: str, bus: Bus, publish: Callable[[int], None]
) -> None:
    handed: list[tuple[str, str, int]] = []
    stored = threading.Event()

    def deliver(camera: str, pairs: Sequence[tuple[str, Message]]) -> None:
        if not stored.is_set():
            stored.set()
            raise OSError("disk full")
        handed.extend((camera, entry_id, message.number) for entry_id, message in pairs)

    publish(12)
    sink = plain(writes="", deliver=deliver, dump=None, load=None)
    assert isinstance(ended(Worker(sink, server, ["a"], "w1")), StageFailedError)
    assert "cursor" not in bus.counters("pose", "a")
    worker = Worker(sink, server, ["a"], "w2")
    wait_until(finished(bus, {"a": 12}), "all records to be committed", worker.check)
    worker.close()
    assert handed == [("a", f"{n + 1}-0", n) for n in range(12) if story.kind_of(n) != "damaged"]


def test_what_a_sink_cannot_store_now_is_stored_later_and_the_worker_says_why_it_waits(
    server: str, bus: Bus, publish: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "_DELIVER_AGAIN_S", 0.05)
    handed: list[int] = []
    back = threading.Event()

    def deliver(_camera: str, pairs: Sequence[tuple[str, Message]]) -> None:
        if not back.is_set():
            raise TryLater("the database is away")
        handed.extend(message.number for _entry_id, message in pairs)

    publish(12)
    pulse = Pulse("pose")
    sink = plain(writes="", deliver=deliver, dump=None, load=None)
    worker = Worker(sink, server, ["a"], "w", pulse=pulse)
    wait_until(lambda: pulse.problem == "the database is away", "the sink to be missed", worker.check)
    assert "cursor" not in bus.counters("pose", "a")
    back.set()
    wait_until(finished(bus, {"a": 12}), "all records to be committed", worker.check)
    wait_until(lambda: pulse.problem == "", "all to be well", worker.check)
    worker.close()
    assert handed == [n for n in range(12) if story.kind_of(n) != "damaged"]


def test_a_sink_that_is_still_at_work_is_asked_again_and_nothing_is_wrong(
    server: str, bus: Bus, publish: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "_DELIVER_AGAIN_S", 0.05)
    before = DELIVERIES_FAILED.labels("pose")._value.get()
    busy = iter(range(3))

    def deliver(_camera: str, _pairs: Sequence[tuple[str, Message]]) -> None:
        if next(busy, None) is not None:
            raise StillBusy("draws")

    publish(12)
    pulse = Pulse("pose")
    worker = Worker(plain(writes="", deliver=deliver, dump=None, load=None), server, ["a"], "w", pulse=pulse)
    wait_until(finished(bus, {"a": 12}), "all records to be committed", worker.check)
    worker.close()
    assert next(busy, None) is None
    assert DELIVERIES_FAILED.labels("pose")._value.get() == before


def test_an_idle_worker_notices_that_the_server_went_back(
    server: str, bus: Bus, client: redis.Redis, publish: Callable[[int], None]
) -> None:
    publish(3)
    worker = Worker(plain(), server, ["a"], "w1")
    wait_until(finished(bus, {"a": 3}), "the first records to be committed", worker.check)
    worker.close()
    publish(7)
    old = {key: client.dump(key) for key in client.scan_iter() if b":lease:" not in key}
    worker = Worker(plain(), server, ["a"], "w2")
    wait_until(finished(bus, {"a": 7}), "all records to be committed", worker.check)
    for key, dump in old.items():
        client.restore(key, 0, dump, replace=True)
    wait_until(finished(bus, {"a": 7}), "all records to be committed again", worker.check)
    worker.close()
