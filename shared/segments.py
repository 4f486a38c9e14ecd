"""Files of a stream's entries, beside the server: appended to, and read while they grow.

A segment is one entry after the other: a header of fixed size (little-endian: the payload's bytes, its
CRC-32, the two numbers of the entry's id, the frame's number, its time of capture) and the payload. A crash
leaves at most a last entry that is cut off; readers pass over it. The files belong to their owner alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.messages import MAX_PAYLOAD_BYTES

SUFFIX = ".segment"
_HEADER = struct.Struct("<IIQQQd")
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700


class SegmentError(ValueError):
    """An entry that is not what its header says; the text says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry's payload lies in its segment, bytes, and whose it is."""

    entry_id: str
    number: int
    captured_at: float
    offset: int
    length: int
    crc: int

    @property
    def end(self) -> int:
        """Where the next entry begins."""
        return self.offset + self.length


class SegmentWriter:
    """Appends entries to one file. Of one that is there, a last entry that is cut off is removed first.

    Args:
        path: the file; its folder is made.

    Raises:
        OSError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.size = whole_bytes(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            self._cut()
        except OSError:
            self.close()
            raise

    def append(self, entry_id: str, number: int, captured_at: float, payload: bytes, crc: int) -> None:
        """Add an entry, whole or not at all.

        Raises:
            OSError: the disk is full, or the file may not grow.
        """
        milliseconds, _, sequence = entry_id.partition("-")
        header = _HEADER.pack(len(payload), crc, int(milliseconds), int(sequence), number, captured_at)
        wanted = len(header) + len(payload)
        try:
            if os.writev(self._file, [header, payload]) < wanted:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with contextlib.suppress(OSError):
                self._cut()
            raise
        self.size += wanted

    def sync(self) -> None:
        """Put what was written through to the disk.

        Raises:
            OSError: the disk does not take it.
        """
        os.fsync(self._file)

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._file)

    def _cut(self) -> None:
        os.ftruncate(self._file, self.size)
        os.lseek(self._file, self.size, os.SEEK_SET)


def make_folder(path: Path) -> None:
    """Makes a folder that only its owner may look into.

    Raises:
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error


def entries(path: Path) -> Iterator[Entry]:
    """The entries of a segment in the order in which they were written, up to one that is not whole.

    Payloads are not read, so that one that is damaged shows only in `read_entry`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while (entry := _next(file)) is not None and entry.end <= size:
            yield entry
            file.seek(entry.end)


def whole_bytes(path: Path) -> int:
    """How many of a file's bytes are whole entries; 0 where there is no file.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        return max((entry.end for entry in entries(path)), default=0)
    except FileNotFoundError:
        return 0


def read_entry(path: Path, entry: Entry) -> bytes:
    """An entry's payload.

    Raises:
        SegmentError: it is damaged.
        OSError: the file cannot be read.
    """
    return read_part(path, entry.offset, entry.length, entry.crc)


def read_part(path: Path, offset: int, length: int, crc: int) -> bytes:
    """Bytes of a file that must have a CRC-32; see `read_entry`."""
    with path.open("rb") as file:
        file.seek(offset)
        payload = file.read(length)
    if len(payload) != length or zlib.crc32(payload) != crc:
        raise SegmentError(f"{path.name}: {length} bytes at {offset} do not match their CRC")
    return payload


def _next(file: BinaryIO) -> Entry | None:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, crc, milliseconds, sequence, number, captured_at = _HEADER.unpack(header)
    # What a crash of the machine leaves may be zeros.
    if not 0 < length <= MAX_PAYLOAD_BYTES:
        return None
    return Entry(f"{milliseconds}-{sequence}", number, captured_at, file.tell(), length, crc)


# --- the ring of a camera's last pictures -------------------------------------------------------------------


def ring_folder(root: Path, camera: str, generation: str) -> Path:
    """Where the segments of one life of a camera lie."""
    return root / camera / generation


def segment_name(first_id: str, made_ns: int) -> str:
    """The name of a segment: in the order of names, segments are in that of their first entries.

    Args:
        first_id: of its first entry.
        made_ns: when it was made; of two with the same first entry the newer one comes later.
    """
    milliseconds, _, sequence = first_id.partition("-")
    return f"{int(milliseconds):020d}-{int(sequence):020d}-{made_ns:020d}{SUFFIX}"


def first_of(segment: Path) -> tuple[int, int]:
    """The id of a segment's first entry, from its name.

    Raises:
        SegmentError: the name is none of ours.
    """
    milliseconds, _, rest = segment.stem.partition("-")
    sequence = rest.partition("-")[0]
    if not (milliseconds.isdigit() and sequence.isdigit()):
        raise SegmentError(f"{segment.name}: no segment's name")
    return int(milliseconds), int(sequence)
