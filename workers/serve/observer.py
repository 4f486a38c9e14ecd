"""Looks at the whole fleet every few seconds, once for everybody who asks."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus import Bus
from shared.bus.streams import stream_key
from shared.bus.survey import Survey, survey
from shared.messages import MessageError, Verdicts, decode
from workers.serve.delays import Delay, Delays

LOOK_EVERY_S = 2.0
_RATE_OVER_S = 8.0


@dataclass(frozen=True)
class Observation:
    """The fleet as it was seen last.

    Attributes:
        fps: camera -> records that pose has done a second, over the last seconds.
        memory_bytes, memory_limit_bytes: of the server; no limit is 0.
        delays: stage -> how long records took lately.
    """

    survey: Survey
    fps: dict[str, float]
    memory_bytes: int
    memory_limit_bytes: int
    delays: dict[str, Delay]


class Observer:
    """Remembers the last look. One thread looks, any may ask for `latest`."""

    def __init__(self, bus: Bus, cameras: Sequence[str]) -> None:
        self._bus = bus
        self._cameras = tuple(cameras)
        self._counts: dict[str, deque[tuple[float, int]]] = {camera: deque() for camera in cameras}
        self._delays = Delays()
        self.latest: Observation | None = None

    def look(self) -> None:
        """Look now.

        Raises:
            BusError: the server does not answer; `latest` stays what it was.
        """
        seen = survey(self._bus, self._cameras)
        used, limit = self._bus.memory()
        fps = {}
        for camera in seen.cameras:
            counts = self._counts[camera.camera]
            # Who begins anew counts from 0.
            if counts and camera.tracked < counts[-1][1]:
                counts.clear()
            counts.append((seen.at, camera.tracked))
            while len(counts) > 2 and seen.at - counts[0][0] > _RATE_OVER_S:
                counts.popleft()
            # Of a silent source marks pass, one a second.
            fps[camera.camera] = _rate(counts) if camera.source == "frame" else 0.0
        self._delays.push(seen.at, self._last_verdicts())
        self.latest = Observation(seen, fps, used, limit, self._delays.by_stage())

    def _last_verdicts(self) -> list[Verdicts]:
        keys = [stream_key("verdicts", camera) for camera in self._cameras]
        found = []
        for entries in self._bus.ask([("XREVRANGE", key, "+", "-", "COUNT", 1) for key in keys]):
            with contextlib.suppress(MessageError):
                last = decode(entries[0][1].get(b"m", b"")) if entries else None
                found += [last] if isinstance(last, Verdicts) else []
        return found


def _rate(counts: deque[tuple[float, int]]) -> float:
    (first, before), (last, now) = counts[0], counts[-1]
    return (now - before) / (last - first) if last > first else 0.0
