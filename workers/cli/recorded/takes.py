"""Recordings put in order: all that was recorded of one camera's generation is one take.

Several files may hold parts of one generation, overlapping ones too (evidence of two incidents that were
close together); each entry counts once.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.config import ConfigError
from shared.messages import Message, MessageError, decode
from shared.recording import SUFFIX, Document, Entry, Gap, recording_from
from shared.rules import Rules

# A source that is silent says so each second: more than this between two records was not recorded.
GAP_S = 2.0

Pair = tuple[str, bytes]


@dataclass
class Take:
    """What was recorded of one generation of a camera.

    Attributes:
        files: where it is.
        pieces: from when until when there are records without a gap, the generation's own time, seconds.
        begins: whether the generation's first frame is in it.
        captured_at: of the first record.
    """

    camera: str
    generation: str
    files: list[Path] = field(default_factory=list)
    pieces: list[tuple[float, float]] = field(default_factory=list)
    begins: bool = False
    captured_at: float = 0.0

    @property
    def seconds(self) -> float:
        """How long was recorded."""
        return sum(last - first for first, last in self.pieces)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.camera} ({', '.join(path.name for path in self.files[:3])})"

    def entries(self) -> Iterator[Pair]:
        """Every entry once, in order.

        Raises:
            RecordingError: a file cannot be read any more.
        """
        last = (-1, -1)
        sources = [_entries_of(path, self.generation) for path in self.files]
        for entry in heapq.merge(*sources, key=lambda entry: entry.place):
            if entry.place > last:
                last = entry.place
                yield entry.id, entry.payload

    def holds(self, first_at: float, last_at: float, before_s: float) -> bool:
        """Whether a span of time was recorded, and so much before it as windows look back."""
        return any(
            last_at <= end and (first_at - before_s >= begin or (self.begins and begin == self.pieces[0][0]))
            for begin, end in self.pieces
        )

    def add(
        self, path: Path, pieces: Iterable[tuple[float, float]], *, begins: bool, captured_at: float
    ) -> None:
        """Adds what a file holds of it."""
        self.captured_at = min(self.captured_at, captured_at) if self.files else captured_at
        self.files.append(path)
        self.pieces = _joined([*self.pieces, *pieces])
        self.begins = self.begins or begins


@dataclass
class Shelf:
    """Some recordings.

    Attributes:
        takes: in the order in which they were captured.
        rules: all that entries name, by camera and digest.
        remarks: what a user should know of the files, a line each.
    """

    takes: list[Take] = field(default_factory=list)
    rules: dict[tuple[str, str], Rules] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def shelf_of(paths: Sequence[Path]) -> Shelf:
    """The recordings in files and folders.

    Raises:
        ConfigError: there is none.
        RecordingError: a file cannot be read, is damaged or of another version.
    """
    shelf, takes = Shelf(), dict[tuple[str, str], Take]()
    for path in dict.fromkeys(_files(paths)):
        _put(shelf, takes, path)
    shelf.takes = sorted(takes.values(), key=lambda take: (take.captured_at, take.camera, take.generation))
    return shelf


def _files(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        files = sorted(path.rglob(f"[!.]*{SUFFIX}")) if path.is_dir() else [path]
        if not files:
            raise ConfigError(f"{path}: holds no recording, *{SUFFIX}: make one with nexara record")
        found += files
    return found


@dataclass
class _Span:
    """The records of one generation in one file, while it is read."""

    begins: bool
    captured_at: float
    pieces: list[tuple[float, float]]


def _put(shelf: Shelf, takes: dict[tuple[str, str], Take], path: Path) -> None:
    spans: dict[str, _Span] = {}
    entries, missing_s = 0, 0.0
    with recording_from(path) as reading:
        camera = reading.head.camera
        for part in reading:
            if isinstance(part, Document):
                shelf.rules[camera, part.digest] = _rules(path, part)
            elif isinstance(part, Gap):
                missing_s += part.seconds
            else:
                entries += 1
                _count(spans, path, camera, part)
    if not reading.is_whole:
        shelf.remarks.append(f"{path}: was cut off: read up to its last whole entry, {entries} in all")
    if missing_s:
        shelf.remarks.append(f"{path}: {missing_s:.1f} s are missing in it")
    if not spans:
        shelf.remarks.append(f"{path}: holds no record that can be read")
    for generation, span in spans.items():
        take = takes.setdefault((camera, generation), Take(camera, generation))
        take.add(path, span.pieces, begins=span.begins, captured_at=span.captured_at)


def _count(spans: dict[str, _Span], path: Path, camera: str, entry: Entry) -> None:
    message = _decoded(entry.payload)
    if message is None:
        return
    if message.camera != camera:
        raise ConfigError(f"{path}: is a recording of {camera} and holds records of {message.camera}")
    span = spans.get(message.generation)
    if span is None:
        span = _Span(message.number == 0, message.captured_at, [(message.at, message.at)])
        spans[message.generation] = span
        return
    begin, end = span.pieces[-1]
    if 0 <= message.at - end <= GAP_S:
        span.pieces[-1] = begin, message.at
    elif message.at > end:
        span.pieces.append((message.at, message.at))


def _rules(path: Path, document: Document) -> Rules:
    try:
        rules = Rules.model_validate_json(document.content)
    except ValueError as error:
        raise ConfigError(f"{path}: holds rules that this version cannot read: upgrade it") from error
    if rules.digest != document.digest:
        raise ConfigError(f"{path}: holds rules under another's name: it was changed")
    return rules


def _entries_of(path: Path, generation: str) -> Iterator[Entry]:
    """A file's entries of a generation; what nobody can read goes with what is before it."""
    current = ""
    with recording_from(path) as reading:
        for part in reading:
            if isinstance(part, Entry):
                message = _decoded(part.payload)
                current = message.generation if message is not None else current
                if current == generation:
                    yield part


def _decoded(payload: bytes) -> Message | None:
    with contextlib.suppress(MessageError):
        return decode(payload)
    return None


def _joined(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(pieces):
        if joined and begin - joined[-1][1] <= GAP_S:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined
