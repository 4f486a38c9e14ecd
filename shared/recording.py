"""A recording: the entries of one camera's `tracks` stream in a file, to be judged again.

    "NXTRACKS", version (u32)                   then parts, each
    length (u32), CRC-32 (u32), body            numbers little-endian, the body a msgpack map with `part`

The first part is the head; rules stand before the first entry that names them. An entry is what the stream
held, byte for byte. A file that was closed ends with the number of its entries; one that a crash or a full
disk has cut off is good up to its last whole part. Nothing is compressed: key points are noise to a
compressor (zlib saves 18% of an entry).
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgpack
from pydantic import Field, TypeAdapter, ValidationError

from shared.messages import MAX_PAYLOAD_BYTES, CameraId, Finite, Record

SUFFIX = ".tracks"
VERSION = 1

_MAGIC = b"NXTRACKS"
_START = struct.Struct("<8sI")
_PART = struct.Struct("<II")
# A payload, and what stands around it.
_MOST_BYTES = MAX_PAYLOAD_BYTES + 4096
_MAX_RULES_BYTES = 2**20


class RecordingError(ValueError):
    """A file that is no recording that this version can read; one line that says where and why."""


class Head(Record):
    """Whose tracks they are; `made_at` is when the recording was begun, Unix time."""

    part: Literal["head"] = "head"
    camera: CameraId
    made_at: Finite
    fleet_version: Annotated[str, Field(max_length=64)]


class Document(Record):
    """Rules that entries name (`shared.rules`): their digest, and their content as JSON."""

    part: Literal["rules"] = "rules"
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    content: Annotated[str, Field(max_length=_MAX_RULES_BYTES)]


class Gap(Record):
    """Entries are missing here: they were trimmed before they could be read."""

    part: Literal["gap"] = "gap"
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Entry(Record):
    """One entry of the stream; `payload` is an encoded message, or what could not be read as one."""

    part: Literal["entry"] = "entry"
    id: Annotated[str, Field(pattern=r"^\d{1,20}-\d{1,20}$")]
    payload: Annotated[bytes, Field(max_length=MAX_PAYLOAD_BYTES)]

    @property
    def place(self) -> tuple[int, int]:
        """The id as numbers, for comparison."""
        milliseconds, _, sequence = self.id.partition("-")
        return int(milliseconds), int(sequence)


class _End(Record):
    part: Literal["end"] = "end"
    entries: int


Part = Document | Gap | Entry
_PARTS: TypeAdapter[Head | Document | Gap | Entry | _End] = TypeAdapter(
    Annotated[Head | Document | Gap | Entry | _End, Field(discriminator="part")]
)


class Writer:
    """Writes a recording into an open file, which is whole once `end` was called.

    Raises:
        OSError: the disk is full, or the file may not be written; what was written before is good.
    """

    def __init__(self, file: BinaryIO, head: Head) -> None:
        self._file = file
        self._entries = 0
        file.write(_START.pack(_MAGIC, VERSION))
        self._write(head)

    @property
    def entries(self) -> int:
        """How many were written."""
        return self._entries

    def entry(self, entry_id: str, payload: bytes) -> None:
        """Adds an entry; ids must rise."""
        self._write(Entry(id=entry_id, payload=payload))
        self._entries += 1

    def rules(self, digest: str, content: str) -> None:
        """Adds rules; call it before the first entry that names them."""
        self._write(Document(digest=digest, content=content))

    def gap(self, seconds: float) -> None:
        """Notes that entries are missing before the next one."""
        self._write(Gap(seconds=seconds))

    def flush(self) -> None:
        """Hands over what was written, so that a crash of this process does not lose it."""
        self._file.flush()

    def end(self) -> None:
        """Closes the recording; the file stays open."""
        self._write(_End(entries=self._entries))
        self._file.flush()

    def _write(self, part: Record) -> None:
        body: bytes = msgpack.packb(dict(part), use_bin_type=True)
        self._file.write(_PART.pack(len(body), zlib.crc32(body)) + body)


@contextlib.contextmanager
def recording_to(path: Path, head: Head) -> Iterator[Writer]:
    """A writer whose file takes its name when the context ends well.

    Until then, and if it ends badly, it is `NAME.tracks.part`: readable as far as it goes.

    Raises:
        OSError: as `Writer`; or there is such a file already.
    """
    draft = path.with_name(f"{path.name}.part")
    if path.exists():
        raise FileExistsError(17, "is there already", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("xb") as file:
        writer = Writer(file, head)
        yield writer
        writer.end()
        os.fsync(file.fileno())
    draft.rename(path)


class Reading:
    """The parts of a recording, in order; to be gone through once.

    Attributes:
        head: whose tracks they are.
        where: the file's name, for errors.

    Args:
        file: from its beginning.
        where: its name.

    Raises:
        RecordingError: it is none that this version can read.
    """

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.where = where
        self._file = file
        self._whole = False
        start = self._take(_START.size)
        if len(start) < _START.size or not start.startswith(_MAGIC):
            raise RecordingError(f"{where}: is no recording of tracks: make one with nexara record")
        _, version = _START.unpack(start)
        if version != VERSION:
            raise RecordingError(
                f"{where}: a recording of version {version}, not {VERSION}: replay it with the version of"
                " the fleet that made it"
            )
        first = self._next()
        if not isinstance(first, Head):
            raise RecordingError(f"{where}: has no head: it was cut off before its first entry")
        self.head = first

    @property
    def is_whole(self) -> bool:
        """Once all parts were gone through: whether it was closed, not cut off."""
        return self._whole

    def __iter__(self) -> Iterator[Part]:
        """All whole parts.

        Raises:
            RecordingError: the file is damaged, not just cut off.
        """
        last, entries = (-1, -1), 0
        while (part := self._next()) is not None:
            if isinstance(part, Head):
                raise self._damaged("has a second head")
            if isinstance(part, _End):
                self._finish(part, entries)
                return
            if isinstance(part, Entry):
                if part.place <= last:
                    raise self._damaged(f"entry {part.id} does not come after the one before it")
                last, entries = part.place, entries + 1
            yield part

    def _next(self) -> Head | Part | _End | None:
        """The next part; None where the file was cut off."""
        start = self._take(_PART.size)
        if len(start) < _PART.size:
            return None
        length, crc = _PART.unpack(start)
        if length > _MOST_BYTES:
            raise self._damaged(f"a part claims {length} bytes")
        body = self._take(length)
        if len(body) < length:
            return None
        if zlib.crc32(body) != crc:
            raise self._damaged("a part has a wrong checksum")
        try:
            fields = msgpack.unpackb(body, raw=False, strict_map_key=True, use_list=False)
            return _PARTS.validate_python(fields)
        except (ValidationError, ValueError, RecursionError, msgpack.UnpackException) as error:
            raise self._damaged("a part is not as it is written") from error

    def _finish(self, end: _End, entries: int) -> None:
        if end.entries != entries:
            raise self._damaged(f"has {entries} entries and says {end.entries}")
        if self._take(1):
            raise self._damaged("goes on after its end")
        self._whole = True

    def _take(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError as error:
            raise RecordingError(f"{self.where}: cannot be read: {error.strerror}") from error

    def _damaged(self, why: str) -> RecordingError:
        return RecordingError(f"{self.where}: is damaged before byte {self._file.tell()}: {why}")


@contextlib.contextmanager
def recording_from(path: Path) -> Iterator[Reading]:
    """An open recording.

    Raises:
        RecordingError: the file cannot be read, or is none that this version can read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        yield Reading(file, str(path))
