"""Makes an incident's snapshot and clip from the tracks of its time, each once."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from shared.bus import Bus, BusError
from shared.messages import Incident, Incidents, Tracks
from shared.stage import TryLater
from shared.store.tables import evidence
from workers.archive import metrics
from workers.archive.config import EvidenceConfig
from workers.archive.evidence.drawing import Canvas, Caption, places
from workers.archive.evidence.encoding import write_clip, write_snapshot
from workers.archive.evidence.folder import Folder, Kind, moment_of, place_of
from workers.archive.evidence.footage import Footage, Moment, recall
from workers.archive.store import Store
from workers.archive.writing import write_evidence

log = logging.getLogger(__name__)

Told = tuple[str, Incidents]

SNAPSHOT_PX, CLIP_PX = 1280, 960
# A snapshot's frame is the newest of so long before the peak.
_AROUND_PEAK_S = 0.5
_USUAL_STEP_S, _LONGEST_STEP_S = 0.1, 1.0


class Maker:
    """Makes what is due; what has its row and its file is left alone.

    Args:
        config: what is wanted.
        folder, store: where it is kept.
        bus: where tracks are.
        stop: ends the waiting for tracks.
    """

    def __init__(
        self, config: EvidenceConfig, folder: Folder, store: Store, bus: Bus, stop: threading.Event
    ) -> None:
        self._config = config
        self._folder = folder
        self._store = store
        self._bus = bus
        self._stop = stop

    def due(self, record: Incidents, incident: Incident) -> list[tuple[Kind, tuple[float, float]]]:
        """What is to be made of a change of an incident, if it is not made yet; and the span of time of it.

        A clip waits for the incident's end, unless the incident is longer than a clip may be: then the
        tracks of its begin would be gone by then.
        """
        config, due = self._config, list[tuple[Kind, tuple[float, float]]]()
        if incident.change == "new" and config.snapshot:
            due.append(("snapshot", (incident.peak_at - _AROUND_PEAK_S, incident.peak_at)))
        first_at = incident.began_at - config.before_s
        last_at = min(incident.last_at + config.after_s, first_at + config.longest_s)
        is_full = last_at == first_at + config.longest_s and record.at >= last_at
        if incident.change == "end" or is_full:
            due.append(("clip", (first_at, last_at)))
        return due

    def is_made(self, incident_id: str, kind: Kind) -> bool:
        """Whether it has its row and its file.

        Raises:
            TryLater: the database is away.
        """
        key = (evidence.c.incident_id == incident_id, evidence.c.kind == kind)
        path = self._store.read(lambda to: to.execute(select(evidence.c.path).where(*key)).scalar())
        return self._folder.has(path)

    def make(self, told: Told, incident: Incident, kind: Kind, span: tuple[float, float]) -> None:
        """Make a file and its row.

        Raises:
            TryLater: the disk is full, the database or the server is away.
        """
        camera = told[1].camera
        try:
            with metrics.EVIDENCE_SECONDS.labels(kind).time():
                values = self._made(told, incident, kind, span)
        except BusError as error:
            raise TryLater(str(error)) from error
        except OSError as error:
            raise TryLater(f"{self._folder.root}: {error.strerror or error}") from error
        except TryLater:
            raise
        except Exception as error:
            # It would fail again for ever, and hold back all that comes after it.
            log.exception("camera=%s incident=%s no %s", camera, incident.incident_id, kind)
            values = _nothing(f"could not be made: {type(error).__name__}: {error}")
        values |= {"camera": camera, "made_at": time.time()}
        self._store.write(lambda to: write_evidence(to, incident.incident_id, kind, values))
        outcome = "none" if values["path"] is None else "part" if values["note"] else "whole"
        metrics.EVIDENCE.labels(camera, kind, outcome).inc()

    def _made(self, told: Told, incident: Incident, kind: Kind, span: tuple[float, float]) -> dict[str, Any]:
        """The columns of a file that was made."""
        camera = told[1].camera
        path = place_of(camera, incident.began_captured_at, incident.incident_id, kind)
        footage = recall(self._bus, told, incident, span, self._stop)
        moments = footage.moments
        if kind == "snapshot":
            moments = tuple(moment for moment in moments if isinstance(moment, Tracks))[-1:]
        note = _note(footage, kind, span, incident.last_at + self._config.after_s > span[1])
        if footage.lost_s and self._folder.has(path):
            # Its maker was killed before it was noted; what is left of the tracks could not make it again.
            return {**self._facts(path), "first_at": None, "last_at": None, "note": "made before a crash"}
        if not any(isinstance(moment, Tracks) for moment in moments):
            return _nothing(note or "there was no picture then")
        with self._folder.writing(path) as draft:
            if kind == "snapshot":
                [(_, image)] = _pictures(moments, incident, SNAPSHOT_PX)
                write_snapshot(draft, image)
            else:
                write_clip(draft, _pictures(moments, incident, CLIP_PX), _last_step_s(moments))
        ends = {"first_at": moments[0].at, "last_at": moments[-1].at}
        return {**self._facts(path), **ends, "note": note or None}

    def _facts(self, path: str) -> dict[str, Any]:
        content = (self._folder.root / path).read_bytes()
        return {"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _pictures(
    moments: tuple[Moment, ...], incident: Incident, longest_px: int
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    first = next(moment for moment in moments if isinstance(moment, Tracks))
    canvas = Canvas((first.width, first.height), longest_px)
    people = places(moments, incident.track_ids)
    began, length_s = moments[0].at, moments[-1].at - moments[0].at

    def share(at: float) -> float:
        return min(1.0, max(0.0, (at - began) / length_s))

    for moment in moments:
        times = (incident.began_at, incident.last_at, moment.at)
        caption = Caption(
            camera=moment.camera,
            when=_local_time(moment.captured_at),
            score=f"peak score {incident.peak_score:.2f}",
            span=None if length_s <= 0 else (share(times[0]), share(times[1]), share(times[2])),
        )
        yield moment.at, canvas.draw(moment, people, caption)


def _local_time(captured_at: float) -> str:
    """As 2026-11-26 21:43:49.500 +01:00."""
    text = moment_of(captured_at).astimezone().isoformat(" ", "milliseconds")
    return f"{text[:-6]} {text[-6:]}"


def _last_step_s(moments: tuple[Moment, ...]) -> float:
    step_s = moments[-1].at - moments[-2].at if len(moments) > 1 else _USUAL_STEP_S
    return min(step_s, _LONGEST_STEP_S)


def _nothing(note: str) -> dict[str, Any]:
    return {"path": None, "bytes": 0, "sha256": None, "first_at": None, "last_at": None, "note": note}


def _note(footage: Footage, kind: Kind, span: tuple[float, float], is_cut: bool) -> str:
    """What is missing, in words; "" if nothing is."""
    if not footage.moments:
        return "its tracks are no longer there"
    if kind == "snapshot":
        return ""
    parts = []
    if footage.lost_s:
        parts.append(f"the first {footage.lost_s:.1f} s are missing: their tracks are no longer there")
    if is_cut:
        parts.append(f"only its first {span[1] - span[0]:g} s: see evidence.longest_s")
    if footage.late_s:
        parts.append(f"the last {footage.late_s:.1f} s are missing: their tracks did not come")
    return "; ".join(parts)
