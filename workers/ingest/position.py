"""Where a camera stands: what ingest stores with every commit and goes on from after a restart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import msgpack

VERSION = 1
# A file is known by its size and by this much of its head and of its tail.
_FINGERPRINT_BYTES = 2**20


class PositionError(ValueError):
    """A stored position that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """The last thing published of a camera.

    Attributes:
        generation: carried by every message; a new one for each pass over a file.
        ordinal: which pass over the source this is, from 0.
        base: what is added to a file's frame numbers to give entry ids; the last id of the pass before.
        number: the last frame published, -1 before the first.
        last_id: the last entry's id.
        last_at: the last entry's `at`.
        captured_at: the last frame's capture time.
        ended_at: wall time at which the file's end was published, 0 before it.
        content: fingerprint of the file and of the options that change its frames; "" for live sources.
        waiting: (ms, sequence, bytes) of live entries that may still wait in the stream.
    """

    generation: str
    ordinal: int = 0
    base: int = 0
    number: int = -1
    last_id: tuple[int, int] = (0, 0)
    last_at: float = float("-inf")
    captured_at: float = 0.0
    ended_at: float = 0.0
    content: str = ""
    waiting: tuple[tuple[int, int, int], ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the end of this pass was published."""
        return self.ended_at > 0

    @property
    def cursor(self) -> str:
        """The last entry's id as the bus writes it."""
        return f"{self.last_id[0]}-{self.last_id[1]}"

    def dump(self) -> bytes:
        """The position as stored."""
        packed: bytes = msgpack.packb({"v": VERSION, **asdict(self)})
        return packed


def load(snapshot: bytes) -> Position:
    """A stored position.

    Raises:
        PositionError: the bytes are something else.
    """
    try:
        values = msgpack.unpackb(snapshot, use_list=False)
        if not isinstance(values, dict) or values.pop("v", None) != VERSION:
            raise PositionError("not a position of this version")
        known = {field.name for field in fields(Position)}
        position = Position(**{name: value for name, value in values.items() if name in known})
        (_, _), _ = position.last_id, [(ms, sequence, size) for ms, sequence, size in position.waiting]
        return position
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise PositionError(f"stored position cannot be read: {error}") from error


def fingerprint(path: Path) -> str:
    """What a file holds, in 32 hex digits: its size, head and tail. A copy has the same."""
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        digest.update(file.read(_FINGERPRINT_BYTES))
        file.seek(max(0, size - _FINGERPRINT_BYTES))
        digest.update(file.read(_FINGERPRINT_BYTES))
    return digest.hexdigest()


def file_generation(camera: str, content: str, ordinal: int) -> str:
    """Generation of a pass over a file: equal for equal files, so that two runs give equal logs."""
    return hashlib.blake2b(f"{camera}\n{content}\n{ordinal}".encode(), digest_size=8).hexdigest()


def next_pass(before: Position, generation: str, content: str) -> Position:
    """The start of another pass: ids go on after everything published before."""
    return replace(
        before,
        generation=generation,
        ordinal=before.ordinal + 1,
        base=before.last_id[0],
        number=-1,
        last_at=float("-inf"),
        ended_at=0.0,
        content=content,
    )


def resume(
    stored: Position | None,
    remembered: Position | None,
    *,
    content: str,
    replay_before: float,
    mint: Callable[[int], str],
) -> Position:
    """Where a camera goes on.

    Args:
        stored: what the bus holds.
        remembered: what this process has published last, if anything. It outlives a lost state, so that ids
            are not used twice.
        content: fingerprint of the file and of its options now, "" for live sources.
        replay_before: a pass that ended before this wall time is followed by another one.
        mint: ordinal -> generation.
    """
    if stored is None:
        if remembered is None:
            return Position(generation=mint(0), content=content)
        return next_pass(remembered, mint(remembered.ordinal + 1), content)
    # A fail-over may have taken the start of a pass back: it starts again, with the same ids as before.
    taken_back = remembered is not None and remembered.ordinal > stored.ordinal
    if stored.content != content or (stored.ended and (taken_back or stored.ended_at < replay_before)):
        return next_pass(stored, mint(stored.ordinal + 1), content)
    if not content and remembered is not None and remembered.last_id > stored.last_id:
        last_at = max(stored.last_at, remembered.last_at)
        number = max(stored.number, remembered.number)
        return replace(stored, last_id=remembered.last_id, last_at=last_at, number=number)
    return stored
