"""What a fleet made of simulated cameras, against their truth."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np

from shared.bus import Bus
from shared.bus.streams import START, stream_key
from shared.messages import Incident, Incidents, MessageError, Tracks, Verdicts, decode
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.site_camera import SiteCamera

# An incident that begins before its fight, or is confirmed after it, by so much is still that fight's.
_EARLY_S, _LATE_S = 1.5, 4.0


@dataclass(frozen=True)
class Fight:
    """One that really was; seconds of the recording."""

    camera: str
    begins: float
    ends: float
    found_after: float | None


@dataclass
class CameraTally:
    """What was written of one simulated camera.

    Attributes:
        numbers: of the frames that were tracked, with the clock's time of each.
        people: track ids that were told of.
    """

    address: Address
    numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    people: set[int] = field(default_factory=set)
    verdicts: int = 0
    incidents: dict[str, Incident] = field(default_factory=dict)

    def second(self, at: float) -> float:
        """Seconds of the recording at a time of the camera's clock."""
        return float(np.interp(at, self.times, np.array(self.numbers) / self.address.fps))


class Tally:
    """Follows the streams of simulated cameras while a fleet runs."""

    def __init__(self, bus: Bus, addresses: dict[str, Address]) -> None:
        self._bus = bus
        self.cameras = {name: CameraTally(address) for name, address in addresses.items()}
        self._where = {
            stream_key(stream, name): name
            for name in addresses
            for stream in ("tracks", "verdicts", "incidents")
        }
        self._cursors = dict.fromkeys(self._where, START)

    def update(self) -> None:
        """Count what is new.

        Raises:
            BusError: the server does not answer.
        """
        while found := self._bus.follow(self._cursors, 200, 0):
            for key, entries in found.items():
                self._cursors[key] = entries[-1][0]
                for _, fields in entries:
                    with contextlib.suppress(MessageError):
                        _count(self.cameras[self._where[key]], decode(fields.get("m", b"")))

    def fights(self) -> tuple[list[Fight], int]:
        """Every fight that began while the camera was watched, and how many incidents were of none."""
        fights, false = [], 0
        for name, tally in self.cameras.items():
            if not tally.numbers:
                continue
            began = [tally.second(one.began_at) for one in tally.incidents.values()]
            told = [tally.second(one.confirmed_at) for one in tally.incidents.values()]
            claimed = np.zeros(len(began), bool)
            seconds = tally.address.seconds or tally.numbers[-1] / tally.address.fps
            for first, last in SiteCamera(tally.address).fights(seconds):
                mine = [
                    row
                    for row, (one, other) in enumerate(zip(began, told, strict=True))
                    if one >= first - _EARLY_S and one <= last + _LATE_S and other >= first
                ]
                claimed[mine] = True
                after = min((told[row] for row in mine), default=None)
                fights.append(Fight(name, first, last, None if after is None else after - first))
            false += int((~claimed).sum())
        return fights, false


def _count(tally: CameraTally, message: object) -> None:
    if isinstance(message, Tracks):
        tally.numbers.append(message.number)
        tally.times.append(message.at)
        tally.people |= set(message.track_ids.tolist())
    elif isinstance(message, Verdicts):
        tally.verdicts += len(message.verdicts)
        if message.trail:
            tally.latencies.append(message.trail[-1].done_at - message.captured_at)
    elif isinstance(message, Incidents):
        tally.incidents |= {one.incident_id: one for one in message.incidents if one.merged_into is None}
