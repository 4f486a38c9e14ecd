"""The files of evidence: each is there whole or not at all, whoever is killed when."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from shared import recording

Kind = Literal["snapshot", "clip", "tracks"]

SUFFIXES: dict[Kind, str] = {"snapshot": ".jpg", "clip": ".mp4", "tracks": recording.SUFFIX}
# The last second of the year 9999; what a message says of its time may be anything.
_LATEST_S = 253_402_300_799


class Held(NamedTuple):
    """A file: its path below the folder, its size in bytes, and when it was written, Unix time."""

    path: str
    size: int
    written_at: float


def moment_of(captured_at: float) -> datetime:
    """A time of capture as a date, in UTC."""
    return datetime.fromtimestamp(min(max(captured_at, 0.0), _LATEST_S), UTC)


def place_of(camera: str, began_captured_at: float, incident_id: str, kind: Kind) -> str:
    """The path of an incident's file below the folder: CAMERA/YYYY-MM-DD/INCIDENT.mp4, .jpg or .tracks."""
    return f"{camera}/{moment_of(began_captured_at):%Y-%m-%d}/{incident_id}{SUFFIXES[kind]}"


class Folder:
    """A folder of evidence. What begins with a dot is a draft."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """A draft, which takes its place when the context ends well, and goes when it does not.

        Raises:
            OSError: the disk is full, or the folder may not be written.
        """
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: who has lost the camera without knowing it may be writing the same.
        draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        try:
            yield draft
            _sync(draft)
            draft.rename(place)
            _sync(place.parent)
        finally:
            draft.unlink(missing_ok=True)

    def has(self, path: str | None) -> bool:
        """Whether a file is there."""
        return path is not None and (self.root / path).is_file()

    def files(self) -> Iterator[Held]:
        """All files that are no drafts."""
        for kind in SUFFIXES.values():
            for found in self.root.glob(f"*/*/[!.]*{kind}"):
                with contextlib.suppress(FileNotFoundError):
                    facts = found.stat()
                    yield Held(str(found.relative_to(self.root)), facts.st_size, facts.st_mtime)

    def remove(self, path: str) -> None:
        """Removes a file, if it is there, and the folders that it leaves empty.

        Raises:
            OSError: it may not be removed.
        """
        place = self.root / path
        place.unlink(missing_ok=True)
        # Not empty, or somebody was faster.
        with contextlib.suppress(OSError):
            place.parent.rmdir()
            place.parent.parent.rmdir()

    def clean(self) -> None:
        """Removes the drafts of those who were killed."""
        for draft in self.root.glob("*/*/.*"):
            draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Puts a file, or the names in a folder, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
