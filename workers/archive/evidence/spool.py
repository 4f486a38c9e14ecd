"""What is kept of an open incident until its evidence is made: tracks, and pictures if they are wanted.

The stream holds a camera's last tracks, the ring its last pictures; an incident may outlast both. So they are
kept beside the evidence while it goes on, in files that a worker that is killed leaves as they are: the next
one goes on with them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from shared.bus.streams import parse_id
from shared.messages import Mark, MessageError, Tracks, decode
from shared.segments import (
    SUFFIX,
    Entry,
    SegmentError,
    SegmentWriter,
    entries,
    first_of,
    make_folder,
    read_entry,
)

Moment = Tracks | Mark

_OPEN = ".open"
_TRACKS, _MISSING, _PICTURES = f"tracks{SUFFIX}", "missing", "pictures"
# Nobody has told of such an incident for so long: its end was lost.
_FORGOTTEN_S = 3600.0


class Shot(NamedTuple):
    """An entry of the stream of tracks: its id, what it says, and its bytes."""

    entry_id: str
    moment: Moment
    payload: bytes


def is_end(moment: Moment) -> bool:
    """Whether nothing comes after it."""
    return isinstance(moment, Mark) and moment.final


class Spool:
    """The files of one open incident. For one thread at a time.

    Args:
        folder: its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tracks = folder / _TRACKS
        self.pictures = folder / _PICTURES
        self._newest: Shot | None = None
        if self._tracks.is_file():
            last = max(entries(self._tracks), key=lambda entry: entry.offset, default=None)
            self._newest = None if last is None else self._shot(last)

    @property
    def newest(self) -> Shot | None:
        """What was kept last; None before `begin`."""
        return self._newest

    def begin(self, shots: Sequence[Shot], missing: tuple[float, float] | None) -> None:
        """Keep the first tracks, all of them or none.

        Args:
            shots: in order, at least one.
            missing: from when until when tracks were gone already, if any were.

        Raises:
            OSError: the disk is full, or the folder may not be written.
        """
        draft = self.folder.with_name(f"{self.folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        _append(draft / _TRACKS, shots)
        if missing is not None:
            (draft / _MISSING).write_text(f"{missing[0]} {missing[1]}\n", encoding="ascii")
        # What is there has no whole entry, or it would have been gone on with.
        shutil.rmtree(self.folder, ignore_errors=True)
        draft.rename(self.folder)
        self._newest = shots[-1]

    def append(self, shots: Sequence[Shot]) -> None:
        """Keep what came after the newest; errors as `begin`."""
        if shots:
            _append(self._tracks, shots)
            self._newest = shots[-1]

    def note_missing(self, span: tuple[float, float]) -> None:
        """Remember that tracks were gone before they could be kept; errors as `begin`."""
        with (self.folder / _MISSING).open("a", encoding="ascii") as file:
            file.write(f"{span[0]} {span[1]}\n")

    def missing_in(self, span: tuple[float, float]) -> tuple[float, float]:
        """How many seconds of a span are missing at its begin, and how many later."""
        begin_s = later_s = 0.0
        with contextlib.suppress(FileNotFoundError):
            # What is noted again after a crash counts once.
            for line in set((self.folder / _MISSING).read_text(encoding="ascii").splitlines()):
                first, last = (float(part) for part in line.split())
                missing_s = max(0.0, min(last, span[1]) - max(first, span[0]))
                begin_s, later_s = (
                    (begin_s + missing_s, later_s) if first <= span[0] else (begin_s, later_s + missing_s)
                )
        return begin_s, later_s

    def shots(self) -> Iterator[Shot]:
        """Everything that was kept, in order; raises OSError."""
        last = (-1, -1)
        for entry in entries(self._tracks):
            # A worker that had lost the camera, and did not know it, may have kept the same again.
            if parse_id(entry.entry_id) > last and (shot := self._shot(entry)) is not None:
                last = parse_id(entry.entry_id)
                yield shot

    def keep_pictures(self, ring: Path, first_id: str, last_id: str, *, newest_too: bool) -> None:
        """Keep the ring's segments with the pictures of some entries, by a second name or as a copy.

        Args:
            ring: the folder of the camera's generation.
            first_id: of the first entry that is wanted.
            last_id: of the last one.
            newest_too: also the segment that is still being written.

        Raises:
            OSError: the disk is full. A ring that is not there or may not be read is one without pictures.
        """
        first, last = parse_id(first_id), parse_id(last_id)
        for path, begins, ends in _segments(ring):
            if begins <= last and (newest_too if ends is None else first < ends):
                _share(path, self.pictures / path.name)

    def _shot(self, entry: Entry) -> Shot | None:
        try:
            payload = read_entry(self._tracks, entry)
            moment = decode(payload)
        except (SegmentError, MessageError):
            return None
        return Shot(entry.entry_id, moment, payload) if isinstance(moment, Moment) else None


class Spools:
    """The spools of all open incidents, below the folder of evidence.

    Args:
        root: the folder of evidence.
        clock: Unix time.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root = root / _OPEN
        self._clock = clock
        self._began = clock()

    def of(self, camera: str, incident_id: str) -> Spool:
        """An incident's spool, with what is there of it already."""
        return Spool(self._root / camera / incident_id)

    def remove(self, camera: str, incident_id: str) -> None:
        """Forgets all that was kept of an incident; raises OSError."""
        folder = self._root / camera / incident_id
        # At once, so that two who do it are not in each other's way.
        gone = folder.with_name(f"{incident_id}.{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(gone)
            shutil.rmtree(gone)

    def remove_forgotten(self) -> int:
        """Removes those that were not written to for an hour; raises OSError; returns how many.

        The hour counts from this worker's start at the earliest: it may be here after a long time away.
        """
        gone = 0
        for folder in self._root.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                written_at = max(part.stat().st_mtime for part in (folder, *folder.glob("*")))
                if max(written_at, self._began) < self._clock() - _FORGOTTEN_S:
                    shutil.rmtree(folder)
                    gone += 1
        return gone


def _append(path: Path, shots: Sequence[Shot]) -> None:
    for folder in (path.parents[2], path.parents[1]):
        make_folder(folder)
    with contextlib.closing(SegmentWriter(path)) as writer:
        for entry_id, moment, payload in shots:
            writer.append(entry_id, moment.number, moment.captured_at, payload, zlib.crc32(payload))


def _segments(ring: Path) -> list[tuple[Path, tuple[int, int], tuple[int, int] | None]]:
    """The ring's segments, the id with which each begins, and that with which the next one does."""
    try:
        # Not `glob`, to which a folder that may not be read looks empty.
        paths = sorted(path for path in ring.iterdir() if path.suffix == SUFFIX)
        firsts = [first_of(path) for path in paths]
    except (FileNotFoundError, PermissionError, NotADirectoryError, SegmentError):
        return []
    return list(zip(paths, firsts, [*firsts[1:], None], strict=True)) if paths else []


def _share(source: Path, place: Path) -> None:
    """Gives a segment another name, or copies it where that cannot be; it may have grown since."""
    try:
        if place.exists() and place.stat().st_size == source.stat().st_size:
            return
        make_folder(place.parent)
        try:
            os.link(source, place)
        except OSError:
            draft = place.with_suffix(".draft")
            with source.open("rb") as segment, draft.open("wb") as copy:
                shutil.copyfileobj(segment, copy)
            draft.replace(place)
    except (FileNotFoundError, PermissionError):
        # Removed from the ring in this moment, or somebody else's: the clip says that it is missing.
        return
