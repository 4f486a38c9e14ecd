"""Recorded tracks through classify and incidents: the steps of the fleet's own loop, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shared.loop import StageFailedError
from shared.loop.session import Session, Work
from shared.loop.steps import Steps
from shared.messages import Incidents, Message, Verdicts, decode
from shared.rules import Rules
from shared.stage import Stage
from workers.cli.recorded.takes import GAP_S, Pair

# Results depend on nothing but the records; this many at once keep nets and memory busy enough.
_BATCH = 64


class RecordedRules:
    """Finds the rules that recorded entries name.

    Args:
        recorded: by camera and digest; what is not there counts as lost.
        started: each camera's rules where a record names none, or lost ones.
        changed: fields of the rules that are other than recorded.
    """

    def __init__(
        self,
        recorded: Mapping[tuple[str, str], Rules],
        started: Mapping[str, Rules],
        changed: Mapping[str, float | None],
    ) -> None:
        self._recorded = recorded
        self._started = started
        self._changed = changed
        self._found: dict[tuple[str, str], Rules] = {}

    def __call__(self, message: Message) -> Rules:
        """The rules of a record."""
        key = message.camera, message.rules
        if key not in self._found:
            rules = self._recorded.get(key) or self._started.get(message.camera) or Rules()
            fields = {name: getattr(rules, name) for name in Rules.model_fields}
            self._found[key] = Rules(**{**fields, **self._changed})
        return self._found[key]


@dataclass(frozen=True)
class Step:
    """What one recorded entry came to.

    Attributes:
        message: the entry's own; None if nobody can read it.
        settled: whether the windows that end here lie within what was recorded, so that the fleet must have
            seen the same.
        verdicts: what classify wrote: Verdicts, a mark that it passed on, or nothing.
        incidents: what the incidents stage wrote.
        problem: why it became a dead letter, "" if it did not.
    """

    entry_id: str
    message: Message | None
    settled: bool
    verdicts: Message | None = None
    incidents: Message | None = None
    problem: str = ""


class Pipeline:
    """The stages of one camera, one after the other, with their memory.

    Args:
        camera: whose tracks are put in.
        classify: the first stage.
        incidents: the second one; None: verdicts are all that is wanted.
    """

    def __init__(
        self,
        camera: str,
        classify: Stage[Any, Any, Any, Any],
        incidents: Stage[Any, Any, Any, Any] | None = None,
    ) -> None:
        self._classify = _Station(classify, camera)
        self._incidents = _Station(incidents, camera) if incidents is not None else None
        self._history_s = classify.history_s
        self._last: Message | None = None
        self._settled_at = 0.0

    def judge(self, entries: Iterable[Pair]) -> Iterator[Step]:
        """What each entry comes to, in order. May be called again with what comes after.

        Raises:
            StageFailedError: a stage breaks on a record.
        """
        source = iter(entries)
        while batch := list(islice(source, _BATCH)):
            judged = self._classify.work(batch)
            told = self._told(judged)
            for work in judged:
                incident = told.get(work.entry_id)
                yield Step(
                    entry_id=work.entry_id,
                    message=work.message,
                    settled=self._is_settled(work.message),
                    verdicts=_result(work),
                    incidents=_result(incident) if incident is not None else None,
                    problem=str(work.problem or (incident and incident.problem) or ""),
                )

    def _told(self, judged: Sequence[Work]) -> dict[str, Work]:
        if self._incidents is None:
            return {}
        outputs = [(work.entry_id, work.output) for work in judged if work.output is not None]
        return {work.entry_id: work for work in self._incidents.work(outputs)}

    def _is_settled(self, message: Message | None) -> bool:
        if message is None:
            return False
        last, self._last = self._last, message
        if last is None or last.generation != message.generation:
            self._settled_at = message.at + (self._history_s if message.number else 0.0)
        elif message.at - last.at > GAP_S:
            self._settled_at = message.at + self._history_s
        return message.at >= self._settled_at


class _Station:
    """One stage over one camera, as a worker that never loses it."""

    def __init__(self, stage: Stage[Any, Any, Any, Any], camera: str) -> None:
        self._stage = stage
        self._steps = Steps(stage)
        self._session = Session(
            camera=camera, token="", cursor="", generation="", state=None, state_generation=""
        )

    def work(self, entries: Sequence[Pair]) -> list[Work]:
        works = [
            Work(self._session, entry_id, payload, 0.0, self._prepared(payload))
            for entry_id, payload in entries
        ]
        for step in (self._steps.look, self._steps.advance, self._steps.judge):
            step(works)
        if not self._session.alive:
            at = next((work.entry_id for work in works if work.message and work.finding is None), "")
            raise StageFailedError(f"{self._stage.name}: camera={self._session.camera}: failed near {at}")
        return works

    def _prepared(self, payload: bytes) -> Future[tuple[Message, Any]]:
        future: Future[tuple[Message, Any]] = Future()
        try:
            future.set_result(self._steps.prepare(self._session.camera, payload))
        except Exception as error:
            future.set_exception(error)
        return future


def _result(work: Work) -> Message | None:
    """What would have been stored: the finding, with what every record carries on."""
    return decode(work.output) if work.output is not None else None


def verdicts_of(step: Step) -> Verdicts | None:
    """The step's verdicts, if somebody was judged: what the archive keeps."""
    said = step.verdicts
    return said if isinstance(said, Verdicts) and said.verdicts else None


def incidents_of(step: Step) -> Incidents | None:
    """What the step told of incidents, if anything."""
    return step.incidents if isinstance(step.incidents, Incidents) else None
