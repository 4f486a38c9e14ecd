"""One camera's last pictures as files: short segments, of which the oldest go. For one thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.segments import SUFFIX, SegmentWriter, make_folder, ring_folder, segment_name

# What is removed is removed a segment at a time, so they are short.
SEGMENT_S = 5.0
_SEGMENTS_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """A published JPEG and the entry that it was published with; `crc` is its CRC-32."""

    entry_id: str
    number: int
    captured_at: float
    crc: int
    jpeg: bytes


class RingFiles:
    """The segments of one camera, bounded in age and bytes.

    Each writer has files of its own, so that one that has lost the camera without knowing it harms nobody.
    Ages are those of the files, so that the bound holds for what an earlier process has left, too.

    Args:
        root: the folder of all cameras.
        keep_s: segments that were not written to for so long go.
        max_bytes: the oldest segments go where all together come to more.
        clock: Unix time, as the files have it.
    """

    def __init__(
        self,
        root: Path,
        camera: str,
        keep_s: float,
        max_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._root, self._camera = root, camera
        self._keep_s, self._max_bytes, self._clock = keep_s, max_bytes, clock
        self._writer: SegmentWriter | None = None
        self._path = root
        self._made_at = 0.0

    def append(self, generation: str, pictures: Sequence[Kept]) -> None:
        """Write pictures; begins a new segment where the last one is full, of another generation or broken.

        Raises:
            OSError: the disk is full, or the folder may not be written. Pictures before the one that failed
                are written.
        """
        try:
            for picture in pictures:
                writer = self._writer_for(generation, picture.entry_id)
                writer.append(
                    picture.entry_id, picture.number, picture.captured_at, picture.jpeg, picture.crc
                )
        except OSError:
            self.close()
            raise

    def prune(self) -> int:
        """Remove what is too old or too much; returns how many bytes are left.

        Raises:
            OSError: a segment may not be removed.
        """
        found = sorted(_segments(self._root / self._camera), key=lambda one: (one[1], one[0]))
        left = sum(size for _, _, size in found)
        oldest_s = self._clock() - self._keep_s
        for path, written_at, size in found:
            if written_at >= oldest_s and left <= self._max_bytes:
                break
            if self._writer is not None and path == self._path:
                if written_at >= oldest_s:
                    continue
                self.close()
            path.unlink(missing_ok=True)
            left -= size
            # Not empty, or somebody was faster.
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        return left

    def close(self) -> None:
        """Ends the segment."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _writer_for(self, generation: str, entry_id: str) -> SegmentWriter:
        folder = ring_folder(self._root, self._camera, generation)
        now = self._clock()
        is_full = self._writer is not None and (
            self._path.parent != folder
            or not 0 <= now - self._made_at < SEGMENT_S
            or self._writer.size * _SEGMENTS_AT_LEAST > self._max_bytes
        )
        if is_full:
            self.close()
            self.prune()
        if self._writer is None:
            for place in (self._root, folder.parent):
                make_folder(place)
            self._path = folder / segment_name(entry_id, time.time_ns())
            self._writer = SegmentWriter(self._path)
            self._made_at = now
        return self._writer


def remove_strangers(root: Path, cameras: Sequence[str]) -> None:
    """Removes what is left of cameras whose pictures are no longer wanted.

    Raises:
        OSError: it may not be removed.
    """
    for folder in root.glob("*"):
        if folder.name not in cameras:
            for path, _, _ in _segments(folder):
                path.unlink(missing_ok=True)
                # What is not ours stays.
                with contextlib.suppress(OSError):
                    path.parent.rmdir()
                    folder.rmdir()


def _segments(folder: Path) -> list[tuple[Path, float, int]]:
    """Path, time of the last writing and bytes of each segment of a camera."""
    found = []
    for path in folder.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            facts = path.stat()
            found.append((path, facts.st_mtime, facts.st_size))
    return found
