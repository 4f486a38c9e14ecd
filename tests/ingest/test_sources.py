from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from shared.config import ConfigError
from tests.ingest.conftest import QUICK, options
from tests.ingest.videos import jpegs, write
from workers.ingest import metrics
from workers.ingest.config import IngestConfig
from workers.ingest.sources import Picture, SourceError, VideoSource, check_file

CONFIG = IngestConfig.model_validate(QUICK)


def pictures(path: Path, camera: str = "cam") -> list[Picture]:
    source = VideoSource(camera, options(path), CONFIG)
    try:
        return list(source.pictures())
    finally:
        source.close()


@pytest.mark.parametrize(
    ("name", "frames", "fps"),
    [
        ("pedestrians_crossing.avi", 205, 50),
        ("four_crossing_bonn_060470979.mp4", 41, 25),
        ("office_fight.mp4", 408, 30),
        ("three_exercising.avi", 393, 10),
    ],
)
def test_a_real_file_gives_every_frame_in_time(shared_data, name, frames, fps):
    found = pictures(shared_data / "videos" / name)
    assert [picture.number for picture in found] == list(range(frames))
    assert [picture.pts_s for picture in found] == pytest.approx([i / fps for i in range(frames)], abs=1e-3)


def test_two_openings_of_a_file_see_the_same(tmp_path):
    path = write(tmp_path / "a.mp4")
    first, second = pictures(path), pictures(path)
    assert len(first) == 30
    for one, other in zip(first, second, strict=True):
        assert (one.number, one.pts_s, one.captured_at) == (other.number, other.pts_s, other.captured_at)
        assert bytes(one.frame.planes[0]) == bytes(other.frame.planes[0])


def test_a_files_capture_time_is_the_recordings(tmp_path):
    path = write(tmp_path / "a.mp4", fps=10)
    began = path.stat().st_mtime
    assert [p.captured_at - began for p in pictures(path)[:3]] == pytest.approx([0, 0.1, 0.2], abs=1e-5)


def absent(_path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("no video\n" * 1000)


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")


def sound(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(16000))


def bitmap(side: int) -> bytes:
    """A bitmap of 2 KB that claims to be `side` x `side` pixels."""
    head = struct.pack("<IIIIiiHHIIiiII", 3000, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + head + bytes(2000)


def huge(path: Path) -> None:
    path.write_bytes(bitmap(12_000))


def impossible(path: Path) -> None:
    path.write_bytes(bitmap(30_000))


@pytest.mark.parametrize("make", [absent, folder, empty, text, playlist, sound, huge, impossible])
def test_a_file_that_is_no_video_is_one_clear_line(tmp_path, make):
    path = tmp_path / "video.mp4"
    make(path)
    with pytest.raises(ConfigError) as caught:
        check_file("lobby", options(path), CONFIG)
    message = str(caught.value)
    assert message.startswith(f"cameras.lobby.source: {path}: ")
    assert "\n" not in message


def test_a_good_file_and_a_camera_that_is_switched_off_pass_the_check(tmp_path):
    check_file("lobby", options(write(tmp_path / "a.mp4", frames=2)), CONFIG)
    check_file("gate", options("rtsp://127.0.0.1:9/none"), CONFIG)


def test_damaged_packets_in_the_middle_are_passed_over_and_counted(tmp_path):
    path = write(tmp_path / "a.avi", frames=60, codec="mjpeg")
    data = bytearray(path.read_bytes())
    # Packets of zeros, headers of the container left alone.
    start = data.index(b"00dc", len(data) // 3) + 8
    data[start : start + 600] = bytes(600)
    path.write_bytes(data)
    counter = metrics.CORRUPT.labels("damaged")
    before = counter._value.get()
    first = pictures(path, "damaged")
    assert 50 <= len(first) < 60
    assert counter._value.get() > before
    again = pictures(path, "damaged")
    assert [(p.number, p.pts_s) for p in first] == [(p.number, p.pts_s) for p in again]
    assert first[-1].pts_s == pytest.approx(5.9)


def test_a_file_cut_off_in_the_middle_gives_what_it_has(tmp_path):
    path = write(tmp_path / "a.mkv", frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 10 < len(pictures(path)) < 60


def test_a_change_of_size_in_the_middle_is_followed(tmp_path):
    path = tmp_path / "a.mjpeg"
    path.write_bytes(b"".join(jpegs(5) + jpegs(5, 128, 96)))
    assert [p.frame.width for p in pictures(path)] == [64] * 5 + [128] * 5


@pytest.mark.parametrize("side", [8_000, 30_000])
def test_a_small_jpeg_that_claims_to_be_huge_is_passed_over(tmp_path, side):
    bomb = bytearray(jpegs(1)[0])
    size = bomb.index(b"\xff\xc0") + 5
    bomb[size : size + 4] = struct.pack(">HH", side, side)
    path = tmp_path / "a.mjpeg"
    path.write_bytes(b"".join(jpegs(3)) + bytes(bomb) + b"".join(jpegs(3, start=3)))
    counter = metrics.CORRUPT.labels("bomb")
    before = counter._value.get()
    found = pictures(path, "bomb")
    assert [p.frame.width for p in found] == [64] * 6
    assert counter._value.get() == before + 1


def test_pictures_above_the_bound_are_not_decoded(tmp_path):
    path = tmp_path / "a.mjpeg"
    path.write_bytes(b"".join(jpegs(3) + jpegs(2, 1600, 1200) + jpegs(3)))
    config = IngestConfig.model_validate({**QUICK, "max_megapixels": 1})
    source = VideoSource("cam", options(path), config)
    assert [picture.frame.width for picture in source.pictures()] == [64] * 6
    source.close()


def test_half_a_jpeg_does_not_end_a_stream(tmp_path):
    path = tmp_path / "a.mjpeg"
    [half] = jpegs(1)
    path.write_bytes(b"".join(jpegs(3)) + half[: len(half) // 4] + b"".join(jpegs(3, start=3)))
    assert len(pictures(path)) >= 6


def test_a_camera_that_is_switched_off_is_an_error_without_its_password():
    with pytest.raises(SourceError) as caught:
        VideoSource("gate", options("rtsp://admin:hunter2@127.0.0.1:9/x"), CONFIG)
    assert "refused" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_absent_device_is_an_error():
    with pytest.raises(SourceError):
        VideoSource("gate", options("usb:199"), CONFIG)
