"""How far the fleet has come, read from the bus."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from shared.bus import Bus
from shared.bus.streams import parse_id, stream_key
from shared.messages import Mark, MessageError, Verdict, Verdicts, decode

_RATE_OVER_S = 5.0
_LATENCIES_KEPT = 20_000


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
    """One camera's way through the fleet."""

    camera: str
    frames: int = 0
    tracked: int = 0
    archived: str = "0-0"
    source: str = ""
    behind: int = 0
    dropped: int = 0
    dead: int = 0
    results: Counter[str] = field(default_factory=Counter)
    last: Verdict | None = None
    last_at: float = 0.0
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
        return self.end is not None and parse_id(self.archived) >= parse_id(self.end)


@dataclass
class Progress:
    """All cameras; `update` looks again."""

    bus: Bus
    names: list[str]
    cameras: dict[str, CameraProgress] = field(default_factory=dict)
    violence: deque[tuple[str, float, Verdict]] = field(default_factory=lambda: deque(maxlen=100))
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES_KEPT))
    started: float = field(default_factory=time.monotonic)
    _cursors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begins where the verdicts stand now, so that an earlier run's are not counted again."""
        for name in self.names:
            self.cameras[name] = CameraProgress(name)
            self._cursors[name] = self.bus.counters("classify", name).get("cursor", "0-0")

    @property
    def ended(self) -> bool:
        """Whether every camera's source has ended and been judged."""
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
            ingest, pose = (
                self.bus.counters("ingest", camera.camera),
                self.bus.counters("pose", camera.camera),
            )
            classify = self.bus.counters("classify", camera.camera)
            camera.frames = int(ingest.get("added", 0))
            camera.tracked = int(pose.get("read", 0))
            camera.behind = lags[camera.camera]
            camera.source = last_record(self.bus, camera.camera, pose.get("cursor", "0-0"))
            camera.dropped = sum(int(n) for name, n in ingest.items() if name.startswith("dropped:"))
            camera.dead = sum(int(counters.get("dead", 0)) for counters in (ingest, pose, classify))
            camera.archived = self.bus.counters("archive", camera.camera).get("cursor", "0-0")
            camera.recent.append((now, camera.tracked))
            while now - camera.recent[0][0] > _RATE_OVER_S:
                camera.recent.popleft()
        self._follow()

    def _follow(self) -> None:
        while True:
            keys = {stream_key("verdicts", name): name for name in self.names}
            found = self.bus.follow({key: self._cursors[name] for key, name in keys.items()}, 200, 0)
            if not found:
                return
            for key, entries in found.items():
                name = keys[key]
                self._cursors[name] = entries[-1][0]
                for entry_id, fields in entries:
                    self._count(self.cameras[name], entry_id, fields.get("m", b""))

    def _count(self, camera: CameraProgress, entry_id: str, payload: bytes) -> None:
        try:
            message = decode(payload)
        except MessageError:
            return
        if isinstance(message, Mark):
            camera.end = entry_id if message.final else None
        elif isinstance(message, Verdicts):
            for verdict in message.verdicts:
                camera.results[verdict.result] += 1
                camera.last, camera.last_at = verdict, message.at
                if verdict.result == "VIOLENCE":
                    self.violence.append((camera.camera, message.at, verdict))
            if message.trail:
                self.latencies.append(message.trail[-1].done_at - message.trail[0].read_at)
