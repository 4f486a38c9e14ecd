"""The loop's threads: read -> prepare -> look -> advance -> judge -> commit, overlapping, in order.

The reading thread alone opens and drops cameras and talks to the leases; the committing thread alone
writes. Each camera has a bounded number of records under way, so the queues between them are bounded.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.bus import Bus
from shared.bus.lease import LEASE_S
from shared.health import Pulse
from shared.loop.committer import Committer
from shared.loop.reader import Reader, StageFailedError
from shared.loop.session import Work
from shared.loop.steps import Steps
from shared.stage import Stage

log = logging.getLogger(__name__)

_PREPARE_THREADS = 2
_HUNG_AFTER_S = 60.0
_STOP_S = 1.0


class Loop:
    """Runs a stage over the cameras of a site until told to stop.

    Args:
        cameras: all cameras; which of them this worker owns is the leases' business.
        worker: this process's name, unique in the fleet.
        lease_s: how long a camera waits for another worker after this one has died.
        hung_after_s: a step that takes longer than this is taken for dead.
        pulse: this role's signs of life, for /healthz and /readyz.
    """

    def __init__(
        self,
        stage: Stage[Any, Any, Any, Any],
        bus: Bus,
        cameras: Sequence[str],
        worker: str,
        *,
        lease_s: float = LEASE_S,
        hung_after_s: float = _HUNG_AFTER_S,
        pulse: Pulse | None = None,
    ) -> None:
        self._stage = stage
        self._hung_after_s = hung_after_s
        self._pulse = pulse or Pulse(stage.name)
        self._steps = Steps(stage)
        self._pool = ThreadPoolExecutor(_PREPARE_THREADS, thread_name_prefix=f"{stage.name}-prepare")
        self._reader = Reader(
            stage,
            bus,
            cameras,
            worker,
            lambda camera, payload: self._pool.submit(self._steps.prepare, camera, payload),
            lease_s,
            self._pulse,
        )
        self._committer = Committer(stage, bus)
        self._queues = {
            name: queue.SimpleQueue[Work | None]() for name in ("look", "advance", "judge", "commit")
        }
        self._busy_since: dict[str, float] = {}
        self._failure: BaseException | None = None

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, then gives every camera back.

        Raises:
            StageFailedError: the stage is broken: it hangs, fails on what it could do, or fails on several
                records before its first success.
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
            self._close(threads)
        if self._failure is not None:
            failure = f"{type(self._failure).__name__}: {self._failure}"
            raise StageFailedError(f"{self._stage.name}: {failure}") from self._failure

    def _close(self, threads: Sequence[threading.Thread]) -> None:
        # To each of them, because one that has failed passes nothing on.
        for waiting in self._queues.values():
            waiting.put(None)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._reader.close()
        deadline = time.monotonic() + _STOP_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._stage.close is not None:
            self._stage.close()

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
        while not stop.is_set() and self._failure is None:
            works, rest_s = self._reader.turn()
            if self._committer.problem:
                self._pulse.turn(self._committer.problem)
            for work in works:
                self._queues["look"].put(work)
            self._watch()
            stop.wait(rest_s)

    def _watch(self) -> None:
        now = time.monotonic()
        for name, since in list(self._busy_since.items()):
            if now - since > self._hung_after_s:
                self._failure = TimeoutError(f"{name} hangs for {now - since:.0f} s")

    # --- the working threads --------------------------------------------------------------------------------

    def _step(
        self, name: str, following: str, work: Callable[[Sequence[Work]], None], wait_ms: float
    ) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather(self._queues[name], wait_ms / 1000)
            batch = [item for item in batch if item.session.alive]
            if batch:
                self._busy_since[name] = time.monotonic()
                work(batch)
                self._busy_since.pop(name, None)
            for item in batch:
                self._queues[following].put(item)

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
                work = source.get(timeout=self._committer.retry_s)
                while work is not None:
                    batch.append(work)
                    work = source.get_nowait()
                open_ = False
            except queue.Empty:
                pass
            self._busy_since["commit"] = time.monotonic()
            self._committer.commit(batch)
            self._busy_since.pop("commit", None)

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            log.exception("stage=%s step=%s failed", self._stage.name, name)
            self._failure = error
