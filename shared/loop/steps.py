"""The steps between reading and committing, each over a batch of work, each without I/O.

prepare -> look -> advance -> judge: see `shared.stage.Stage` for what each may do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from shared.bus import BusError, BusRefusedError
from shared.loop.quiet import OnceAMinute
from shared.loop.session import Session, Work
from shared.messages import Mark, Message, MessageError, Stamp, decode, encode
from shared.metrics import BATCH
from shared.stage import BadInput, Stage

log = logging.getLogger(__name__)

# A stage that fails on this many records in a row, and never did well, is broken itself: restart, don't empty
# the stream.
_BROKEN_AFTER = 4
_POISON_KEPT = 1000


class Steps:
    """The steps of one stage. `prepare` may run in any thread, each other step in one thread of its own."""

    def __init__(self, stage: Stage[Any, Any, Any, Any]) -> None:
        self._stage = stage
        self._failures_in_a_row = 0
        self._poison_in_a_row = 0
        self._known_good: dict[str, Any] = {}
        self._poison: dict[tuple[str, str], BadInput] = {}
        self._failed_batches = OnceAMinute()

    def prepare(self, camera: str, payload: bytes) -> tuple[Message, Any]:
        """The message in a payload, and the stage's item for it (None for a mark).

        Raises:
            BadInput: the payload is damaged, another camera's, or the stage cannot use it.
            BusError: the record's rules cannot be read now.
        """
        try:
            message = decode(payload)
        except MessageError as error:
            raise BadInput(f"message: {error}", "message") from error
        if message.camera != camera:
            raise BadInput(f"message: is camera {message.camera!r}'s", "message")
        return message, None if isinstance(message, Mark) else self._stage.prepare(message)

    def look(self, batch: Sequence[Work]) -> None:
        """Waits for the items and lets the stage look at all of them at once."""
        for work in batch:
            self._take_prepared(work)
        ready = [work for work in batch if work.usable and not work.is_mark]
        if ready:
            for work, seen in zip(ready, self._each("look", ready, "item"), strict=True):
                work.seen = seen

    def advance(self, batch: Sequence[Work]) -> None:
        """Moves each camera's state on, in order; the last work of a camera carries the snapshot."""
        last: dict[Session, Work] = {}
        for work in batch:
            if work.session.alive:
                last[work.session] = work
                self._advance_one(work)
                work.generation = work.session.state_generation
        for session, work in last.items():
            work.closes = True
            if self._stage.dump is not None and session.state_generation:
                work.snapshot = self._stage.dump(session.state)

    def judge(self, batch: Sequence[Work]) -> None:
        """Turns the findings into outputs, encoded and stamped."""
        ready = [work for work in batch if work.usable and not work.is_mark]
        if ready:
            for work, output in zip(ready, self._each("judge", ready, "finding"), strict=True):
                work.finding = output
        for work in batch:
            if work.usable and work.finding is not None and self._stage.writes:
                work.output = encode(self._stamped(work.finding, work))

    def replay(self, session: Session, entries: Sequence[tuple[str, bytes]]) -> None:
        """Feeds committed input through `advance` again, outputs suppressed, to rebuild a state."""
        for entry_id, payload in entries:
            work = Work(session, entry_id, payload, 0.0, Future())
            try:
                work.message, work.item = self.prepare(session.camera, payload)
                if not work.is_mark:
                    [work.seen] = self._stage.look([work.item])
            except BusError:
                raise
            except Exception as error:
                # It failed the first time too, and became a dead letter.
                log.debug("camera=%s entry=%s replay passes over: %s", session.camera, entry_id, error)
                work.problem = BadInput(str(error), "failure")
            self._advance_one(work)
            if work.moment is not None:
                session.recent.append(work.moment)

    def _take_prepared(self, work: Work) -> None:
        try:
            work.message, work.item = work.prepared.result()
        except BadInput as problem:
            work.problem = problem
        except BusRefusedError:
            raise
        except (CancelledError, BusError):
            # The loop is stopping, or the server is away; nothing of this is committed.
            work.session.drop()
        except Exception as error:
            self._blame(work, error)

    def _advance_one(self, work: Work) -> None:
        session, message = work.session, work.message
        if message is None:
            return
        self._enter_generation(session, message)
        work.problem = work.problem or self._poison.get((session.camera, work.entry_id))
        if work.problem is not None:
            return
        try:
            if isinstance(message, Mark):
                session.state, work.finding = self._stage.mark(session.state, message)
            else:
                session.state, work.finding = self._stage.advance(session.state, work.item, work.seen)
                self._poison_in_a_row = 0
        except BadInput as problem:
            work.problem = problem
        except Exception as error:
            self._condemn(work, error)

    def _condemn(self, work: Work, error: Exception) -> None:
        """Nobody knows what `advance` left behind: back to the stored state, past this record."""
        self._poison_in_a_row += 1
        if self._poison_in_a_row >= _BROKEN_AFTER:
            raise error
        log.exception("camera=%s entry=%s advance failed", work.session.camera, work.entry_id)
        reason = BadInput(f"{self._stage.name}: advance: {type(error).__name__}: {error}", "failure")
        self._poison[work.session.camera, work.entry_id] = reason
        while len(self._poison) > _POISON_KEPT:
            del self._poison[next(iter(self._poison))]
        work.session.drop()

    def _enter_generation(self, session: Session, message: Message) -> None:
        if session.state_generation == message.generation:
            return
        if self._stage.renew is not None and session.state_generation:
            session.state = self._stage.renew(session.state, session.camera, message.generation)
        else:
            session.state = self._stage.initial(session.camera, message.generation)
        session.state_generation = message.generation

    def _each(self, step: str, ready: Sequence[Work], part: str) -> Sequence[Any]:
        """A step over one part of each work; if the batch raises, one by one, so that the bad falls alone."""
        parts = [getattr(work, part) for work in ready]
        if (step == "look") == self._stage.looks:
            BATCH.labels(self._stage.name).observe(len(ready))
        try:
            results: Sequence[Any] = getattr(self._stage, step)(parts)
        except Exception:
            if self._failed_batches.due(step):
                log.exception("stage=%s batch of %d failed: trying one by one", self._stage.name, len(ready))
            return [self._alone(step, work, value) for work, value in zip(ready, parts, strict=True)]
        self._did_well(step, parts[-1])
        return results

    def _alone(self, step: str, work: Work, value: Any) -> Any:
        try:
            [result] = getattr(self._stage, step)([value])
        except Exception as error:
            if step in self._known_good:
                # Fails too if the stage is to blame: then nothing is dead-lettered, the worker ends.
                getattr(self._stage, step)([self._known_good[step]])
                self._failures_in_a_row = 0
            self._blame(work, error)
            return None
        self._did_well(step, value)
        return result

    def _did_well(self, step: str, value: Any) -> None:
        self._failures_in_a_row = 0
        self._known_good[step] = value

    def _blame(self, work: Work, error: Exception) -> None:
        """Dead-letters a record on which the stage fails, unless it has failed on too many in a row."""
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= _BROKEN_AFTER:
            raise error
        work.problem = BadInput(f"{self._stage.name}: {type(error).__name__}: {error}", "failure")

    def _stamped(self, output: Message, work: Work) -> Message:
        """The output with what every record carries on: who worked on it, and its rules."""
        stamp = Stamp(stage=self._stage.name, read_at=work.read_at, done_at=time.time())
        if work.message is None:
            return output.model_copy(update={"trail": (stamp,)})
        carried = {"trail": (*work.message.trail, stamp), "rules": work.message.rules}
        return output.model_copy(update=carried)
