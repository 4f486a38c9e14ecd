"""The ingest worker: owns cameras by lease and runs each in threads of its own."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Mapping

from shared import metrics as shared_metrics
from shared.bus import Bus, BusError, BusRefusedError, Ownership
from shared.bus.lease import HEARTBEAT_S
from shared.health import Pulse
from shared.rules import Rules
from workers.ingest import metrics
from workers.ingest.camera import Camera
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.ring import RingPlan
from workers.ingest.rules import SiteRules
from workers.ingest.sources import check_file

log = logging.getLogger(__name__)

# All cameras together; what takes longer (a hung driver, a time-out of the network) is left behind.
_STOP_S = 0.6


def run(
    config: IngestConfig,
    cameras: Mapping[str, CameraOptions],
    bus: Bus,
    stop: threading.Event,
    worker_name: str,
    again: bool = True,
    pulse: Pulse | None = None,
    rules: Mapping[str, Rules] | None = None,
    ring: RingPlan | None = None,
) -> None:
    """Publishes the cameras that this worker owns until `stop` is set; then ends within a second.

    Args:
        config: bounds and timeouts.
        cameras: every camera of the site by its id; the worker takes its fair share.
        bus: the server.
        stop: ends the worker.
        worker_name: begins every lease token.
        again: somebody starts the site: files are checked, and those that had ended before now are played
            again as a new generation. False for a worker that is restarted within a running site.
        pulse: this role's signs of life, for /healthz and /readyz.
        rules: the site file's, of each camera that has any.
        ring: whose pictures are kept on this host's disk; absent: nobody's.

    Raises:
        ConfigError: a file source that cannot be played (only with `again`).
        BusRefusedError: the server will not have us.
    """
    if again:
        for name, options in cameras.items():
            check_file(name, options, config)
    site_rules = SiteRules(bus, {name: (rules or {}).get(name, Rules()) for name in cameras}, publish=again)
    if ring is not None:
        ring.remove_strangers()
    fleet = _Fleet(config, cameras, bus, worker_name, time.time() if again else 0.0, site_rules, ring)
    pulse = pulse or Pulse("ingest")
    try:
        while not stop.is_set():
            pulse.turn(fleet.step())
            stop.wait(HEARTBEAT_S)
    finally:
        fleet.close()


class _Fleet:
    """The cameras that run here, and what is remembered of those that ran."""

    def __init__(
        self,
        config: IngestConfig,
        cameras: Mapping[str, CameraOptions],
        bus: Bus,
        worker_name: str,
        replay_before: float,
        rules: SiteRules,
        ring: RingPlan | None,
    ) -> None:
        self._rules = rules
        self._ring = ring
        self._config = config
        self._cameras = cameras
        self._bus = bus
        self._replay_before = replay_before
        self._ownership = Ownership(bus, "ingest", worker_name, list(cameras))
        self._running: dict[str, Camera] = {}
        # The last tenure of each camera, for what it remembers.
        self._former: dict[str, Camera] = {}
        self._reachable = True

    def step(self) -> str:
        """One heartbeat: leases, then cameras follow them; returns what keeps us from working, or ""."""
        self._bury()
        try:
            rules = self._rules.now()
            changes = self._ownership.poll()
        except BusRefusedError:
            raise
        except BusError as error:
            if self._reachable:
                log.warning("no contact: %s", error)
            self._reachable = False
            return str(error)
        self._reachable = True
        for name, camera in self._running.items():
            camera.rules = rules[name]
        for name in changes.lost:
            self._end(name)
            self._mind_lost_state(name)
        for name, token in changes.gained.items():
            self._end(name)
            metrics.show_camera(name)
            shared_metrics.show_camera("ingest", name)
            self._running[name] = Camera(
                name,
                self._cameras[name],
                self._config,
                self._bus,
                token,
                self._former[name].remembered if name in self._former else None,
                self._replay_before,
                rules[name],
                None if self._ring is None else self._ring.open(name, self._cameras[name].live),
            )
        self._measure()
        return ""

    def _bury(self) -> None:
        """Ends the cameras whose thread has ended."""
        for name, camera in list(self._running.items()):
            if not camera.alive:
                self._end(name)
                if camera.fenced:
                    self._ownership.forget(name)
                    self._mind_lost_state(name)
                elif camera.failed:
                    with contextlib.suppress(BusError):
                        self._ownership.release(name)

    def _mind_lost_state(self, name: str) -> None:
        """A server that forgets all forgets leases, too; who gets the camera next cannot know what was."""
        remembered = self._former[name].remembered if name in self._former else None
        if remembered is None:
            return
        with contextlib.suppress(BusError):
            stored = self._bus.counters("ingest", name).get("generation")
            if stored is None or (self._cameras[name].live and stored != remembered.generation):
                metrics.STATE_LOST.labels(name).inc()
                log.error("camera=%s alarm: stored state has vanished while it changed hands", name)

    def _measure(self) -> None:
        """Here and not where they arise, so that nothing of a camera is shown after it was given up."""
        for name, camera in self._running.items():
            if camera.ended:
                metrics.forget_camera(name)
                continue
            options = self._cameras[name]
            metrics.INFO.labels(name, options.kind, str(options.live).lower()).set(1)
            metrics.UP.labels(name).set(camera.up)
            metrics.FROZEN.labels(name).set(camera.frozen)
            if camera.last_frame_at is not None:
                metrics.LAST_FRAME.labels(name).set(camera.last_frame_at)
        with contextlib.suppress(BusError):
            metrics.DROPPED.show(self._bus.drops(list(self._running)))

    def close(self) -> None:
        """Ends all cameras side by side and gives the leases back."""
        for name, camera in self._running.items():
            camera.stop()
            metrics.forget_camera(name)
        deadline_s = time.monotonic() + _STOP_S
        for camera in self._running.values():
            camera.join(max(0.0, deadline_s - time.monotonic()))
        with contextlib.suppress(BusError):
            self._ownership.release_all()

    def _end(self, name: str) -> None:
        """Does not wait: without the lease a camera cannot publish, and others must get their heartbeat."""
        camera = self._running.pop(name, None)
        if camera is not None:
            camera.stop()
            metrics.forget_camera(name)
            self._former[name] = camera
