"""How far the fleet has come, read from the bus."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from shared.bus import Bus
from shared.bus.streams import STAGES, START, WRITERS, frames_dropped, parse_id, stream_key
from shared.messages import Incident, Incidents, Mark, Message, MessageError, Verdict, Verdicts, decode

_RATE_OVER_S = 5.0
_LATENCIES_KEPT = 20_000
_INCIDENTS_KEPT = 20


def last_record(bus: Bus, camera: str, cursor: str) -> Literal["frame", "no frame", "end", ""]:
    """What pose's last record says of a camera's source: it bears the id that pose's cursor stands at."""
    for _entry_id, payload in bus.history("tracks", camera, cursor, cursor):
        with contextlib.suppress(MessageError):
            message = decode(payload)
            if isinstance(message, Mark):
                return "end" if message.final else "no frame"
            return "frame"
    return ""


@dataclass
class CameraProgress:
    """One camera's way through the fleet.

    Attributes:
        archived, noted, kept, shown, told: the cursors of archive and incidents, who read verdicts, and of
            history, evidence and alert, who read incidents.
        incidents: how many began; `last_incidents` are the last ones of them, by id.
    """

    camera: str
    frames: int = 0
    tracked: int = 0
    archived: str = "0-0"
    noted: str = "0-0"
    kept: str = "0-0"
    shown: str = "0-0"
    told: str = "0-0"
    source: str = ""
    behind: int = 0
    dropped: int = 0
    dead: int = 0
    results: Counter[str] = field(default_factory=Counter)
    last: Verdict | None = None
    last_at: float = 0.0
    incidents: int = 0
    last_incidents: dict[str, Incident] = field(default_factory=dict)
    end: str | None = None
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def fps(self) -> float:
        """Frames tracked a second, over the last seconds; of a silent source 0, though marks pass."""
        if len(self.recent) < 2 or self.source == "no frame":
            return 0.0
        (first, before), (last, now) = self.recent[0], self.recent[-1]
        return (now - before) / max(last - first, 1e-6)

    @property
    def ended(self) -> bool:
        """Whether the end of its source has passed every worker."""
        if self.end is None:
            return False
        last = min(map(parse_id, (self.archived, self.noted, self.kept, self.shown, self.told)))
        return last >= parse_id(self.end)


@dataclass
class Progress:
    """All cameras; `update` looks again.

    Attributes:
        alerts: the run is over only when the alert worker, too, has seen the end.
    """

    bus: Bus
    names: list[str]
    alerts: bool = True
    cameras: dict[str, CameraProgress] = field(default_factory=dict)
    violence: deque[tuple[str, float, Verdict]] = field(default_factory=lambda: deque(maxlen=100))
    incidents: deque[tuple[str, Incident]] = field(default_factory=lambda: deque(maxlen=100))
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES_KEPT))
    started: float = field(default_factory=time.monotonic)
    _cursors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begins where verdicts and incidents stand now: an earlier run's are not counted again."""
        for name in self.names:
            self.cameras[name] = CameraProgress(name)
            for stream in ("verdicts", "incidents"):
                stored = self.bus.counters(WRITERS[stream], name)
                self._cursors[stream_key(stream, name)] = stored.get("cursor", START)

    @property
    def ended(self) -> bool:
        """Whether every source has ended, with its verdicts stored and its incidents told."""
        return all(camera.ended for camera in self.cameras.values())

    def latency(self, share: float) -> float:
        """Seconds from capture to verdict that `share` of the verdicts stayed under; NaN before the first."""
        return float(np.quantile(self.latencies, share)) if self.latencies else float("nan")

    def update(self) -> None:
        """Reads counters and new verdicts.

        Raises:
            BusError: the server does not answer.
        """
        now = time.monotonic()
        lags = self.bus.lags("pose", "frames", self.names)
        for camera in self.cameras.values():
            ingest, pose, classify, incidents, archive, history, evidence, alert = (
                self.bus.counters(stage, camera.camera) for stage in STAGES
            )
            camera.frames = int(ingest.get("added", 0))
            camera.tracked = int(pose.get("read", 0))
            camera.behind = lags[camera.camera]
            camera.source = last_record(self.bus, camera.camera, pose.get("cursor", "0-0"))
            camera.dropped = sum(frames_dropped(ingest).values())
            camera.dead = sum(int(c.get("dead", 0)) for c in (ingest, pose, classify, incidents))
            camera.noted, camera.archived, camera.kept, camera.shown, camera.told = (
                counters.get("cursor", START) for counters in (incidents, archive, history, evidence, alert)
            )
            if not self.alerts:
                camera.told = camera.kept
            camera.recent.append((now, camera.tracked))
            while now - camera.recent[0][0] > _RATE_OVER_S:
                camera.recent.popleft()
        self._follow()

    def _follow(self) -> None:
        camera_of = {
            stream_key(stream, name): camera
            for name, camera in self.cameras.items()
            for stream in ("verdicts", "incidents")
        }
        while found := self.bus.follow(self._cursors, 200, 0):
            for key, entries in found.items():
                self._cursors[key] = entries[-1][0]
                for entry_id, fields in entries:
                    with contextlib.suppress(MessageError):
                        self._count(camera_of[key], key, entry_id, decode(fields.get("m", b"")))

    def _count(self, camera: CameraProgress, key: str, entry_id: str, message: Message) -> None:
        if isinstance(message, Mark) and key == stream_key("verdicts", camera.camera):
            camera.end = entry_id if message.final else None
        elif isinstance(message, Incidents):
            self._count_incidents(camera, message)
        elif isinstance(message, Verdicts):
            for verdict in message.verdicts:
                camera.results[verdict.result] += 1
                camera.last, camera.last_at = verdict, message.at
                if verdict.result == "VIOLENCE":
                    self.violence.append((camera.camera, message.at, verdict))
            if message.trail:
                self.latencies.append(message.trail[-1].done_at - message.trail[0].read_at)

    def _count_incidents(self, camera: CameraProgress, message: Incidents) -> None:
        for incident in message.incidents:
            camera.incidents += incident.change == "new"
            camera.last_incidents[incident.incident_id] = incident
            while len(camera.last_incidents) > _INCIDENTS_KEPT:
                del camera.last_incidents[next(iter(camera.last_incidents))]
            if incident.change != "update":
                self.incidents.append((camera.camera, incident))
