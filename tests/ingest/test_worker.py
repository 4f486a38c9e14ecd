"""Files through the whole worker, on the embedded server."""

from __future__ import annotations

import itertools
import time
from threading import Event

import pytest

from shared.config import ConfigError
from shared.frames import open_image
from tests.ingest.conftest import Ingest, LossyBus, Reader, lasting, options, shown, wait_for
from tests.ingest.videos import jpegs, retimed, write
from workers.ingest import worker
from workers.ingest.config import IngestConfig


def undisturbed(make_bus, flush, path, **more):
    """What an undisturbed run gives, as (entry id, message without its trail)."""
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(path, **more)}):
        reader.until_ended()
    flush()
    return [(entry_id, lasting(message)) for entry_id, message in reader.seen["cam"]]


def same(reader: Reader, camera: str = "cam"):
    return [(entry_id, lasting(message)) for entry_id, message in reader.seen[camera]]


def test_every_frame_of_a_file_comes_once_in_order_and_then_its_end(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=100))}):
        reader.until_ended()
    frames = reader.frames("cam")
    assert [frame.number for frame in frames] == list(range(100))
    assert reader.ids("cam") == [(i + 1, 0) for i in range(101)]
    assert [frame.at for frame in frames] == pytest.approx([i / 10 for i in range(100)])
    [mark] = reader.marks("cam")
    assert mark.final
    assert mark.at > frames[-1].at
    assert len({message.generation for _, message in reader.seen["cam"]}) == 1
    assert bus.counters("ingest", "cam")["cursor"] == "101-0"


def test_two_runs_of_a_file_are_equal(make_bus, flush, tmp_path):
    path = write(tmp_path / "a.mp4", frames=40)
    assert undisturbed(make_bus, flush, path) == undisturbed(make_bus, flush, path)


def test_a_rate_and_a_width_are_kept(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    path = write(tmp_path / "a.mp4", frames=30, fps=30, size=(256, 128))
    with Ingest(bus, {"cam": options(path, fps=10, max_width=128)}):
        reader.until_ended()
    frames = reader.frames("cam")
    assert [frame.number for frame in frames] == list(range(0, 30, 3))
    assert {(f.width, f.height, f.source_width, f.source_height) for f in frames} == {(128, 64, 256, 128)}


def test_a_worker_that_stops_in_the_middle_is_followed_by_one_that_goes_on_the_same(
    make_bus, flush, tmp_path
):
    path = write(tmp_path / "a.mp4", frames=300)
    expected = undisturbed(make_bus, flush, path, fps=7)
    reader = Reader(make_bus(), "cam")
    cameras = {"cam": options(path, fps=7)}
    for turn in range(3):
        with Ingest(make_bus(), cameras, name=f"worker{turn}", again=False):
            reader.until(lambda turn=turn: len(reader.seen["cam"]) > 30 * turn + 5, most=4)
    with Ingest(make_bus(), cameras, name="last", again=False):
        reader.until_ended()
    assert same(reader) == expected


def test_lost_requests_and_replies_change_nothing(make_bus, flush, tmp_path):
    path = write(tmp_path / "a.mp4", frames=100)
    expected = undisturbed(make_bus, flush, path)
    lossy = make_bus(kind=LossyBus)
    reader = Reader(make_bus(), "cam")
    with Ingest(lossy, {"cam": options(path)}, frames_per_commit=4):
        reader.until_ended()
    assert same(reader) == expected
    assert lossy.calls > 25


def test_two_workers_on_one_file_double_nothing(make_bus, flush, tmp_path):
    path = write(tmp_path / "a.mp4", frames=100)
    expected = undisturbed(make_bus, flush, path)
    reader = Reader(make_bus(), "cam")
    cameras = {"cam": options(path)}
    with Ingest(make_bus(), cameras, "one"), Ingest(make_bus(), cameras, "two"):
        reader.until_ended()
    assert same(reader) == expected


def test_a_worker_whose_lease_was_taken_publishes_no_more(make_bus, tmp_path):
    bus = make_bus()
    cameras = {"cam": options(write(tmp_path / "a.mp4", frames=200))}
    reader = Reader(bus, "cam")
    with Ingest(bus, cameras):
        reader.until(lambda: len(reader.seen["cam"]) > 5, most=2)
        bus._redis.set("ingest:lease:{cam:cam}", "thief:1", px=60_000)
        added = bus.counters("ingest", "cam")["added"]
        for _ in range(15):
            reader.read()
        assert bus.counters("ingest", "cam")["added"] == added
        assert len(reader.seen["cam"]) == int(added) < 200
        assert bus.owner("ingest", "cam") == "thief"


def test_a_file_that_has_ended_is_not_played_again_by_a_restarted_worker(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    cameras = {"cam": options(write(tmp_path / "a.mp4", frames=20))}
    with Ingest(bus, cameras):
        reader.until_ended()
    with Ingest(bus, cameras, again=False):
        wait_for(lambda: bus.owner("ingest", "cam") == "one", "the lease")
        for _ in range(20):
            reader.read()
    assert len(reader.seen["cam"]) == 21


def test_another_start_plays_a_file_again_as_a_new_generation(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    cameras = {"cam": options(write(tmp_path / "a.mp4", frames=20))}
    for turn in (1, 2, 3):
        with Ingest(bus, cameras):
            reader.until(lambda turn=turn: len(reader.marks("cam")) == turn, "the end")
    assert reader.ids("cam") == [(i + 1, 0) for i in range(63)]
    assert [frame.number for frame in reader.frames("cam")] == [*range(20)] * 3
    assert len({frame.generation for frame in reader.frames("cam")}) == 3


def test_other_options_start_a_new_generation_from_the_first_frame(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    path = write(tmp_path / "a.mp4", frames=100)
    with Ingest(bus, {"cam": options(path)}):
        reader.until(lambda: len(reader.seen["cam"]) > 5, most=2)
    with Ingest(bus, {"cam": options(path, jpeg_quality=50)}, again=False):
        reader.until_ended()
    assert [frame.number for frame in reader.frames("cam")][-100:] == list(range(100))
    assert reader.ids("cam") == sorted(set(reader.ids("cam")))


def test_a_dead_reader_makes_a_file_wait_at_its_bound(make_bus, tmp_path):
    bus = make_bus()
    Reader(bus, "cam")
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=200))}):
        wait_for(lambda: int(bus.counters("ingest", "cam").get("added", 0)) >= 57, "the bound")
        time.sleep(0.3)
        added = int(bus.counters("ingest", "cam")["added"])
        assert added <= 64
        reader = Reader(bus, "cam")
        reader.until_ended()
    assert [frame.number for frame in reader.frames("cam")] == list(range(200))


def test_a_vanished_state_is_an_alarm_and_its_ids_are_not_used_again(make_bus, flush, tmp_path, caplog):
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=300))}):
        reader.until(lambda: len(reader.seen["cam"]) > 20, most=4)
        before = list(reader.seen["cam"])
        published = int(bus.counters("ingest", "cam")["added"])
        flush()
        reader.rewind()
        reader.seen["cam"].clear()
        reader.until_ended()
    assert [frame.number for frame in reader.frames("cam")] == list(range(300))
    assert reader.ids("cam")[0][0] > max(len(before), published - 8)
    assert reader.frames("cam")[0].generation != before[0][1].generation
    assert "alarm" in caplog.text


def test_a_stream_that_is_ahead_of_the_lost_state_is_leapt_over(make_bus, tmp_path):
    bus = make_bus()
    bus._redis.xadd("frames:{cam:cam}", {"m": b""}, id="5000-0")
    reader = Reader(bus, "cam")
    bus._redis.xdel("frames:{cam:cam}", "5000-0")
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=20))}):
        reader.until_ended()
    assert [frame.number for frame in reader.frames("cam")] == list(range(20))
    assert reader.ids("cam")[0] > (5000, 0)


def test_a_stream_that_somebody_else_wrote_to_does_not_stop_a_file(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    path = write(tmp_path / "a.mp4", frames=20)
    with Ingest(bus, {"cam": options(path)}):
        reader.until_ended()
    bus._redis.xadd("frames:{cam:cam}", {"m": b""}, id="5000-0")
    bus._redis.xdel("frames:{cam:cam}", "5000-0")
    with Ingest(bus, {"cam": options(path)}):
        reader.until(lambda: len(reader.marks("cam")) == 2, "the end")
    assert [frame.number for frame in reader.frames("cam")] == [*range(20)] * 2
    assert reader.ids("cam") == sorted(set(reader.ids("cam")))


def test_a_frame_above_the_cap_is_a_dead_letter_and_the_camera_goes_on(make_bus, tmp_path):
    path = tmp_path / "a.mjpeg"
    path.write_bytes(b"".join(jpegs(5) + jpegs(3, 800, 600) + jpegs(5)))
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(path, jpeg_quality=100)}, max_frame_mb=0.008):
        reader.until_ended()
    assert [frame.number for frame in reader.frames("cam")] == [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]
    letters = bus._redis.xrange("dead:{cam:cam}")
    assert [fields[b"id"] for _, fields in letters] == [b"6-0", b"7-0", b"8-0"]
    assert b"max_frame_mb" in letters[0][1][b"reason"]


def test_a_change_of_size_in_the_middle_is_published_as_it_is(make_bus, flush, tmp_path):
    path = tmp_path / "a.mjpeg"
    path.write_bytes(b"".join(jpegs(5) + jpegs(5, 128, 96)))
    seen = undisturbed(make_bus, flush, path)
    assert [fields["width"] for _, fields in seen[:-1]] == [64] * 5 + [128] * 5


def test_times_that_repeat_or_run_backwards_still_move_forward(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    path = retimed(write(tmp_path / "a.mkv", frames=6, codec="mjpeg"), [0, 100, 100, 50, 300, 400])
    with Ingest(bus, {"cam": options(path)}):
        reader.until_ended()
    times = [frame.at for frame in reader.frames("cam")]
    assert times == pytest.approx([0, 0.1, 0.101, 0.102, 0.3, 0.4])


def test_a_file_without_a_frame_ends_cleanly(make_bus, tmp_path):
    path = write(tmp_path / "a.avi", frames=0, codec="mjpeg")
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(path)}):
        reader.until_ended()
    assert [(entry_id, mark.final) for entry_id, mark in reader.seen["cam"]] == [("1-0", True)]


def test_a_file_that_cannot_be_played_ends_the_start_with_one_line(make_bus, tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        worker.run(IngestConfig(), {"cam": options(tmp_path / "absent.mp4")}, make_bus(), Event(), "w")


def test_a_dead_camera_touches_no_other(make_bus, tmp_path):
    bus = make_bus("dead")
    reader = Reader(bus, "cam", "dead")
    cameras = {
        "dead": options("rtsp://admin:hunter2@127.0.0.1:9/x"),
        "gone": options(tmp_path / "absent.mp4"),
        "cam": options(write(tmp_path / "a.mp4", frames=60)),
    }
    with Ingest(bus, cameras, again=False):
        reader.until_ended("cam")
        reader.until(lambda: len(reader.marks("dead")) > 2, "marks of the dead camera")
        assert shown("nexara_camera_up", "dead") == 0
    assert len(reader.frames("cam")) == 60
    assert not reader.frames("dead")


def test_a_file_at_its_own_pace_takes_its_own_time_and_the_clocks(make_bus, tmp_path):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    began = time.time()
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=40, fps=40), pace="realtime")}):
        reader.until_ended()
    frames = reader.frames("cam")
    assert len(frames) > 20
    assert all(began < frame.captured_at < time.time() for frame in frames)
    steps = {round((b.at - a.at) / (b.number - a.number), 3) for a, b in itertools.pairwise(frames)}
    assert steps <= {0.025, 0.026, 0.024}
    assert reader.ids("cam") == sorted(set(reader.ids("cam")))


def test_cameras_are_shared_between_workers_and_given_back(make_bus, tmp_path):
    bus = make_bus()
    names = [f"cam{i}" for i in range(4)]
    cameras = {name: options(write(tmp_path / f"{name}.mp4", frames=5)) for name in names}
    reader = Reader(bus, *names)
    with Ingest(make_bus(), cameras, "one"), Ingest(make_bus(), cameras, "two"):
        reader.until_ended()
        wait_for(
            lambda: sorted(bus.owner("ingest", name) for name in names) == ["one"] * 2 + ["two"] * 2,
            "fair shares",
        )
    assert not any(bus.owner("ingest", name) for name in names)
    assert all(len(reader.frames(name)) == 5 for name in names)


def test_messages_carry_what_the_next_stages_need(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=3))}):
        reader.until_ended()
    frame = reader.frames("cam")[1]
    assert (frame.number, frame.pts_s) == (1, pytest.approx(0.1))
    [stamp] = frame.trail
    assert stamp.stage == "ingest"
    assert stamp.read_at <= stamp.done_at <= time.time()
    assert open_image(frame)[:2] == b"\xff\xd8"


def test_a_file_that_has_ended_is_opened_again_when_the_server_went_back(make_bus, tmp_path):
    bus = make_bus()
    reader = Reader(bus, "cam")
    client = bus._redis
    with Ingest(bus, {"cam": options(write(tmp_path / "a.mp4", frames=300))}):
        reader.until(lambda: len(reader.seen["cam"]) > 20, most=4)
        old = {key: client.dump(key) for key in client.scan_iter() if b":lease:" not in key}
        reader.until_ended()
        last = bus.cursors("ingest", ["cam"])
        for key, dump in old.items():
            client.restore(key, 0, dump, replace=True)
        reader.rewind()
        reader.seen["cam"].clear()
        reader.until_ended()
        assert bus.cursors("ingest", ["cam"]) == last


def test_two_runs_of_a_simulated_recording_are_equal(make_bus, flush):
    first = undisturbed(make_bus, flush, "sim://yard?people=0&seconds=1.5")
    assert [message["number"] for _, message in first][:15] == list(range(15))
    assert first[-1][1]["final"]
    assert first == undisturbed(make_bus, flush, "sim://yard?people=0&seconds=1.5")
