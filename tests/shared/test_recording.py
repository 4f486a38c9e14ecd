"""Files of recorded tracks: what is written is read, and what is damaged says so."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.recording import (
    Document,
    Entry,
    Gap,
    Head,
    Part,
    Reading,
    RecordingError,
    Writer,
    recording_from,
    recording_to,
)

HEAD = Head(camera="lobby", made_at=1.7e9, fleet_version="0.1.0")
DIGEST = "0123456789abcdef"


def written(payloads: list[bytes], *, end: bool = True) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, HEAD)
    writer.rules(DIGEST, "{}")
    for number, payload in enumerate(payloads, start=1):
        if number == 3:
            writer.gap(12.5)
        writer.entry(f"{number}-0", payload)
    if end:
        writer.end()
    return file.getvalue()


def read(content: bytes) -> tuple[list[Part], bool]:
    reading = Reading(io.BytesIO(content), "some.tracks")
    parts = list(reading)
    return parts, reading.is_whole


def part(**fields: object) -> bytes:
    body = msgpack.packb(fields)
    return struct.pack("<II", len(body), zlib.crc32(body)) + body


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_what_is_written_is_read(payloads: list[bytes]) -> None:
    parts, whole = read(written(payloads))
    assert whole
    assert parts[0] == Document(digest=DIGEST, content="{}")
    entries = [one for one in parts if isinstance(one, Entry)]
    assert [(one.id, one.payload) for one in entries] == [(f"{n + 1}-0", p) for n, p in enumerate(payloads)]
    assert [one.seconds for one in parts if isinstance(one, Gap)] == [12.5] * (len(payloads) > 2)


def test_a_file_that_is_cut_anywhere_is_read_up_to_its_last_whole_entry() -> None:
    content = written([b"a" * 20, b"b" * 30, b"c" * 40])
    whole, _ = read(content)
    file = io.BytesIO()
    Writer(file, HEAD)
    head, beginnings = len(file.getvalue()), set()
    for length in range(len(content)):
        if length < head:
            with pytest.raises(RecordingError, match=r"^some\.tracks: "):
                read(content[:length])
            continue
        parts, is_whole = read(content[:length])
        assert not is_whole
        assert parts == whole[: len(parts)]
        beginnings.add(len(parts))
    assert beginnings == set(range(len(whole) + 1))


def test_no_changed_byte_gives_another_entry() -> None:
    content = written([b"payload one", b"payload two"])
    whole, _ = read(content)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x41
        try:
            parts, is_whole = read(bytes(changed))
        except RecordingError:
            continue
        assert not is_whole, f"byte {place}"
        assert parts == whole[: len(parts)], f"byte {place}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no recording of tracks"),
        (b"{}" * 40, "is no recording of tracks"),
        (struct.pack("<8sI", b"NXTRACKS", 2), "a recording of version 2, not 1"),
        (struct.pack("<8sI", b"NXTRACKS", 1), "has no head"),
        (written([b"x"]) + b"\0", "goes on after its end"),
        (written([b"x"], end=False) + struct.pack("<II", 2**31, 0), "a part claims 2147483648 bytes"),
        (written([b"x"], end=False) + struct.pack("<II", 1, 0) + b"x", "wrong checksum"),
        (written([b"x"], end=False) + part(part="end", entries=2), "has 1 entries and says 2"),
        (written([b"x"], end=False) + part(part="entry", id="1-0", payload=b""), "does not come after"),
        (written([b"x"], end=False) + part(part="entry", id="x", payload=b""), "not as it is written"),
        (written([b"x"], end=False) + part(part="song"), "not as it is written"),
        (written([b"x"], end=False) + part(**dict(HEAD)), "a second head"),
    ],
)
def test_what_is_no_good_recording_is_refused_in_one_line(content: bytes, said: str) -> None:
    with pytest.raises(RecordingError, match=said) as caught:
        read(content)
    assert str(caught.value).startswith("some.tracks: ")
    assert "\n" not in str(caught.value)


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "evening" / "lobby.tracks"
    with recording_to(path, HEAD) as writer:
        writer.entry("1-0", b"x")
        assert not path.exists()
    assert [one.name for one in path.parent.iterdir()] == ["lobby.tracks"]
    with recording_from(path) as reading:
        assert [one.id for one in reading if isinstance(one, Entry)] == ["1-0"]
        assert reading.is_whole
    with pytest.raises(FileExistsError), recording_to(path, HEAD):
        pass


def test_what_came_before_a_failure_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "lobby.tracks"
    with contextlib.suppress(OSError), recording_to(path, HEAD) as writer:
        writer.entry("1-0", b"x")
        raise OSError("the disk is full")
    assert not path.exists()
    with recording_from(tmp_path / "lobby.tracks.part") as reading:
        assert len(list(reading)) == 1
        assert not reading.is_whole


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "nowhere", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(RecordingError, match=why), recording_from(path):
            pass
