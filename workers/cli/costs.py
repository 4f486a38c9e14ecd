"""How many cores a fleet on this machine uses, by role."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict

import psutil

from workers.cli.supervisor import Supervisor

# The command itself, which renders the table, and the embedded server.
COMMAND, SERVER = "command", "server"


class Costs:
    """CPU time of the workers, of the embedded server and of this process, since `begin`."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._used: dict[int, float] = {}
        self._role: dict[int, str] = {}
        self._before: dict[int, float] = {}
        self._began: float | None = None
        self._now = 0.0

    @property
    def begun(self) -> bool:
        """Whether time is counted already."""
        return self._began is not None

    def begin(self) -> None:
        """Count from here on: loading the nets is no part of what running costs."""
        self.update()
        self._began, self._before = self._now, dict(self._used)

    def update(self) -> None:
        """Look again; a process that has died since counts for what it had used when last looked at."""
        roles = {pid: role for role, pids in self._supervisor.processes().items() for pid in pids}
        own = psutil.Process()
        for process in (own, *own.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                spent = process.cpu_times()
                self._used[process.pid] = spent.user + spent.system
                self._role[process.pid] = COMMAND if process == own else roles.get(process.pid, SERVER)
        self._now = time.monotonic()

    def cores(self) -> dict[str, float]:
        """Cores in use on average since `begin`, by role; empty before it."""
        if self._began is None or self._now <= self._began:
            return {}
        sums: defaultdict[str, float] = defaultdict(float)
        for pid, used in self._used.items():
            sums[self._role[pid]] += used - self._before.get(pid, 0.0)
        return {role: spent / (self._now - self._began) for role, spent in sums.items()}
