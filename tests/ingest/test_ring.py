"""The ring of pictures on disk: what is there, for how long, and that nothing of it holds ingest back."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from shared.frames import ImageError, open_image
from shared.messages import Frame, Reference
from shared.segments import Entry, SegmentWriter, entries, read_entry, ring_folder
from tests.ingest.conftest import Ingest, Reader, options, wait_for
from tests.ingest.videos import jpegs, write
from workers.ingest.ring import Ring, RingPlan
from workers.ingest.ring_files import SEGMENT_S, Kept, RingFiles, remove_strangers

GENERATION = "00000000000000aa"


def kept(number: int, jpeg: bytes = b"jpeg" * 100) -> Kept:
    return Kept(f"{number + 1}-0", number, 1_700_000_000 + number / 10, zlib.crc32(jpeg), jpeg)


def plan(root: Path, *cameras: str, keep_s: float = 60, max_bytes: int = 2**20) -> RingPlan:
    return RingPlan(root=root, cameras=frozenset(cameras or ("cam",)), keep_s=keep_s, max_bytes=max_bytes)


def segments(root: Path, camera: str = "cam") -> list[Path]:
    return sorted((root / camera).glob("*/*.segment"))


def found(root: Path, camera: str = "cam") -> dict[str, tuple[Entry, bytes]]:
    """What a reader takes: of each entry the newest."""
    return {
        entry.entry_id: (entry, read_entry(path, entry))
        for path in segments(root, camera)
        for entry in entries(path)
    }


def lost(reason: str, camera: str = "cam") -> float:
    labels = {"camera": camera, "reason": reason}
    return REGISTRY.get_sample_value("nexara_ingest_ring_lost_total", labels) or 0.0


# --- through the whole worker -------------------------------------------------------------------------------


def test_every_published_picture_is_in_the_ring_byte_for_byte_under_its_entry_id(make_bus, tmp_path):
    reader = Reader(make_bus(), "cam", "other")
    cameras = {name: options(write(tmp_path / f"{name}.mp4", frames=60)) for name in ("cam", "other")}
    with Ingest(make_bus(), cameras, ring=plan(tmp_path / "ring")):
        reader.until_ended()
    there = found(tmp_path / "ring")
    seen = {entry_id: frame for entry_id, frame in reader.seen["cam"] if isinstance(frame, Frame)}
    assert len(seen) == 60
    for entry_id, frame in seen.items():
        entry, jpeg = there[entry_id]
        assert jpeg == open_image(frame)
        assert (entry.number, entry.captured_at, entry.crc) == (frame.number, frame.captured_at, frame.crc)
    assert segments(tmp_path / "ring", "other") == []


def test_a_frame_whose_image_is_a_reference_is_opened_in_the_ring(make_bus, tmp_path):
    reader = Reader(make_bus(), "cam")
    with Ingest(make_bus(), {"cam": options(write(tmp_path / "a.mp4"))}, ring=plan(tmp_path / "ring")):
        reader.until_ended()
    [path] = segments(tmp_path / "ring")
    entry_id, frame = next((i, frame) for i, frame in reader.seen["cam"] if isinstance(frame, Frame))
    entry = next(entry for entry in entries(path) if entry.entry_id == entry_id)
    place = Reference(
        host="here",
        segment=str(path.relative_to(tmp_path / "ring")),
        offset=entry.offset,
        length=entry.length,
    )
    elsewhere = frame.model_copy(update={"image": place})
    assert open_image(elsewhere, tmp_path / "ring") == open_image(frame)
    with pytest.raises(ImageError, match="has no folder"):
        open_image(elsewhere)
    with pytest.raises(ImageError, match="CRC"):
        open_image(elsewhere.model_copy(update={"crc": frame.crc ^ 1}), tmp_path / "ring")
    hostile = frame.model_copy(update={"image": place.model_copy(update={"segment": "../a.mp4"})})
    with pytest.raises(ImageError, match="outside"):
        open_image(hostile, tmp_path / "ring")
    path.unlink()
    with pytest.raises(ImageError, match=r"host 'here'.*is that folder shared"):
        open_image(elsewhere, tmp_path / "ring")


def test_a_file_that_is_resumed_after_a_stop_leaves_each_picture_once_or_twice_the_same(make_bus, tmp_path):
    reader = Reader(make_bus(), "cam")
    cameras = {"cam": options(write(tmp_path / "a.mp4", frames=200))}
    for turn in range(2):
        with Ingest(make_bus(), cameras, name=f"w{turn}", again=False, ring=plan(tmp_path / "ring")):
            reader.until(lambda turn=turn: len(reader.seen["cam"]) > 40 * turn + 5, most=4)
    with Ingest(make_bus(), cameras, name="last", again=False, ring=plan(tmp_path / "ring")):
        reader.until_ended()
    there = found(tmp_path / "ring")
    frames = [(i, frame) for i, frame in reader.seen["cam"] if isinstance(frame, Frame)]
    assert [there[i][1] for i, _ in frames] == [open_image(frame) for _, frame in frames]
    every = [(e.entry_id, e.crc) for path in segments(tmp_path / "ring") for e in entries(path)]
    assert len(set(every)) == len(there) == 200


def test_a_folder_that_cannot_be_written_costs_no_frame_and_is_said_and_counted(make_bus, tmp_path, caplog):
    blocker = tmp_path / "ring"
    blocker.touch()
    before = lost("disk")
    reader = Reader(make_bus(), "cam")
    with Ingest(make_bus(), {"cam": options(write(tmp_path / "a.mp4", frames=50))}, ring=plan(blocker)):
        reader.until_ended()
        assert len(reader.frames("cam")) == 50
        wait_for(lambda: lost("disk") - before == 50, "the count")
    said = [record.getMessage() for record in caplog.records if "ring" in record.getMessage()]
    assert said == [
        f"camera=cam ring: {blocker}: Not a directory: pictures for evidence are missing, publishing goes on"
    ]


def test_pictures_that_nobody_wants_any_more_are_removed_at_the_start(make_bus, tmp_path):
    root = tmp_path / "ring"
    for camera in ("cam", "former"):
        files = RingFiles(root, camera, 60, 2**20)
        files.append(GENERATION, [kept(0)])
        files.close()
    (root / "former" / "notes").mkdir()
    worker_of = {"cam": options(write(tmp_path / "a.mp4", frames=5))}
    reader = Reader(make_bus(), "cam")
    with Ingest(make_bus(), worker_of, ring=plan(root)):
        reader.until_ended()
    assert segments(root, "former") == []
    assert (root / "former" / "notes").is_dir()
    remove_strangers(root, [])
    assert segments(root) == []


# --- bounds -------------------------------------------------------------------------------------------------


def test_only_the_owner_may_look_into_the_ring(tmp_path: Path) -> None:
    files = RingFiles(tmp_path / "ring", "cam", 60, 2**20)
    files.append(GENERATION, [kept(0)])
    [path] = segments(tmp_path / "ring")
    for folder in (path.parent, path.parent.parent, tmp_path / "ring"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pictures_grow_old_also_while_nothing_comes(tmp_path: Path) -> None:
    now = [time.time()]
    files = RingFiles(tmp_path, "cam", 30, 2**20, lambda: now[0])
    for number in range(10):
        files.append(GENERATION, [kept(number)])
        for path in segments(tmp_path):
            if not (path.stat().st_mtime < now[0] - 1 and path != segments(tmp_path)[-1]):
                os.utime(path, (now[0], now[0]))
        now[0] += SEGMENT_S
    files.prune()
    assert len(segments(tmp_path)) == 6
    now[0] += 31
    assert files.prune() == 0
    assert list((tmp_path / "cam").iterdir()) == []
    # And goes on.
    files.append(GENERATION, [kept(11)])
    assert list(found(tmp_path)) == ["12-0"]


def test_the_oldest_pictures_go_where_there_are_too_many(tmp_path: Path) -> None:
    files = RingFiles(tmp_path, "cam", 3600, 80_000)
    for number in range(400):
        files.append(GENERATION, [kept(number, bytes([number % 256]) * 1000)])
    assert files.prune() <= 80_000
    numbers = sorted(entry.number for entry, _ in found(tmp_path).values())
    assert numbers == list(range(400 - len(numbers), 400))
    assert len(numbers) >= 60


def test_another_generation_begins_another_segment(tmp_path: Path) -> None:
    files = RingFiles(tmp_path, "cam", 60, 2**20)
    files.append(GENERATION, [kept(0)])
    files.append("00000000000000bb", [kept(0)])
    folders = {path.parent for path in segments(tmp_path)}
    assert folders == {ring_folder(tmp_path, "cam", name) for name in (GENERATION, "00000000000000bb")}


# --- crashes and full disks ---------------------------------------------------------------------------------

_WRITES = """
import sys, zlib
from pathlib import Path
from workers.ingest.ring_files import Kept, RingFiles
files = RingFiles(Path(sys.argv[1]), "cam", 3600, 2**30)
number = 0
while True:
    jpeg = bytes([number % 251]) * (20_000 + number % 7)
    files.append("00000000000000aa", [Kept(f"{number + 1}-0", number, 0.0, zlib.crc32(jpeg), jpeg)])
    number += 1
    print(number, flush=True)
"""


@pytest.mark.parametrize("count", [1, 40, 300])
def test_a_writer_that_is_killed_leaves_whole_entries_and_at_most_one_cut_off(
    tmp_path: Path, count: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITES, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= count:
                break
        process.send_signal(signal.SIGKILL)
    there = found(tmp_path)
    assert len(there) >= count
    assert [entry.number for entry, _ in there.values()] == list(range(len(there)))
    # The next one goes on beside it.
    files = RingFiles(tmp_path, "cam", 3600, 2**30)
    files.append(GENERATION, [kept(len(there))])
    assert len(found(tmp_path)) == len(there) + 1


@pytest.mark.parametrize("cut", [1, 30, 41, 200, 439])
def test_a_cut_off_entry_is_passed_over_and_written_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.segment"
    writer = SegmentWriter(path)
    for number in range(3):
        one = kept(number)
        writer.append(one.entry_id, one.number, one.captured_at, one.jpeg, one.crc)
    writer.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - cut)
    assert [entry.number for entry in entries(path)] == [0, 1]
    writer = SegmentWriter(path)
    one = kept(7)
    writer.append(one.entry_id, one.number, one.captured_at, one.jpeg, one.crc)
    writer.close()
    assert [(entry.number, read_entry(path, entry)) for entry in entries(path)] == [
        (0, kept(0).jpeg),
        (1, kept(1).jpeg),
        (7, one.jpeg),
    ]


def test_zeros_that_a_crash_of_the_machine_leaves_are_the_end(tmp_path: Path) -> None:
    files = RingFiles(tmp_path, "cam", 60, 2**20)
    files.append(GENERATION, [kept(0)])
    [path] = segments(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(5000))
    assert [entry.number for entry in entries(path)] == [0]


_FILLS = """
import resource, sys, zlib
from pathlib import Path
from workers.ingest.ring_files import Kept, RingFiles
files = RingFiles(Path(sys.argv[1]), "cam", 3600, 2**30)
def put(number):
    jpeg = bytes([number]) * 30_000
    files.append("00000000000000aa", [Kept(f"{number + 1}-0", number, 0.0, zlib.crc32(jpeg), jpeg)])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
for number in range(5):
    try:
        put(number)
    except OSError as error:
        print(number, error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
put(5)
"""


def test_a_disk_without_room_takes_no_half_picture_and_is_written_again_later(tmp_path: Path) -> None:
    """The system itself refuses to let files grow, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", _FILLS, str(tmp_path)], capture_output=True, text=True, check=True
    )
    refused = [line.split() for line in done.stdout.splitlines()]
    assert refused
    assert {int(code) for _, code in refused} <= {errno.EFBIG, errno.ENOSPC}
    numbers = sorted(entry.number for entry, _ in found(tmp_path).values())
    assert numbers == sorted({0, 1, 2, 3, 4, 5} - {int(number) for number, _ in refused})


def test_a_disk_that_hangs_holds_no_live_camera_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, hanging = lost("busy", "hung"), []
    real = os.writev

    def hang(*arguments: object) -> int:
        hanging.append(1)
        while len(hanging) == 1:
            time.sleep(0.01)
        return real(*arguments)  # type: ignore[arg-type]

    # The disk is the system's: nothing less makes a write hang.
    monkeypatch.setattr(os, "writev", hang)
    ring = Ring(plan(tmp_path, "hung"), "hung", live=True)
    for number in range(40):
        ring.put(GENERATION, [kept(number)])
    assert lost("busy", "hung") - before >= 20
    hanging.append(2)
    ring.close(5)
    assert 1 <= len(found(tmp_path, "hung")) <= 20


def test_what_was_handed_over_is_written_before_the_ring_ends(tmp_path: Path) -> None:
    ring = Ring(plan(tmp_path), "cam", live=False)
    pictures = jpegs(30)
    for number, jpeg in enumerate(pictures):
        ring.put(GENERATION, [kept(number, jpeg)])
    ring.close(5)
    assert [jpeg for _, jpeg in found(tmp_path).values()] == pictures


def test_a_camera_without_a_ring_has_none(tmp_path: Path) -> None:
    opened: Callable[[str, bool], Ring | None] = plan(tmp_path, "other").open
    assert opened("cam", True) is None
