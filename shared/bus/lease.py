"""Who owns which camera: one lease for each camera and stage, spread evenly over the living workers.

The lease is the assignment. A worker takes free cameras up to its fair share and gives the surplus back,
so that cameras move when workers come and go, without a coordinator. Time is the server's alone.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared import metrics
from shared.bus import streams
from shared.bus.connection import Bus, BusError

LEASE_S = 4.0
_BEATS_A_LEASE = 8
HEARTBEAT_S = LEASE_S / _BEATS_A_LEASE


@dataclass(frozen=True)
class Changes:
    """Cameras won (with the lease's token) and lost since the last poll."""

    gained: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


class Ownership:
    """Keeps this worker's leases alive and its share fair; call `poll` every `HEARTBEAT_S`.

    Args:
        stage: the role that the leases are for.
        worker: this process's name; every token begins with it.
        cameras: all cameras of the site.
        lease_s: how long a lease outlives its owner's last poll.
    """

    def __init__(
        self, bus: Bus, stage: str, worker: str, cameras: Sequence[str], lease_s: float = LEASE_S
    ) -> None:
        self._bus = bus
        self._stage = stage
        self._worker = worker
        # Every worker tries the cameras in its own order, or all would race for the same one.
        self._cameras = random.Random(worker).sample(list(cameras), len(cameras))
        self._lease_ms = int(lease_s * 1000)
        self._tokens: dict[str, str] = {}
        # What `poll` still has to tell: a poll that fails halfway has won and lost cameras, too.
        self._gained: dict[str, str] = {}
        self._lost: set[str] = set()
        self._beats = 0
        metrics.SITE_CAMERAS.labels(stage).set(len(self._cameras))
        metrics.show_stage(stage)

    @property
    def owned(self) -> set[str]:
        """Cameras whose lease this worker holds, as far as it knows."""
        return set(self._tokens)

    @property
    def heartbeat_s(self) -> float:
        """How often to call `poll`."""
        return self._lease_ms / 1000 / _BEATS_A_LEASE

    def poll(self) -> Changes:
        """Beats once: renews, takes free cameras up to the fair share, gives the surplus back.

        Raises:
            BusError: nothing is known of the leases until the next poll that succeeds, which then tells what
                changed since the last one that did.
        """
        members = self._beat()
        lost = self._renew()
        self._lost |= lost
        share = math.ceil(len(self._cameras) / max(members, 1))
        for camera in sorted(self._tokens)[share:]:
            lost.add(camera)
            self._lost.add(camera)
            self.release(camera)
        for camera in self._cameras:
            if len(self._tokens) >= share:
                break
            if camera not in self._tokens and camera not in lost:
                token = f"{self._worker}:{uuid.uuid4().hex}"
                if self._bus.acquire(streams.lease_key(self._stage, camera), token, self._lease_ms):
                    self._tokens[camera] = self._gained[camera] = token
                    self._count("gained")
        metrics.OWNED.labels(self._stage).set(len(self._tokens))
        changes = Changes(self._gained, self._lost)
        self._gained, self._lost = {}, set()
        return changes

    def forget(self, camera: str) -> None:
        """Drops a lease that turned out to be somebody else's."""
        self._tokens.pop(camera, None)
        self._gained.pop(camera, None)

    def release(self, camera: str) -> None:
        """Gives a camera back at once instead of letting its lease run out."""
        token = self._tokens.get(camera)
        self.forget(camera)
        if token is not None:
            self._count("released")
            self._bus.release(streams.lease_key(self._stage, camera), token)

    def release_all(self) -> None:
        """Leaves: every lease and the membership are given back."""
        for camera in list(self._tokens):
            self.release(camera)
        self._bus.leave(self._stage, self._worker)
        metrics.OWNED.labels(self._stage).set(0)

    def _beat(self) -> int:
        """Tells the server that this worker lives, and looks at its clock and memory on the way."""
        before = time.time()
        members, server_time = self._bus.beat(self._stage, self._worker, 6 * self.heartbeat_s)
        metrics.CLOCK_SKEW.labels(self._stage).set((before + time.time()) / 2 - server_time)
        if self._beats % _BEATS_A_LEASE == 0:
            self._look_at_server()
        self._beats += 1
        return members

    def _look_at_server(self) -> None:
        # Not every server tells: managed ones may refuse INFO.
        with contextlib.suppress(BusError):
            used, limit = self._bus.memory()
            metrics.BUS_MEMORY.set(used)
            metrics.BUS_MEMORY_LIMIT.set(limit)

    def _count(self, change: str) -> None:
        metrics.LEASE_CHANGES.labels(self._stage, change).inc()

    def _renew(self) -> set[str]:
        held = {streams.lease_key(self._stage, camera): token for camera, token in self._tokens.items()}
        kept = self._bus.renew(held, self._lease_ms)
        lost = {camera for camera in self._tokens if streams.lease_key(self._stage, camera) not in kept}
        for camera in lost:
            self.forget(camera)
            self._count("lost")
        return lost
