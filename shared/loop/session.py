"""A session: one unbroken tenure over a camera.

At the first doubt (a lost lease, a refused commit, any trouble on a connection) the session is dropped
whole and the camera is opened anew at what is stored. Work that belongs to a dropped session is thrown
away where it surfaces, because only a commit has effects.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.bus import DeadLetter
from shared.messages import Mark, Message
from shared.stage import BadInput


class Moment(NamedTuple):
    """When a record was, in its generation's time."""

    entry_id: str
    generation: str
    at: float

    def needed_at(self, newest: Moment, history_s: float) -> bool:
        """Whether a state after `newest` still depends on this record."""
        return self.generation == newest.generation and newest.at - self.at <= history_s


@dataclass(eq=False)
class Session:
    """What a worker holds of one camera. Each field has one writer, named behind it.

    Attributes:
        camera, token: whose lease this is.
        cursor, generation: as stored by the last commit (committing thread).
        state, state_generation: the stage's memory, after the last `advance` (advancing thread).
        recent: committed input that a takeover would replay, oldest first (committing thread).
        delay_s: from capture to commit, of the last frame (committing thread).
    """

    camera: str
    token: str
    cursor: str
    generation: str
    state: Any
    state_generation: str
    recent: deque[Moment] = field(default_factory=deque)
    delay_s: float | None = None
    _in_flight: int = 0
    _alive: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def alive(self) -> bool:
        """Whether its work still counts."""
        return self._alive

    @property
    def in_flight(self) -> int:
        """Records read and not yet committed."""
        return self._in_flight

    def drop(self) -> None:
        """Ends the session; whatever is still under way is thrown away."""
        self._alive = False

    def started(self, count: int) -> None:
        """Counts records that were read."""
        with self._lock:
            self._in_flight += count

    def finished(self, count: int) -> None:
        """Counts records that were committed."""
        with self._lock:
            self._in_flight -= count


@dataclass
class Work:
    """One record on its way through the loop; each step fills its part.

    `problem` is set where the record cannot be used; the later steps then pass it on to its dead letter.
    `generation` is the state's after this record. `closes` says that `snapshot` is the state after this very
    record, so that a commit may end here; between two such records it may not.
    """

    session: Session
    entry_id: str
    payload: bytes
    read_at: float
    prepared: Future[tuple[Message, Any]]
    message: Message | None = None
    item: Any = None
    seen: Any = None
    finding: Any = None
    generation: str = ""
    closes: bool = False
    snapshot: bytes | None = None
    output: bytes | None = None
    problem: BadInput | None = None

    @property
    def usable(self) -> bool:
        """Whether a step has anything to do with it."""
        return self.problem is None and self.session.alive

    @property
    def moment(self) -> Moment | None:
        """When it was; None if nobody could read it."""
        if self.message is None:
            return None
        return Moment(self.entry_id, self.message.generation, self.message.at)

    @property
    def is_mark(self) -> bool:
        """Whether it says only that time passes."""
        return isinstance(self.message, Mark)

    def dead_letter(self, stream: str) -> DeadLetter:
        """Its dead letter, once it has a problem."""
        return DeadLetter(
            stream=stream, entry_id=self.entry_id, reason=str(self.problem), payload=self.payload
        )
