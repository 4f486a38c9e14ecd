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

    @property
    def seconds(self) -> float:
        """How long the camera was watched."""
        return self.address.seconds or self.numbers[-1] / self.address.fps

    def note(self, tracks: Tracks) -> None:
        """Count a frame."""
        self.numbers.append(tracks.number)
        self.times.append(tracks.at)
        self.people |= set(tracks.track_ids.tolist())

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
        """Every fight that began while the cameras were watched, and how many incidents were of none."""
        both = [judged(name, tally) for name, tally in self.cameras.items() if tally.numbers]
        return [fight for fights, _ in both for fight in fights], sum(false for _, false in both)


def judged(name: str, tally: CameraTally) -> tuple[list[Fight], int]:
    """One camera's fights, and how many of its incidents were of none."""
    incidents = list(tally.incidents.values())
    began = np.array([tally.second(one.began_at) for one in incidents])
    told = np.array([tally.second(one.confirmed_at) for one in incidents])
    claimed = np.zeros(len(incidents), bool)
    fights = []
    for first, last in SiteCamera(tally.address).fights(tally.seconds):
        mine = (began >= first - _EARLY_S) & (began <= last + _LATE_S) & (told >= first)
        claimed |= mine
        after = float(told[mine].min()) - first if mine.any() else None
        fights.append(Fight(name, first, last, after))
    return fights, int((~claimed).sum())


def _count(tally: CameraTally, message: object) -> None:
    if isinstance(message, Tracks):
        tally.note(message)
    elif isinstance(message, Verdicts):
        tally.verdicts += len(message.verdicts)
        if message.trail:
            tally.latencies.append(message.trail[-1].done_at - message.captured_at)
    elif isinstance(message, Incidents):
        tally.incidents |= {one.incident_id: one for one in message.incidents if one.merged_into is None}
