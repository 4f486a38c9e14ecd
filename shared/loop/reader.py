"""Beats for the leases, opens cameras at what is stored, takes new records. Not shared between threads."""

from __future__ import annotations

import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from shared import metrics
from shared.bus import Bus, BusError, BusRefusedError, Ownership
from shared.bus.streams import START
from shared.health import Pulse
from shared.loop.session import Session, Work
from shared.loop.steps import Steps
from shared.messages import Message
from shared.stage import Stage

log = logging.getLogger(__name__)

_IN_FLIGHT = 32
_READ_COUNT = 8
# What waits in memory cannot be dropped any more: a live camera's frames wait in their stream instead.
_LIVE_IN_FLIGHT = 3
_LIVE_READ_COUNT = 1
_IDLE_BLOCK_MS = 200
_BUSY_BLOCK_MS = 20
# With everybody at the bound there is work for a second: no hurry to look again.
_BOUND_REST_S = 0.01
_UNOWNED_REST_S = 0.05


class StageFailedError(RuntimeError):
    """A step raised what is no BadInput, or hangs: the worker must be restarted."""


class Reader:
    """The cameras that this worker owns, each with its session.

    Args:
        prepare: starts a record's preparation, (camera, payload) -> its message and item.
        lease_s: how long a camera waits for another worker after this one has died.
        pulse: this role's signs of life.
        clock: seconds, never backwards.
    """

    def __init__(
        self,
        stage: Stage[Any, Any, Any, Any],
        bus: Bus,
        cameras: Sequence[str],
        worker: str,
        prepare: Callable[[str, bytes], Future[tuple[Message, Any]]],
        lease_s: float,
        pulse: Pulse,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage = stage
        self._bus = bus
        self._worker = worker
        self._prepare = prepare
        self._replay = Steps(stage).replay
        self._ownership = Ownership(bus, stage.name, worker, cameras, lease_s)
        self._clock = clock
        self._next_beat = clock()
        self._trouble = ""
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[str, str] = {}
        self._pulse = pulse

    def turn(self) -> tuple[list[Work], float]:
        """One round: beats if it is time, opens what has to be opened, reads once.

        Returns:
            What was read, in order, and how long to rest before the next turn, seconds.

        Raises:
            BusRefusedError: the server will not have us.
            StageFailedError: a stored state cannot be read.
        """
        try:
            beats = self._clock() >= self._next_beat
            if beats:
                self._next_beat = self._clock() + self._ownership.heartbeat_s
                self._beat()
            self._open_dropped()
            works = self._read()
        except BusRefusedError:
            raise
        except BusError as error:
            return [], self._after_trouble(error)
        if beats or works is not None:
            self._after_contact()
        self._pulse.turn(self._trouble)
        if works is not None:
            return works, 0.0
        # Nothing may be read at the moment: everybody is at the bound, or nobody is ours.
        return [], _BOUND_REST_S if self._sessions else _UNOWNED_REST_S

    def close(self) -> None:
        """Drops all sessions and gives every camera back."""
        for camera, session in self._sessions.items():
            session.drop()
            metrics.forget_camera(self._stage.name, camera)
        try:
            self._ownership.release_all()
        except BusError as error:
            log.info("stage=%s leases run out by themselves: %s", self._stage.name, error)

    def _after_contact(self) -> None:
        if self._trouble:
            log.warning("stage=%s the server answers again", self._stage.name)
            self._trouble = ""

    def _after_trouble(self, error: BusError) -> float:
        # The first of many: an outage is one event, however often we try.
        log.log(logging.DEBUG if self._trouble else logging.WARNING, "stage=%s %s", self._stage.name, error)
        self._trouble = str(error)
        self._pulse.turn(self._trouble)
        metrics.BUS_ERRORS.labels(self._stage.name).inc()
        # A reply may be lost that carried entries; the group counts them as ours, we never saw them.
        for session in self._sessions.values():
            session.drop()
        return random.uniform(0.05, 0.3)

    def _beat(self) -> None:
        changes = self._ownership.poll()
        for camera in changes.lost:
            self._tokens.pop(camera, None)
            if session := self._sessions.pop(camera, None):
                session.drop()
            metrics.forget_camera(self._stage.name, camera)
            log.info("camera=%s stage=%s given up", camera, self._stage.name)
        self._tokens.update(changes.gained)
        self._compare_idle()
        self._measure()

    def _measure(self) -> None:
        """Here and not where they arise, so that nothing of a camera is shown after it was given up."""
        name = self._stage.name
        for camera, session in self._sessions.items():
            if session.delay_s is not None:
                metrics.DELAY.labels(name, camera).set(session.delay_s)
        with contextlib.suppress(BusError):  # the next read will notice, too
            for camera, lag in self._bus.lags(name, self._stage.reads, list(self._sessions)).items():
                metrics.LAG.labels(name, camera).set(lag)

    def _compare_idle(self) -> None:
        """A server that went back in time says so at the next commit; who has nothing to commit must ask."""
        idle = {c: s.cursor for c, s in self._sessions.items() if s.alive and s.in_flight == 0}
        for camera, stored in self._bus.cursors(self._stage.name, list(idle)).items():
            if stored != idle[camera]:
                log.warning("camera=%s stage=%s the server went back", camera, self._stage.name)
                self._sessions[camera].drop()

    def _open_dropped(self) -> None:
        for camera, token in list(self._tokens.items()):
            session = self._sessions.get(camera)
            if session is None or not session.alive:
                opened = self._open(camera, token)
                if opened is None:
                    self._ownership.forget(camera)
                    self._sessions.pop(camera, None)
                    metrics.forget_camera(self._stage.name, camera)
                    del self._tokens[camera]
                else:
                    self._sessions[camera] = opened

    def _open(self, camera: str, token: str) -> Session | None:
        stage = self._stage
        stored = self._bus.open(stage.name, camera, token, stage.reads)
        if stored is None:
            return None
        same = stored.settings == stage.settings
        if not same and stored.settings:
            log.info("camera=%s stage=%s settings changed: starts from its initial state", camera, stage.name)
            metrics.DISCARDED.labels(stage.name).inc()
        session = Session(
            camera=camera,
            token=token,
            cursor=stored.cursor,
            generation=stored.generation,
            state=None,
            state_generation="",
        )
        if same and stored.snapshot is not None and stage.load is not None:
            try:
                session.state = stage.load(stored.snapshot)
            except Exception as error:
                problem = f"its stored state cannot be read ({error}): start with --fresh"
                raise StageFailedError(f"{stage.name}: camera={camera}: {problem}") from error
            session.state_generation = stored.generation
        elif same and stage.history_s and stored.cursor != START:
            self._replay(session, self._bus.history(stage.reads, camera, stored.floor, stored.cursor))
        metrics.OPENED.labels(stage.name, camera).inc()
        metrics.show_camera(stage.name, camera)
        log.info("camera=%s stage=%s opened at %s", camera, stage.name, stored.cursor)
        return session

    def _has_room(self, session: Session) -> bool:
        if self._bus.is_live(session.camera):
            return session.alive and session.in_flight <= _LIVE_IN_FLIGHT - _LIVE_READ_COUNT
        return session.alive and session.in_flight <= _IN_FLIGHT - _READ_COUNT

    def _read(self) -> list[Work] | None:
        """What is new; None if no camera may be read at the moment."""
        free = [camera for camera, session in self._sessions.items() if self._has_room(session)]
        if not free:
            return None
        count = _LIVE_READ_COUNT if any(map(self._bus.is_live, free)) else _READ_COUNT
        stage = self._stage
        # While work is under way a camera may become free (or fall) at any moment: look again soon.
        idle = all(session.in_flight == 0 for session in self._sessions.values())
        block_ms = _IDLE_BLOCK_MS if idle else _BUSY_BLOCK_MS
        found = self._bus.read(stage.name, self._worker, stage.reads, free, count, block_ms)
        now = time.time()
        works = []
        for camera, entries in found.items():
            session = self._sessions[camera]
            session.started(len(entries))
            metrics.READ.labels(stage.name, camera).inc(len(entries))
            works += [
                Work(session, entry_id, payload, now, self._prepare(camera, payload))
                for entry_id, payload in entries
            ]
        return works
