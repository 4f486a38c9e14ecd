"""Decoded pictures between a camera's capture thread and its publishing thread."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

from workers.ingest.sources import Picture


@dataclass(frozen=True, slots=True)
class Paced:
    """A picture that is wanted, with its place: frame number and the frame's clock."""

    picture: Picture
    number: int
    at: float


class PictureBuffer:
    """A queue bounded in pictures and bytes. A file's capture waits for room; a live one drops the oldest."""

    def __init__(self, max_pictures: int, max_bytes: int, waits: bool) -> None:
        self._max_pictures = max_pictures
        self._max_bytes = max_bytes
        self._waits = waits
        self._queue: deque[Paced] = deque()
        self._bytes = 0
        self._dropped: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._finished = False
        self._closed = False

    @property
    def finished(self) -> bool:
        """Whether the source has ended and everything was taken."""
        with self._changed:
            return self._finished and not self._queue

    def put(self, paced: Paced) -> bool:
        """Adds a picture; False once nobody takes any more."""
        size = paced.picture.size_bytes
        with self._changed:
            if self._waits:
                self._changed.wait_for(lambda: self._closed or not self._queue or self._has_room(size))
            else:
                while self._queue and not self._has_room(size):
                    self._pop()
                    self._dropped["buffer"] += 1
            if self._closed:
                return False
            self._queue.append(paced)
            self._bytes += size
            self._changed.notify_all()
            return True

    def take(self, most: int, timeout_s: float, max_age_s: float | None = None) -> list[Paced]:
        """Up to `most` pictures in order, waiting for the first; those older than `max_age_s` are dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._finished or self._closed, timeout_s)
            if max_age_s is not None:
                oldest = time.monotonic() - max_age_s
                while self._queue and self._queue[0].picture.monotonic_s < oldest:
                    self._pop()
                    self._dropped["late"] += 1
            taken = [self._pop() for _ in range(min(most, len(self._queue)))]
            self._changed.notify_all()
            return taken

    def drop_late(self) -> None:
        """Counts a picture that came too late to be put."""
        with self._changed:
            self._dropped["late"] += 1

    def dropped(self) -> Counter[str]:
        """What was dropped since the last call, by reason."""
        with self._changed:
            counts, self._dropped = self._dropped, Counter()
            return counts

    def finish(self) -> None:
        """The source has ended; what is in the queue can still be taken."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody takes any more: frees the pictures and lets the capture thread go."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._bytes = 0
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return len(self._queue) < self._max_pictures and self._bytes + size <= self._max_bytes

    def _pop(self) -> Paced:
        paced = self._queue.popleft()
        self._bytes -= paced.picture.size_bytes
        return paced
