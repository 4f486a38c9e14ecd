"""Makes an incident's snapshot, clip and recording from the tracks of its time, each once."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from shared.bus import Bus, BusError
from shared.messages import Incident, Incidents, Tracks
from shared.stage import TryLater
from shared.store.tables import evidence
from workers.archive import metrics
from workers.archive.config import EvidenceConfig
from workers.archive.evidence.encoding import write_clip, write_snapshot
from workers.archive.evidence.folder import Folder, Kind, place_of
from workers.archive.evidence.footage import Footage, collect, recall
from workers.archive.evidence.pictures import CLIP_PX, SNAPSHOT_PX, Album, Scenes, Views
from workers.archive.evidence.recorded import HISTORY_S, write_recording
from workers.archive.evidence.spool import Shot, Spool, Spools
from workers.archive.store import Store
from workers.archive.writing import write_evidence

log = logging.getLogger(__name__)

Told = tuple[str, Incidents]
Span = tuple[float, float]

# A snapshot's frame is the newest of so long before the peak.
_AROUND_PEAK_S = 0.5
_USUAL_STEP_S, _LONGEST_STEP_S = 0.1, 1.0


class Maker:
    """Makes what is due; what has its row and its file is left alone.

    Args:
        config: what is wanted.
        views: what the evidence of each camera shows.
        folder, store: where it is kept.
        bus: where tracks are.
        stop: ends the waiting for tracks, and the making of a clip.
    """

    def __init__(
        self,
        config: EvidenceConfig,
        views: Views,
        folder: Folder,
        store: Store,
        bus: Bus,
        stop: threading.Event,
    ) -> None:
        self._config = config
        self._views = views
        self._folder = folder
        self._spools = Spools(folder.root)
        self._store = store
        self._bus = bus
        self._stop = stop

    def due(self, record: Incidents, incident: Incident) -> list[tuple[Kind, Span]]:
        """What is to be made of a change of an incident, if it is not made yet; and the span of time of it.

        A clip waits for the incident's end, unless the incident is longer than a clip may be. It comes last:
        what was kept of the incident goes with it.
        """
        config, due = self._config, list[tuple[Kind, Span]]()
        if incident.change == "new" and config.snapshot:
            due.append(("snapshot", (incident.peak_at - _AROUND_PEAK_S, incident.peak_at)))
        first_at, last_at = self._clip_span(incident)
        is_full = last_at == first_at + config.longest_s and record.at >= last_at
        if incident.change == "end" or is_full:
            if config.tracks:
                due.append(("tracks", (first_at - HISTORY_S, last_at)))
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

    def keep(self, told: Told, incident: Incident) -> None:
        """Keep the tracks and pictures of an incident that goes on: it may outlast stream and ring.

        Raises:
            TryLater: the disk is full, the database or the server is away.
        """
        spool = self._spools.of(told[1].camera, incident.incident_id)
        if spool.newest is None and self.is_made(incident.incident_id, "clip"):
            return
        first_at = self._clip_span(incident)[0]
        try:
            collect(self._bus, told, incident, first_at - HISTORY_S, spool)
            self._keep_pictures(spool, first_at, newest_too=False)
        except BusError as error:
            raise TryLater(str(error)) from error
        except OSError as error:
            raise self._unwritten(error) from error

    def make(self, told: Told, incident: Incident, kind: Kind, span: Span) -> None:
        """Make a file and its row. With its clip, what was kept of the incident is done with.

        Raises:
            TryLater: the disk is full, the database or the server is away, or the worker ends.
        """
        camera = told[1].camera
        spool = self._spools.of(camera, incident.incident_id)
        try:
            with metrics.EVIDENCE_SECONDS.labels(kind).time():
                values = self._made(told, incident, kind, span, spool)
        except BusError as error:
            raise TryLater(str(error)) from error
        except OSError as error:
            raise self._unwritten(error) from error
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
        if kind == "clip":
            self.forget(camera, incident.incident_id)

    def forget(self, camera: str, incident_id: str) -> None:
        """Removes what was kept of an incident while it went on."""
        try:
            self._spools.remove(camera, incident_id)
        except OSError as error:
            # The next sweep tries it again.
            log.warning("camera=%s incident=%s is still kept: %s", camera, incident_id, error)

    def _made(self, told: Told, incident: Incident, kind: Kind, span: Span, spool: Spool) -> dict[str, Any]:
        """The columns of a file that was made."""
        camera = told[1].camera
        path = place_of(camera, incident.began_captured_at, incident.incident_id, kind)
        wanted_at = min(span[0], self._clip_span(incident)[0] - HISTORY_S)
        footage = recall(self._bus, told, incident, span, spool, self._stop, wanted_at)
        shots = footage.shots
        if kind == "snapshot":
            shots = tuple(shot for shot in shots if isinstance(shot.moment, Tracks))[-1:]
        note = _note(footage, kind, span, incident.last_at + self._config.after_s > span[1])
        if footage.lost_s and self._folder.has(path):
            # Its maker was killed before it was noted; what is left of the tracks could not make it again.
            return {**self._facts(path), "first_at": None, "last_at": None, "note": "made before a crash"}
        if not any(isinstance(shot.moment, Tracks) for shot in shots):
            return _nothing(note or "there was no picture then")
        if kind == "tracks":
            with self._folder.writing(path) as draft:
                write_recording(draft, camera, shots, self._views.rules_of)
        else:
            missing = self._draw(path, kind, footage, shots, incident, spool)
            note = "; ".join(part for part in (note, missing) if part)
        ends = {"first_at": shots[0].moment.at, "last_at": shots[-1].moment.at}
        return {**self._facts(path), **ends, "note": note or None}

    def _draw(
        self,
        path: str,
        kind: Kind,
        footage: Footage,
        shots: tuple[Shot, ...],
        incident: Incident,
        spool: Spool,
    ) -> str:
        """Makes a snapshot or a clip; returns which pictures are missing, "" if none is."""
        camera = shots[0].moment.camera
        mode = self._views.mode(camera)
        if mode != "skeleton":
            self._keep_pictures(spool, shots[0].moment.at, newest_too=True)
        scenes = Scenes(footage, incident, mode, Album(spool.pictures), self._views.rules_of)
        with self._folder.writing(path) as draft:
            if kind == "snapshot":
                [(_, image)] = scenes.draw(shots, SNAPSHOT_PX)
                write_snapshot(draft, image)
            else:
                write_clip(draft, self._until_stopped(scenes.draw(shots, CLIP_PX)), _last_step_s(shots))
        if not scenes.missing:
            return ""
        metrics.PICTURES_MISSING.labels(camera).inc(scenes.missing)
        count = sum(isinstance(shot.moment, Tracks) for shot in shots)
        if scenes.missing < count:
            return f"{scenes.missing} of {count} pictures are missing: their skeletons are on black"
        where = f"no picture of it is in {self._views.ring} on this host"
        return f"skeletons only: {where}: see ingest.ring_directory"

    def _until_stopped(self, frames: Iterator[Any]) -> Iterator[Any]:
        for frame in frames:
            if self._stop.is_set():
                raise TryLater("the worker ends")
            yield frame

    def _keep_pictures(self, spool: Spool, first_at: float, *, newest_too: bool) -> None:
        newest = spool.newest
        if newest is None:
            return
        ring = self._views.folder(newest.moment.camera, newest.moment.generation)
        if ring is not None:
            ids = (shot.entry_id for shot in spool.shots() if shot.moment.at >= first_at)
            spool.keep_pictures(ring, next(ids, newest.entry_id), newest.entry_id, newest_too=newest_too)

    def _clip_span(self, incident: Incident) -> Span:
        first_at = incident.began_at - self._config.before_s
        return first_at, min(incident.last_at + self._config.after_s, first_at + self._config.longest_s)

    def _facts(self, path: str) -> dict[str, Any]:
        place = self._folder.root / path
        with place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"path": path, "bytes": place.stat().st_size, "sha256": digest}

    def _unwritten(self, error: OSError) -> TryLater:
        return TryLater(f"{self._folder.root}: {error.strerror or error}")


def _last_step_s(shots: tuple[Shot, ...]) -> float:
    step_s = shots[-1].moment.at - shots[-2].moment.at if len(shots) > 1 else _USUAL_STEP_S
    return min(step_s, _LONGEST_STEP_S)


def _nothing(note: str) -> dict[str, Any]:
    return {"path": None, "bytes": 0, "sha256": None, "first_at": None, "last_at": None, "note": note}


def _note(footage: Footage, kind: Kind, span: Span, is_cut: bool) -> str:
    """What is missing of the tracks, in words; "" if nothing is."""
    if not footage.shots:
        return "its tracks are no longer there"
    if kind == "snapshot":
        return ""
    parts = []
    if footage.lost_s:
        parts.append(f"the first {footage.lost_s:.1f} s are missing: their tracks are no longer there")
    if footage.hole_s:
        parts.append(f"{footage.hole_s:.1f} s in its middle are missing: their tracks are no longer there")
    if is_cut:
        parts.append(f"only its first {span[1] - span[0]:g} s: see evidence.longest_s")
    if footage.late_s:
        parts.append(f"the last {footage.late_s:.1f} s are missing: their tracks did not come")
    return "; ".join(parts)
