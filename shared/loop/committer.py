"""Commits finished work: per camera one run of everything that is ready, all cameras in one round trip."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import chain
from typing import Any

from shared import metrics
from shared.bus import Bus, BusError, Outcome, Run
from shared.loop.quiet import OnceAMinute
from shared.loop.session import Moment, Session, Work
from shared.messages import Mark
from shared.stage import Stage, StillBusy, TryLater

log = logging.getLogger(__name__)

_FULL_AGAIN_S, _DELIVER_AGAIN_S = 0.02, 1.0
# A sink that is away may need seconds to say so, for each camera: the loop would look hung.
_DELIVERING_S = 5.0


class Committer:
    """Holds finished work until it is stored. Not shared between threads."""

    def __init__(self, stage: Stage[Any, Any, Any, Any], bus: Bus) -> None:
        self._stage = stage
        self._bus = bus
        self._held: dict[Session, list[Work]] = {}
        self._full = self._busy = False
        self._problem = ""
        self._dead_letters, self._deliveries = OnceAMinute(), OnceAMinute()

    @property
    def retry_s(self) -> float | None:
        """How soon to try again what could not be stored yet; None: all is stored."""
        if self._problem or self._busy:
            return _DELIVER_AGAIN_S
        return _FULL_AGAIN_S if self._full else None

    @property
    def problem(self) -> str:
        """Why a sink cannot store, "" while it can."""
        return self._problem

    def commit(self, batch: Sequence[Work]) -> None:
        """Stores what it can; drops the session of what it cannot."""
        for work in batch:
            self._held.setdefault(work.session, []).append(work)
        self._full, self._busy, self._problem = False, False, ""
        patience = time.monotonic() + _DELIVERING_S
        runs = [works for works in self._take_runs() if self._delivered(works, patience)]
        if not runs:
            return
        try:
            outcomes = self._bus.commit([self._run(works) for works in runs])
        except BusError as error:
            # Nobody knows what was stored: the sessions are opened anew at what is.
            log.warning("stage=%s commit: %s", self._stage.name, error)
            metrics.BUS_ERRORS.labels(self._stage.name).inc()
            for works in runs:
                works[0].session.drop()
            return
        for works, outcome in zip(runs, outcomes, strict=True):
            self._settle(works, outcome)

    def _take_runs(self) -> list[list[Work]]:
        """Of each camera what ends with a snapshot; the rest stays until its own snapshot comes."""
        runs = []
        for session, works in list(self._held.items()):
            end = max((at for at, work in enumerate(works, start=1) if work.closes), default=0)
            if end and session.alive:
                runs.append(works[:end])
            if session.alive and works[end:]:
                self._held[session] = works[end:]
            else:
                del self._held[session]
        return runs

    def _delivered(self, works: list[Work], patience: float) -> bool:
        """Whether a sink has stored a run; if not, or if another has failed and it is late, it is held."""
        if self._stage.deliver is None:
            return True
        session, name = works[0].session, self._stage.name
        if self._problem and time.monotonic() > patience:
            self._held[session] = works + self._held.get(session, [])
            return False
        usable = [work for work in works if work.problem is None and work.finding is not None]
        try:
            self._stage.deliver(session.camera, [(work.entry_id, work.finding) for work in usable])
        except StillBusy:
            self._busy = True
            self._held[session] = works + self._held.get(session, [])
            return False
        except TryLater as error:
            self._problem = str(error)
            metrics.DELIVERIES_FAILED.labels(name).inc()
            if self._deliveries.due(self._problem):
                log.warning("stage=%s camera=%s waits: %s", name, session.camera, error)
            self._held[session] = works + self._held.get(session, [])
            return False
        return True

    def _run(self, works: Sequence[Work]) -> Run:
        session, last = works[0].session, works[-1]
        return Run(
            stage=self._stage.name,
            camera=session.camera,
            token=session.token,
            previous=session.cursor,
            last=last.entry_id,
            reads=self._stage.reads,
            inputs=[work.entry_id for work in works],
            writes=self._stage.writes,
            outputs=[(work.entry_id, work.output) for work in works if work.output is not None],
            dead=[work.dead_letter(self._stage.reads) for work in works if work.problem is not None],
            snapshot=last.snapshot,
            generation=last.generation or session.generation,
            settings=self._stage.settings,
            floor=self._floor(session, works),
        )

    def _floor(self, session: Session, works: Sequence[Work]) -> str:
        """The first entry that a takeover would have to replay; "" where a snapshot serves."""
        if not self._stage.history_s:
            return ""
        moments = _moments(works)
        newest = moments[-1] if moments else session.recent[-1] if session.recent else None
        if newest is None:
            return ""
        needed = (m for m in chain(session.recent, moments) if m.needed_at(newest, self._stage.history_s))
        return next(needed).entry_id

    def _settle(self, works: list[Work], outcome: Outcome) -> None:
        session = works[0].session
        if outcome in (Outcome.DONE, Outcome.DUPLICATE):
            self._stored(session, works)
        elif outcome is Outcome.FULL:
            self._held[session] = works + self._held.get(session, [])
            self._full = True
        elif outcome is Outcome.AHEAD:
            raise RuntimeError(
                f"camera={session.camera}: stream {self._stage.writes} is ahead of the state of "
                f"{self._stage.name}: somebody removed that: start with --fresh"
            )
        else:
            log.info("camera=%s stage=%s commit refused: %s", session.camera, self._stage.name, outcome.value)
            metrics.REFUSED.labels(self._stage.name, outcome.value).inc()
            session.drop()

    def _stored(self, session: Session, works: Sequence[Work]) -> None:
        session.cursor = works[-1].entry_id
        session.generation = works[-1].generation or session.generation
        if self._stage.history_s:
            recent = session.recent
            recent.extend(_moments(works))
            while recent and not recent[0].needed_at(recent[-1], self._stage.history_s):
                recent.popleft()
        session.finished(len(works))
        self._measure(session, works)

    def _measure(self, session: Session, works: Sequence[Work]) -> None:
        name, camera, now = self._stage.name, session.camera, time.time()
        metrics.COMMITTED.labels(name, camera).inc(len(works))
        latency, since_capture = metrics.LATENCY.labels(name), metrics.SINCE_CAPTURE.labels(name)
        for work in works:
            latency.observe(now - work.read_at)
            if work.message is not None and not work.is_mark:
                # A recording's captured_at is its own clock; ingest's stamp says when it came to us.
                trail = work.message.trail
                entered_at = trail[0].read_at if trail else work.message.captured_at
                session.delay_s = max(0.0, now - entered_at)
                since_capture.observe(session.delay_s)
            if work.problem is not None:
                metrics.DEAD.labels(name, camera, work.problem.kind).inc()
                if self._dead_letters.due(camera):
                    log.warning("camera=%s entry=%s dead letter: %s", camera, work.entry_id, work.problem)
        if self._stage.measure is not None:
            results = [work.finding for work in works if work.problem is None and work.finding is not None]
            self._stage.measure(camera, [result for result in results if not isinstance(result, Mark)])


def _moments(works: Sequence[Work]) -> list[Moment]:
    return [moment for work in works if (moment := work.moment) is not None]
