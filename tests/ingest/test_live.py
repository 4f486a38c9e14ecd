"""Live cameras on loopback through the whole worker."""

from __future__ import annotations

import itertools

import pytest

from shared.bus import streams
from shared.frames import open_image
from tests.ingest.conftest import Ingest, LossyBus, Reader, options, shown, wait_for
from tests.ingest.servers import MjpegCamera, RtspCamera


def forward(values):
    return all(later > earlier for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize(
    ("kind", "transport"),
    [(MjpegCamera, "tcp"), (RtspCamera, "tcp"), (RtspCamera, "udp")],
    ids=["http", "rtsp-tcp", "rtsp-udp"],
)
def test_a_camera_is_published_as_it_comes(make_bus, kind, transport):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with kind() as camera, Ingest(bus, {"cam": options(camera.url, rtsp_transport=transport)}):
        reader.until(lambda: len(reader.frames("cam")) >= 25, "frames")
    frames = reader.frames("cam")
    assert forward([frame.at for frame in frames])
    assert forward(reader.ids("cam"))
    assert forward([frame.number for frame in frames])
    assert len({frame.generation for frame in frames}) == 1
    assert all(open_image(frame)[:2] == b"\xff\xd8" for frame in frames)
    assert all(frame.width == 64 for frame in frames)


def test_a_camera_comes_back_by_itself_and_marks_fill_the_gap(make_bus, caplog):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}):
        reader.until(lambda: len(reader.frames("cam")) >= 5, "frames")
        camera.on.clear()
        reader.until(lambda: len(reader.marks("cam")) >= 3, "marks")
        wait_for(lambda: shown("nexara_camera_up", "cam") == 0, "the camera to be shown as down")
        before = len(reader.frames("cam"))
        camera.on.set()
        reader.until(lambda: len(reader.frames("cam")) >= before + 5, "frames after the gap")
        wait_for(lambda: shown("nexara_camera_up", "cam") == 1, "the camera to be shown as up")
    assert shown("nexara_camera_up", "cam") is None  # nobody's any more
    assert forward([message.at for _, message in reader.seen["cam"]])
    assert forward(reader.ids("cam"))
    assert len({message.generation for _, message in reader.seen["cam"]}) == 1
    assert not any(mark.final for mark in reader.marks("cam"))
    assert "secret" not in caplog.text


def test_a_camera_that_falls_silent_is_opened_again(make_bus):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}):
        reader.until(lambda: len(reader.frames("cam")) >= 5, "frames")
        camera.silent.set()
        reader.until(lambda: camera.connections >= 2, "another connection")
        camera.silent.clear()
        before = len(reader.frames("cam"))
        reader.until(lambda: len(reader.frames("cam")) >= before + 5, "frames")


def test_a_frozen_camera_is_reported(make_bus, caplog):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}, frozen_s=1):
        reader.until(lambda: len(reader.frames("cam")) >= 5, "frames")
        wait_for(lambda: shown("nexara_camera_frozen", "cam") == 0, "the camera to be shown")
        camera.frozen.set()
        reader.until(lambda: shown("nexara_camera_frozen", "cam") == 1, "the alarm")
        camera.frozen.clear()
        reader.until(lambda: shown("nexara_camera_frozen", "cam") == 0, "the end of the alarm")
    assert caplog.text.count("frozen") == 1


def test_a_state_that_vanishes_while_the_camera_changes_hands_is_an_alarm(make_bus, flush, caplog):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}):
        reader.until(lambda: len(reader.frames("cam")) >= 5, "frames")
        before = shown("nexara_ingest_state_lost_total", "cam")
        flush()
        # The leases have gone, too, and another worker is quicker.
        assert bus.acquire(streams.lease_key("ingest", "cam"), "other:1", 600_000)
        wait_for(lambda: shown("nexara_ingest_state_lost_total", "cam") == before + 1, "the alarm")
    assert "vanished while it changed hands" in caplog.text


def test_a_camera_that_only_changes_hands_is_no_alarm(make_bus):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}):
        reader.until(lambda: len(reader.frames("cam")) >= 5, "frames")
        before = shown("nexara_ingest_state_lost_total", "cam")
        lease = streams.lease_key("ingest", "cam")
        bus._redis.set(lease, "other:1", px=600_000)
        wait_for(lambda: shown("nexara_camera_up", "cam") is None, "the camera to be given up")
    assert shown("nexara_ingest_state_lost_total", "cam") == before


def test_a_dead_reader_leaves_a_live_stream_bounded_and_what_went_is_counted(make_bus):
    bus = make_bus("cam")
    Reader(bus, "cam")
    config = {"max_entries": 8, "max_age_s": 30}
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}, **config):
        camera.period_s = 0.005
        wait_for(lambda: int(bus.counters("ingest", "cam").get("added", 0)) > 60, "frames")
        assert bus._redis.xlen("frames:{cam:cam}") <= 8
        dropped = int(bus.counters("ingest", "cam")["dropped:entries"])
        assert dropped >= 60 - 8 - 8


def test_old_frames_of_a_live_stream_go_by_age(make_bus):
    bus = make_bus("cam")
    Reader(bus, "cam")
    with MjpegCamera() as camera, Ingest(bus, {"cam": options(camera.url)}, max_age_s=0.2):
        wait_for(lambda: int(bus.counters("ingest", "cam").get("dropped:age", 0)) > 20, "drops by age")


def test_a_restarted_worker_goes_on_with_a_live_camera(make_bus):
    bus = make_bus("cam")
    reader = Reader(bus, "cam")
    with MjpegCamera() as camera:
        for turn in (1, 2):
            with Ingest(bus, {"cam": options(camera.url)}, name=f"worker{turn}"):
                reader.until(lambda turn=turn: len(reader.frames("cam")) >= 10 * turn, "frames")
    frames = reader.frames("cam")
    assert forward([frame.at for frame in frames])
    assert forward([frame.number for frame in frames])
    assert len({frame.generation for frame in frames}) == 1


def test_an_outage_of_the_server_drops_live_frames_and_goes_on(make_bus):
    lossy = make_bus("cam", kind=LossyBus)
    reader = Reader(make_bus("cam"), "cam")
    with MjpegCamera() as camera, Ingest(lossy, {"cam": options(camera.url)}, max_age_s=0.05):
        reader.until(lambda: len(reader.frames("cam")) >= 40, "frames")
        assert camera.connections == 1
    assert forward([frame.at for frame in reader.frames("cam")])
    assert forward(reader.ids("cam"))
