"""The contract of a worker. Who reads this file can write one.

A stage turns each record of its input stream into at most one record of its output stream. The loop
(`shared.loop`) does everything else: reading, leases, order, batching, commits, rewinding. Only
`advance` has memory; it is called in order for each camera, and its state is all that a takeover needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from shared.messages import Mark, Message

Item = TypeVar("Item")
Seen = TypeVar("Seen")
State = TypeVar("State")
Finding = TypeVar("Finding")


class BadInput(ValueError):  # noqa: N818 - it blames the input, not the program
    """This one record cannot be used: to the dead letters with this text; the camera goes on.

    Args:
        reason: for people; may name what is wrong in any words.
        kind: for counting: `message` (damaged or foreign), `input` (the stage refuses it) or `failure` (the
            stage broke on it).
    """

    def __init__(self, reason: str, kind: Literal["message", "input", "failure"] = "input") -> None:
        super().__init__(reason)
        self.kind = kind


class TryLater(RuntimeError):  # noqa: N818 - it says what to do
    """A sink cannot store just now; the text says why. The same records come again, nothing is lost."""


class StillBusy(TryLater):
    """A sink is at work on these records, which takes a while: nothing is wrong, they come again."""


def _as_it_is(value: Any) -> Any:
    return value


def _unseen(items: Sequence[Any]) -> Sequence[Any]:
    return [None] * len(items)


def forward(state: Any, mark: Mark) -> tuple[Any, Message | None]:
    """What most stages do with a mark: nothing, but tell the next one."""
    return state, mark


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[Item, Seen, State, Finding]):
    """One worker's work, as plain functions.

    Attributes:
        name: the role, also the consumer group; `reads` and `writes` are streams ("" writes nothing).
        initial: (camera, generation) -> the state before the first frame of that generation.
        renew: (state, camera, generation) -> what takes the place of `initial` where a generation follows
            another one, for a stage that must still say something of the one before: not every generation
            ends with a final mark.
        advance: (state, item, seen) -> (state, finding). May raise BadInput, leaving the state as it was.
        prepare: message -> item. Stateless, runs in threads. May raise BadInput.
        look: items -> what was seen in each. Stateless; one batch over any cameras.
        judge: findings -> one output or None each. Stateless; one batch over any cameras.
        mark: (state, mark) -> (state, output or None), in order with `advance`.
        deliver: sinks only; stores (entry id, message) pairs of one camera before they are committed, and
            must be idempotent: after a crash the same pairs come again. May raise TryLater.
        close: gives back what `deliver` holds open; called once, when the loop has ended.
        measure: (camera, outputs) once they are stored, for the stage's own metrics. Never twice for one
            record, not for what is replayed or thrown away, nor for marks.
        dump, load: state <-> bytes, without pickle. None where `history_s` rebuilds the state instead.
        history_s: a takeover feeds the last `history_s` seconds of committed input through `advance`
            again, outputs suppressed. The state must be a function of that much input.
        settings: everything that changes outputs, as text; another text starts from `initial`.
        max_batch, max_wait_ms: a batch closes when it is full or its oldest item has waited this long.
    """

    name: str
    reads: str
    writes: str
    settings: str
    initial: Callable[[str, str], State]
    advance: Callable[[State, Item, Seen], tuple[State, Finding]]
    prepare: Callable[[Message], Item] = _as_it_is
    look: Callable[[Sequence[Item]], Sequence[Seen]] = _unseen
    judge: Callable[[Sequence[Finding]], Sequence[Message | None]] = _as_it_is
    mark: Callable[[State, Mark], tuple[State, Message | None]] = forward
    renew: Callable[[State, str, str], State] | None = None
    deliver: Callable[[str, Sequence[tuple[str, Message]]], None] | None = None
    close: Callable[[], None] | None = None
    measure: Callable[[str, Sequence[Any]], None] | None = None
    dump: Callable[[State], bytes] | None = None
    load: Callable[[bytes], State] | None = None
    history_s: float = 0.0
    max_batch: int = 8
    max_wait_ms: float = 5.0

    @property
    def looks(self) -> bool:
        """Whether `look` is where the work is batched; `judge` otherwise."""
        return self.look is not _unseen
