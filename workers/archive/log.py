"""A camera's verdict log: JSON lines that are appended once, whoever crashes or stalls when.

The log is its own cursor: what its last lines hold is stored, nothing else is. Every append takes the
file's lock, cuts off a torn last line, and leaves out what is there already. The lines' chain (chain.py)
follows from them and the key alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.messages import Verdicts
from workers.archive import chain

# How much of a log's end is read to find cursors and head: far more than can come again after a crash.
_TAIL_BYTES = 2**20
_LOCK_POLL_S = 0.02

EntryId = tuple[int, int]


class LogError(RuntimeError):
    """A log that cannot be written; the text says what to do."""


class VerdictLog:
    """The log of one camera. Several processes may hold one; each append stands alone.

    Args:
        path: the file; it and its folder are created when needed.
        fsync: whether an append returns only when the disk has it.
        lock_timeout_s: how long to wait for another writer.
        key: the chain's secret; empty: none.
    """

    def __init__(self, path: Path, fsync: bool, lock_timeout_s: float, key: bytes = b"") -> None:
        self._path = path
        self._fsync = fsync
        self._lock_timeout_s = lock_timeout_s
        self._key = key
        self._known: tuple[int, int] | None = None
        self._cursors: dict[str, EntryId] = {}
        self._head = chain.START

    def append(self, records: Sequence[tuple[str, Verdicts]]) -> int:
        """Appends the records that the log does not hold yet; returns how many those were.

        Raises:
            LogError: the disk is full, the file cannot be written, or another writer holds it.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                self._lock(file.fileno())
                return self._append(file, records)
        except OSError as error:
            raise LogError(f"{self._path}: cannot be written: {error.strerror}") from error

    def _append(self, file: Any, records: Sequence[tuple[str, Verdicts]]) -> int:
        size = self._settle(file)
        head, lines = self._head, []
        for entry_id, record in records:
            place = _parse(entry_id)
            if place > self._cursors.get(record.generation, (-1, -1)):
                self._cursors[record.generation] = place
                body = _body(entry_id, record)
                head = chain.link(self._key, head, body)
                lines.append(chain.join(body, head) + b"\n")
        if not lines:
            return 0
        # Until all of it is on the disk nothing is known, so that a failure makes the next append look again.
        self._known = None
        try:
            file.write(b"".join(lines))
            file.flush()
            if self._fsync:
                os.fdatasync(file.fileno())
        except OSError:
            # Half a line on a full disk would only be cut off later.
            os.ftruncate(file.fileno(), size)
            raise
        status = os.fstat(file.fileno())
        self._known = status.st_ino, status.st_size
        self._head = head
        return len(lines)

    def _settle(self, file: Any) -> int:
        """Cuts off a torn last line and reads cursors and head unless only we wrote; returns the size."""
        status = os.fstat(file.fileno())
        size = status.st_size
        if self._known == (status.st_ino, size):
            return size
        start = max(0, size - _TAIL_BYTES)
        file.seek(start)
        tail: bytes = file.read(size - start)
        whole = tail.rfind(b"\n") + 1
        if whole == 0 and start > 0:
            # No crash tears a line as long as that. It stays for people to look at, and the log goes on.
            file.write(b"\n")
            file.flush()
            size += 1
        elif whole < len(tail):
            size = start + whole
            os.ftruncate(file.fileno(), size)
        lines = tail[:whole].splitlines()
        # The first line of the tail is cut unless the tail is the whole file.
        lines = lines[1:] if start else lines
        self._cursors, self._head = _cursors(lines), chain.head_of(lines)
        return size

    def _lock(self, descriptor: int) -> None:
        """Waits for the lock; the file's closing gives it back."""
        deadline_s = time.monotonic() + self._lock_timeout_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    raise LogError(
                        f"{self._path}: another archive worker holds it and does not go on: stop that one"
                    ) from None
                time.sleep(_LOCK_POLL_S)


def set_aside(directory: Path) -> list[Path]:
    """Renames the logs of earlier runs, `lobby.jsonl` to `lobby.1.jsonl` and so on; returns the new names.

    Camera names hold no dot, so that a log set aside is never taken for a camera's.
    """
    moved = []
    for path in sorted(directory.glob("*.jsonl")):
        if "." in path.stem:
            continue
        number = 1
        while (aside := path.with_name(f"{path.stem}.{number}.jsonl")).exists():
            number += 1
        path.rename(aside)
        moved.append(aside)
    return moved


def _cursors(lines: Sequence[bytes]) -> dict[str, EntryId]:
    """The last entry of each generation. Damaged lines are passed over: they stay for people to look at."""
    cursors: dict[str, EntryId] = {}
    for line in lines:
        try:
            fields = json.loads(line)
            generation, place = str(fields["generation"]), _parse(fields["id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        cursors[generation] = max(place, cursors.get(generation, place))
    return cursors


def _parse(entry_id: str) -> EntryId:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


def _body(entry_id: str, record: Verdicts) -> bytes:
    """One line but for its chain, of nothing but what follows from video and models: `diff` compares runs."""
    fields = {"id": entry_id, **record.model_dump(mode="json", exclude={"trail"})}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
