"""The loop's threads: read -> prepare -> look -> advance -> judge -> commit, overlapping, in order.

The reading thread alone opens and drops cameras and talks to the leases; the committing thread alone
writes. Between them bounded queues: each camera has at most `_IN_FLIGHT` records under way.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared import metrics
from shared.bus import Bus, BusError, BusRefusedError, Ownership
from shared.bus.lease import HEARTBEAT_S
from shared.loop.committer import Committer
from shared.loop.session import Session, Work
from shared.loop.steps import Steps
from shared.stage import Stage

log = logging.getLogger(__name__)

_IN_FLIGHT = 32
_READ_COUNT = 8
_IDLE_BLOCK_MS = 200
_BUSY_BLOCK_MS = 10
_FULL_RETRY_S = 0.02
_PREPARE_THREADS = 2
_HUNG_AFTER_S = 60.0


class StageFailedError(RuntimeError):
    """A step raised what is no BadInput, or hangs: the worker must be restarted."""


class Loop:
    """Runs a stage over the cameras of a site until told to stop.

    Args:
        cameras: all cameras; which of them this worker owns is the leases' business.
        worker: this process's name, unique in the fleet.
    """

    def __init__(
        self, stage: Stage[Any, Any, Any, Any], bus: Bus, cameras: Sequence[str], worker: str
    ) -> None:
        self._stage = stage
        self._bus = bus
        self._worker = worker
        self._ownership = Ownership(bus, stage.name, worker, cameras)
        self._steps = Steps(stage)
        self._committer = Committer(stage, bus)
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[str, str] = {}
        self._queues = {
            name: queue.SimpleQueue[Work | None]() for name in ("look", "advance", "judge", "commit")
        }
        self._busy_since: dict[str, float] = {}
        self._failure: BaseException | None = None
        self._pool = ThreadPoolExecutor(_PREPARE_THREADS, thread_name_prefix=f"{stage.name}-prepare")

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, then gives every camera back.

        Raises:
            StageFailedError: the stage is broken; nothing of what failed was committed.
            BusRefusedError: the server will not have us.
        """
        threads = [
            threading.Thread(target=work, name=f"{self._stage.name}-{name}", daemon=True)
            for name, work in self._workers().items()
        ]
        for thread in threads:
            thread.start()
        try:
            self._read_until(stop)
        finally:
            for session in self._sessions.values():
                session.drop()
            self._queues["look"].put(None)
            self._pool.shutdown(wait=False, cancel_futures=True)
            try:
                self._ownership.release_all()
            except BusError as error:
                log.info("stage=%s leases run out by themselves: %s", self._stage.name, error)
        if self._failure is not None:
            raise StageFailedError(f"{self._stage.name}: {self._failure}") from self._failure
        for thread in threads:
            thread.join(1.0)

    def _workers(self) -> dict[str, Callable[[], None]]:
        stage = self._stage

        def step(
            name: str, following: str, work: Callable[[Sequence[Work]], None], wait_ms: float
        ) -> Callable[[], None]:
            return lambda: self._guarded(name, lambda: self._step(name, following, work, wait_ms))

        return {
            "look": step("look", "advance", self._steps.look, stage.max_wait_ms if stage.looks else 0.0),
            "advance": step("advance", "judge", self._steps.advance, 0.0),
            "judge": step("judge", "commit", self._steps.judge, 0.0 if stage.looks else stage.max_wait_ms),
            "commit": lambda: self._guarded("commit", self._commit_until_closed),
        }

    # --- the reading thread ---------------------------------------------------------------------------------

    def _read_until(self, stop: threading.Event) -> None:
        next_beat = 0.0
        while not stop.is_set() and self._failure is None:
            try:
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + HEARTBEAT_S
                    self._beat()
                self._open_dropped()
                if not self._read():
                    # Nothing may be read at the moment: everybody is at the bound, or nobody is ours.
                    stop.wait(0.002 if self._sessions else 0.05)
            except BusRefusedError:
                raise
            except BusError as error:
                log.warning("stage=%s %s", self._stage.name, error)
                metrics.BUS_ERRORS.labels(self._stage.name).inc()
                # A reply may be lost that carried entries; the group counts them as ours, we never saw them.
                for session in self._sessions.values():
                    session.drop()
                stop.wait(random.uniform(0.05, 0.3))
            self._watch()

    def _beat(self) -> None:
        changes = self._ownership.poll()
        for camera in changes.lost:
            self._tokens.pop(camera, None)
            if session := self._sessions.pop(camera, None):
                session.drop()
            log.info("camera=%s stage=%s given up", camera, self._stage.name)
        self._tokens.update(changes.gained)
        metrics.OWNED.labels(self._stage.name).set(len(self._tokens))

    def _open_dropped(self) -> None:
        for camera, token in list(self._tokens.items()):
            session = self._sessions.get(camera)
            if session is None or not session.alive:
                opened = self._open(camera, token)
                if opened is None:
                    self._ownership.forget(camera)
                    self._sessions.pop(camera, None)
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
        session = Session(
            camera=camera,
            token=token,
            cursor=stored.cursor,
            generation=stored.generation,
            state=None,
            state_generation="",
        )
        if same and stored.snapshot is not None and stage.load is not None:
            session.state, session.state_generation = stage.load(stored.snapshot), stored.generation
        elif same and stage.history_s and stored.cursor != stored.floor:
            self._steps.replay(session, self._bus.history(stage.reads, camera, stored.floor, stored.cursor))
        metrics.OPENED.labels(stage.name, camera).inc()
        log.info("camera=%s stage=%s opened at %s", camera, stage.name, stored.cursor)
        return session

    def _read(self) -> bool:
        free = [c for c, s in self._sessions.items() if s.alive and s.in_flight <= _IN_FLIGHT - _READ_COUNT]
        if not free:
            return False
        stage = self._stage
        # While work is under way a camera may become free (or fall) at any moment: look again soon.
        idle = all(session.in_flight == 0 for session in self._sessions.values())
        block_ms = _IDLE_BLOCK_MS if idle else _BUSY_BLOCK_MS
        found = self._bus.read(stage.name, self._worker, stage.reads, free, _READ_COUNT, block_ms)
        now = time.time()
        for camera, entries in found.items():
            session = self._sessions[camera]
            session.started(len(entries))
            metrics.READ.labels(stage.name, camera).inc(len(entries))
            for entry_id, payload in entries:
                prepared = self._pool.submit(self._steps.prepare, camera, payload)
                self._queues["look"].put(Work(session, entry_id, payload, now, prepared))
        return True

    def _watch(self) -> None:
        now = time.monotonic()
        for name, since in list(self._busy_since.items()):
            if now - since > _HUNG_AFTER_S:
                self._failure = TimeoutError(f"{name} hangs for {now - since:.0f} s")

    # --- the working threads --------------------------------------------------------------------------------

    def _step(
        self, name: str, following: str, work: Callable[[Sequence[Work]], None], wait_ms: float
    ) -> None:
        while True:
            batch, open_ = self._gather(self._queues[name], wait_ms / 1000)
            batch = [item for item in batch if item.session.alive]
            if batch:
                self._busy_since[name] = time.monotonic()
                work(batch)
                self._busy_since.pop(name, None)
            for item in batch:
                self._queues[following].put(item)
            if not open_:
                self._queues[following].put(None)
                return

    def _gather(self, source: queue.SimpleQueue[Work | None], wait_s: float) -> tuple[list[Work], bool]:
        """Whatever is there, up to a batch; waits for the first, then at most `wait_s` for more."""
        batch: list[Work] = []
        deadline = None
        while len(batch) < self._stage.max_batch:
            try:
                if deadline is None:
                    work = source.get()
                else:
                    work = source.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if work is None:
                return batch, False
            batch.append(work)
            if deadline is None:
                deadline = time.monotonic() + wait_s
        return batch, True

    def _commit_until_closed(self) -> None:
        source = self._queues["commit"]
        open_ = True
        while open_:
            batch: list[Work] = []
            try:
                work = source.get(timeout=_FULL_RETRY_S if self._committer.waiting else None)
                while work is not None:
                    batch.append(work)
                    work = source.get_nowait()
                open_ = False
            except queue.Empty:
                pass
            self._committer.commit(batch)

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            log.exception("stage=%s step=%s failed", self._stage.name, name)
            self._failure = error
