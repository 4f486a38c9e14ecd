"""One camera's side of the bus: opens the stored position, commits batches, survives outages."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from shared import metrics as shared_metrics
from shared.bus import Bus, BusError, Outcome, Run
from workers.ingest import metrics
from workers.ingest.config import IngestConfig
from workers.ingest.position import Position, PositionError, load, resume
from workers.ingest.records import Batch
from workers.ingest.waiting import Entry, Waiting

log = logging.getLogger(__name__)

_RETRY_MIN_S, _RETRY_MAX_S = 0.05, 2.0


class Publisher:
    """Stores what a camera publishes, each entry once. For one thread.

    Args:
        token: of the camera's lease.
        live: the source cannot wait: in an outage it moves on instead of repeating a commit.
        stop: ends every wait.
        remembered: what this process published of the camera before, if anything.

    Attributes:
        remembered: the last published position.
        fenced: the lease turned out to be somebody else's.
        last_frame_at: wall time at which the last frame was stored, None before the first.
    """

    def __init__(
        self,
        camera: str,
        config: IngestConfig,
        bus: Bus,
        token: str,
        *,
        live: bool,
        stop: threading.Event,
        remembered: Position | None,
    ) -> None:
        self._camera = camera
        self._config = config
        self._bus = bus
        self._token = token
        self._live = live
        self._stop = stop
        self.remembered = remembered
        self.fenced = False
        self.last_frame_at: float | None = None
        self._cursor = "0-0"
        self._waiting = Waiting(config, (), 0.0)
        self._dropped: Counter[str] = Counter()
        self._unsure: tuple[Run, int] | None = None
        self._leaps = 0

    def taken_back(self, position: Position) -> bool:
        """Whether the server no longer stands where this position was stored; False while it is silent."""
        try:
            return self._bus.cursors("ingest", [self._camera])[self._camera] != position.cursor
        except BusError:
            return False

    def open(self, content: str, replay_before: float, mint: Callable[[int], str]) -> Position | None:
        """Where to go on (see `position.resume`); None once stopped or fenced."""
        delay_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                opened = self._bus.open("ingest", self._camera, self._token)
            except BusError as error:
                delay_s = self._wait_after(error, delay_s)
                continue
            if opened is None:
                self._fence()
                return None
            self._cursor = opened.cursor
            self._settle_unsure()
            stored = None if self._leaps else self._stored(opened.snapshot)
            if stored is None and self.remembered is not None:
                metrics.STATE_LOST.labels(self._camera).inc()
                log.error(
                    "camera=%s alarm: stored state has vanished; starting anew with fresh ids", self._camera
                )
            position = resume(
                stored, self.remembered, content=content, replay_before=replay_before, mint=mint
            )
            self._waiting = Waiting(self._config, position.waiting, time.monotonic())
            return position
        return None

    def drop(self, reason: str, count: int) -> None:
        """Counts frames that will never reach the stream."""
        if count:
            self._dropped[reason] += count

    def store(self, batch: Batch) -> Position | None:
        """Commits a batch; returns the position after it, or None if the camera has to be opened again."""
        run, waits = self._run_of(batch)
        outcome = self._commit(run, batch.frames)
        if outcome is None:
            return None
        if outcome not in (Outcome.DONE, Outcome.DUPLICATE):
            self._refused(outcome, run, batch.position)
            return None
        self._leaps = 0
        self._cursor = run.last
        self._waiting.commit(waits)
        self.remembered = batch.position
        metrics.PUBLISHED.labels(self._camera).inc(batch.frames)
        metrics.BYTES.labels(self._camera).inc(batch.jpeg_bytes)
        shared_metrics.DEAD.labels("ingest", self._camera, "input").inc(len(batch.dead))
        if batch.frames:
            self.last_frame_at = time.time()
        return batch.position

    def _run_of(self, batch: Batch) -> tuple[Run, tuple[Entry, ...]]:
        """The commit of a batch, and what waits in the stream after it."""
        drops: list[tuple[str, str]] = []
        waits: tuple[Entry, ...] = ()
        if self._live:
            now_s = time.monotonic()
            drops = self._waiting.due(now_s, len(batch.outputs), batch.jpeg_bytes)
            added = [
                _entry(entry_id, now_s, len(payload) if batch.frames else 0)
                for entry_id, payload in batch.outputs
            ]
            # The last word of a source must be heard.
            waits = self._waiting.after(len(drops), [] if batch.position.ended else added)
            stored = tuple((*entry.entry_id, entry.size) for entry in waits)
            batch.position = replace(batch.position, waiting=stored)
        dropped, self._dropped = self._dropped, Counter()
        run = Run(
            stage="ingest",
            camera=self._camera,
            token=self._token,
            previous=self._cursor,
            last=batch.position.cursor,
            writes="frames",
            outputs=tuple(batch.outputs),
            dead=tuple(batch.dead),
            snapshot=batch.position.dump(),
            generation=batch.position.generation,
            settings=batch.position.content,
            drops=tuple(drops),
            dropped=dict(dropped),
        )
        return run, waits

    def _commit(self, run: Run, frames: int) -> Outcome | None:
        """Commits a run, again and again while the server does not answer or the reader is behind.

        Returns:
            None if it was given up and nobody knows whether it is stored.
        """
        made_s = time.monotonic()
        delay_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                outcome = self._bus.commit([run])[0]
            except BusError as error:
                if self._live and time.monotonic() - made_s > self._config.max_age_s:
                    self._unsure = (run, frames)
                    return None
                delay_s = self._wait_after(error, delay_s)
                continue
            if outcome is not Outcome.FULL:
                return outcome
            self._stop.wait(random.uniform(0.02, 0.1))
        return None

    def _refused(self, outcome: Outcome, run: Run, tried: Position) -> None:
        """Nothing was stored; what is stored decides where to go on."""
        log.warning("camera=%s commit of %s refused: %s", self._camera, run.last, outcome.value)
        shared_metrics.REFUSED.labels("ingest", outcome.value).inc()
        self._dropped.update(run.dropped)
        if outcome is Outcome.FENCED:
            self._fence()
        elif outcome is Outcome.AHEAD:
            self._leap(tried)
        self._stop.wait(_RETRY_MIN_S)

    def _leap(self, tried: Position) -> None:
        """The stream holds later ids than our state: some of it was lost. Starts anew beyond them."""
        top = tried.last_id[0]
        try:
            later = self._bus.history("frames", self._camera, tried.cursor, "+")
        except BusError as error:
            self._wait_after(error, _RETRY_MIN_S)
            later = []
        if later:
            top = int(later[-1][0].partition("-")[0])
        # What was trimmed cannot be seen, so each further try leaps twice as far.
        self._leaps += 1
        self.remembered = replace(tried, last_id=(top + (1 << (10 + min(self._leaps, 40))), 0))

    def _stored(self, snapshot: bytes | None) -> Position | None:
        if snapshot is None:
            return None
        try:
            return load(snapshot)
        except PositionError as error:
            log.error("camera=%s %s; starting anew", self._camera, error)
            return None

    def _settle_unsure(self) -> None:
        """Counts the frames of a commit that was given up, unless it turns out to be stored."""
        if self._unsure is not None:
            run, frames = self._unsure
            self._unsure = None
            if run.last != self._cursor:
                self._dropped.update(run.dropped)
                self.drop("outage", frames)

    def _fence(self) -> None:
        log.warning("camera=%s lease lost", self._camera)
        self.fenced = True
        self._stop.set()

    def _wait_after(self, error: Exception, delay_s: float) -> float:
        """Waits with jitter and gives the next delay."""
        if delay_s == _RETRY_MIN_S:
            log.warning("camera=%s waits: %s", self._camera, error)
        self._stop.wait(delay_s * random.uniform(0.5, 1.5))
        return min(2 * delay_s, _RETRY_MAX_S)


def _entry(entry_id: str, now_s: float, size: int) -> Entry:
    milliseconds, _, sequence = entry_id.partition("-")
    return Entry((int(milliseconds), int(sequence)), now_s, size)
