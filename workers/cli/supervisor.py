"""Starts the workers' processes, starts them again when they die, ends them all."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from shared.bus import Bus, BusError
from shared.config import ConfigError
from shared.machine import gpus
from shared.processes import end_with_parent
from workers.cli.site import ROLES, Site, stages_of

log = logging.getLogger(__name__)

_END_S = 1.2
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 10.0
_SETTLED_AFTER_S = 20.0
_EXIT_USAGE = 2
# Live cameras begin once their frames are wanted, or after this long: the first start of all brings the nets
# into the form that this machine runs.
_LOADING_S = 120.0
_WANTED_BY = ("pose", "classify")
_LOG_BYTES = 10 * 2**20


@dataclass
class _Worker:
    """One process and how its role has fared."""

    role: str
    number: int
    log_file: Path
    metrics_port: int
    process: subprocess.Popen[bytes] | None = None
    name: str = ""
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    restarts: int = 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """The processes of a site on this machine.

    Args:
        site_file: what the workers read.
        log_directory: one log file for each role.
    """

    site: Site
    site_file: Path
    log_directory: Path
    bus: Bus
    _workers: list[_Worker] = field(default_factory=list)

    @property
    def restarts(self) -> int:
        """How often a worker had to be started again."""
        return sum(worker.restarts for worker in self._workers)

    def processes(self) -> dict[str, list[int]]:
        """Process ids of the living workers, by role."""
        alive: dict[str, list[int]] = {}
        for worker in self._workers:
            if worker.process is not None and worker.alive:
                alive.setdefault(worker.role, []).append(worker.process.pid)
        return alive

    def targets(self) -> list[dict[str, object]]:
        """The workers' metrics in the form of Prometheus' file discovery."""
        host = self.site.metrics.host
        address = "127.0.0.1" if host == "0.0.0.0" else host
        return [
            {"targets": [f"{address}:{worker.metrics_port}"], "labels": {"role": worker.role}}
            for worker in self._workers
            if worker.metrics_port
        ]

    @contextlib.contextmanager
    def running(self) -> Iterator[Supervisor]:
        """Starts all workers; ends them when the context does."""
        self.log_directory.mkdir(parents=True, exist_ok=True)
        ports = itertools.count(self.site.metrics.port)
        try:
            for role in ROLES:
                for number in range(getattr(self.site.processes, role)):
                    port = next(ports) if self.site.metrics.port else 0
                    worker = _Worker(role, number, self.log_directory / f"{role}.log", port)
                    self._workers.append(worker)
                    if role == "ingest" and self._waits():
                        worker.start_again_at = time.monotonic() + _LOADING_S
                    else:
                        self._start(worker, again=True)
            yield self
        finally:
            self._end()

    def revive(self) -> None:
        """Starts what has died, after a pause that grows while it keeps dying.

        Raises:
            ConfigError: a worker says that it cannot start with this site.
        """
        now = time.monotonic()
        for worker in self._workers:
            if worker.process is None:
                if now >= worker.start_again_at or (not worker.name and self._wanted()):
                    self._start(worker, again=not worker.name)
            elif not worker.alive:
                self._bury(worker, now)

    def _waits(self) -> bool:
        """Whether frames would be lost that are captured before the nets are loaded here."""
        here = all(getattr(self.site.processes, role) for role in _WANTED_BY)
        return here and bool(self.site.live_cameras)

    def _wanted(self) -> bool:
        """Whether somebody takes every camera's frames."""
        with contextlib.suppress(BusError):
            return all(self.bus.owner(role, camera) for role in _WANTED_BY for camera in self.site.cameras)
        return False

    def _start(self, worker: _Worker, *, again: bool) -> None:
        worker.name = f"{socket.gethostname()}-{worker.role}-{uuid.uuid4().hex[:8]}"
        command = [sys.executable, "-m", "workers", "-v", "worker", worker.role]
        command += ["--site", os.fspath(self.site_file), "--name", worker.name]
        command += ["--set", f"metrics.port={worker.metrics_port}", "--again" if again else "--resume"]
        _set_aside_if_large(worker.log_file)
        with worker.log_file.open("ab") as output:
            worker.process = subprocess.Popen(
                command,
                env={**os.environ, **self._device_of(worker)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
            )
        worker.started_at = time.monotonic()

    def _device_of(self, worker: _Worker) -> dict[str, str]:
        """Spreads the processes of a role over the GPUs, unless the environment already says which to use."""
        count = gpus()
        if count < 2 or "CUDA_VISIBLE_DEVICES" in os.environ:
            return {}
        return {"CUDA_VISIBLE_DEVICES": str(worker.number % count)}

    def _bury(self, worker: _Worker, now: float) -> None:
        code = worker.process.returncode if worker.process is not None else 0
        last = _last_line(worker.log_file)
        if code == _EXIT_USAGE:
            raise ConfigError(last.removeprefix("nexara: "))
        lived_s = now - worker.started_at
        worker.pause_s = (
            _FIRST_PAUSE_S if lived_s > _SETTLED_AFTER_S else min(2 * worker.pause_s, _LONGEST_PAUSE_S)
        )
        worker.process, worker.start_again_at = None, now + worker.pause_s
        worker.restarts += 1
        how = f"signal {-code}" if code < 0 else f"exit code {code}: {last}"
        log.warning("%s died (%s): started again; log: %s", worker.role, how, worker.log_file)
        # Its leases would run out by themselves; freeing them saves the others those seconds.
        with contextlib.suppress(BusError):
            for stage in stages_of(worker.role):
                self.bus.release_worker(stage, worker.name, list(self.site.cameras))

    def _end(self) -> None:
        alive = [worker.process for worker in self._workers if worker.process is not None and worker.alive]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + _END_S
        for process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _set_aside_if_large(log_file: Path) -> None:
    """Keeps one older log; several processes of a role write to one file, whichever begins moves it."""
    with contextlib.suppress(OSError):
        if log_file.stat().st_size > _LOG_BYTES:
            log_file.replace(log_file.with_suffix(".old.log"))


def _last_line(log_file: Path) -> str:
    with contextlib.suppress(OSError, IndexError), log_file.open("rb") as file:
        file.seek(max(0, log_file.stat().st_size - 4096))
        return file.read().decode(errors="replace").strip().splitlines()[-1]
    return f"see {log_file}"
