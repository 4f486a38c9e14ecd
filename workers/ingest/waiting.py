"""Live entries that may still wait in the stream, so that the oldest can be dropped in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from shared.bus.streams import STALE_MARK
from workers.ingest.config import IngestConfig


@dataclass(frozen=True, slots=True)
class Entry:
    """One published entry: its id, when it was published (monotonic clock) and its size; a mark's is 0."""

    entry_id: tuple[int, int]
    published_s: float
    size: int


class Waiting:
    """What was published lately. The server knows what was read; here an entry is forgotten once due."""

    def __init__(self, config: IngestConfig, stored: Iterable[tuple[int, int, int]], now_s: float) -> None:
        self._config = config
        self._entries = deque(Entry((ms, sequence), now_s, size) for ms, sequence, size in stored)

    def due(self, now_s: float, coming: int, coming_bytes: int) -> list[tuple[str, str]]:
        """(entry id, reason) of what has to go unless it was read, before `coming` more are added."""
        count, size = len(self._entries) + coming, sum(entry.size for entry in self._entries) + coming_bytes
        found = []
        for entry in self._entries:
            if now_s - entry.published_s > self._config.max_age_s:
                reason = "age"
            elif count > self._config.max_entries:
                reason = "entries"
            elif size > self._config.max_stream_bytes:
                reason = "bytes"
            else:
                break
            reason = reason if entry.size else STALE_MARK
            found.append((f"{entry.entry_id[0]}-{entry.entry_id[1]}", reason))
            count, size = count - 1, size - entry.size
        return found

    def after(self, dropped: int, added: Iterable[Entry]) -> tuple[Entry, ...]:
        """What waits once `dropped` of the oldest are gone and `added` are there; `commit` makes it so."""
        return (*list(self._entries)[dropped:], *added)

    def commit(self, entries: Iterable[Entry]) -> None:
        """Takes over what `after` gave, once it is stored."""
        self._entries = deque(entries)
