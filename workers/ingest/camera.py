"""One camera's life: open the stored position, capture, encode, publish, until stopped or fenced."""

from __future__ import annotations

import functools
import logging
import math
import random
import secrets
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from shared.bus import Bus, BusError, Outcome, Run
from workers.ingest import metrics
from workers.ingest.capture import Capture
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.pacing import LiveClock
from workers.ingest.position import Position, PositionError, file_generation, fingerprint, load, resume
from workers.ingest.records import Batch, Writer
from workers.ingest.waiting import Entry, Waiting

log = logging.getLogger(__name__)

_IDLE_S = 0.2
_CAPTURE_ENDS_S = 0.3
_RETRY_MIN_S, _RETRY_MAX_S = 0.05, 2.0


class Camera:
    """Publishes one camera from a thread of its own, while the lease `token` is ours.

    Args:
        remembered: what this process published of the camera before, if anything.
        replay_before: a file whose pass ended before this wall time is played again.

    Attributes:
        remembered: the last published position.
        fenced: the lease turned out to be somebody else's.
        failed: the thread ended by a mistake in the program.
    """

    def __init__(
        self,
        name: str,
        options: CameraOptions,
        config: IngestConfig,
        bus: Bus,
        token: str,
        remembered: Position | None = None,
        replay_before: float = 0.0,
    ) -> None:
        self._name = name
        self._options = options
        self._config = config
        self._bus = bus
        self._token = token
        self._replay_before = replay_before
        self.remembered = remembered
        self.fenced = False
        self.failed = False
        self._ahead = 0
        self._cursor = "0-0"
        self._capture: Capture | None = None
        self._clock: LiveClock | None = None
        self._captured_generation = ""
        self._dropped: Counter[str] = Counter()
        self._unsure: tuple[Run, int] | None = None
        self._frozen: tuple[int | None, float] = (None, 0.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Tells the camera to end."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Waits for the camera to end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                position = self._open()
                if position is not None:
                    self._publish_from(position)
        except Exception:
            # The other cameras of this worker go on; the worker starts this one afresh.
            log.exception("camera=%s stopped by an error", self._name)
            self.failed = True
        finally:
            if self._capture is not None:
                self._capture.close()
                self._capture.join(_CAPTURE_ENDS_S)

    # --- where to go on ---------------------------------------------------------------------------------

    def _open(self) -> Position | None:
        """The position to go on from; None (and stopped) if the lease is lost, or to try again."""
        delay_s = _RETRY_MIN_S
        while not self._stop.is_set():
            try:
                content = self._content()
                opened = self._bus.open("ingest", self._name, self._token)
            except (BusError, OSError) as error:
                delay_s = self._wait_after(error, delay_s)
                continue
            if opened is None:
                self._fence()
                return None
            self._cursor = opened.cursor
            self._settle_unsure()
            stored = None if self._ahead else self._stored(opened.snapshot)
            if stored is None and self.remembered is not None:
                metrics.STATE_LOST.labels(self._name).inc()
                log.error(
                    "camera=%s alarm: stored state has vanished; starting anew with fresh ids", self._name
                )
            return resume(
                stored,
                self.remembered,
                content=content,
                replay_before=self._replay_before,
                mint=functools.partial(self._mint, content),
            )
        return None

    def _content(self) -> str:
        """What decides a file's frames: the file itself and the options that change them."""
        options = self._options
        if options.kind != "file":
            return ""
        changes = (options.fps, options.max_width, options.jpeg_quality, options.pace)
        return f"{fingerprint(Path(options.source).expanduser())} {changes}"

    def _mint(self, content: str, ordinal: int) -> str:
        if self._options.live:
            return secrets.token_hex(8)
        return file_generation(self._name, content, ordinal)

    def _stored(self, snapshot: bytes | None) -> Position | None:
        if snapshot is None:
            return None
        try:
            return load(snapshot)
        except PositionError as error:
            log.error("camera=%s %s; starting anew", self._name, error)
            return None

    def _settle_unsure(self) -> None:
        """Counts the frames of a commit that was given up, unless it turns out to be stored."""
        if self._unsure is not None:
            run, frames = self._unsure
            self._unsure = None
            if run.last != self._cursor:
                self._dropped.update(run.dropped)
                self._drop("outage", frames)

    # --- publishing -------------------------------------------------------------------------------------

    def _publish_from(self, position: Position) -> None:
        """Captures and publishes until stopped, fenced, or the position has to be opened again."""
        if position.ended:
            self.remembered = position
            self._stop.wait()
            return
        capture = self._captured_from(position)
        waiting = Waiting(self._config, position.waiting, time.monotonic())
        writer = Writer(self._name, self._options, self._config)
        published_s = time.monotonic()
        while not self._stop.is_set():
            capture.supervise()
            silent = time.monotonic() - published_s > self._config.mark_interval_s
            batch = self._gather(capture, writer, position, silent)
            if batch is None:
                continue
            run, waits = self._run_of(batch, waiting)
            outcome = self._commit(run, batch.frames)
            if outcome is None or outcome not in (Outcome.DONE, Outcome.DUPLICATE):
                self._refused(outcome, run, batch)
                return
            self._ahead = 0
            position = self._published(batch, run)
            waiting.commit(waits)
            published_s = time.monotonic()
            if position.ended:
                log.info("camera=%s ended frames=%s", self._name, position.number + 1)
                capture.close()
                self._stop.wait()

    def _captured_from(self, position: Position) -> Capture:
        """The capture that goes on from a position. A live one stays open whatever happens to the server."""
        if self._capture is not None:
            if self._options.live and self._captured_generation == position.generation:
                return self._capture
            self._capture.close()
        if self._options.live:
            self._clock = LiveClock(time.time(), time.monotonic(), position.last_at)
        self._captured_generation = position.generation
        self._capture = Capture(self._name, self._options, self._config, position.number + 1, self._clock)
        return self._capture

    def _gather(self, capture: Capture, writer: Writer, position: Position, silent: bool) -> Batch | None:
        """The next entries: waiting pictures, else the end, else a mark if it is time."""
        clock = self._clock
        max_age_s = self._config.max_age_s if self._options.live else None
        ended = capture.buffer.finished
        pictures = capture.buffer.take(self._config.frames_per_commit, _IDLE_S, max_age_s)
        for reason, count in capture.buffer.dropped().items():
            self._drop(reason, count)
        batch = Batch(position)
        for paced in pictures:
            if self._stop.is_set():
                return None
            writer.add(batch, paced)
        now = time.time()
        if not pictures and ended:
            at = position.last_at if clock is None else clock.now(time.monotonic())
            captured_at = position.captured_at if clock is None else now
            writer.add_mark(batch, at if math.isfinite(at) else 0.0, captured_at, True, "end of file")
        elif not pictures and silent and clock is not None:
            writer.add_mark(batch, clock.now(time.monotonic()), now, False, "no frame")
        return batch if batch else None

    def _run_of(self, batch: Batch, waiting: Waiting) -> tuple[Run, tuple[Entry, ...]]:
        """The commit that publishes a batch, and what waits in the stream after it."""
        drops: list[tuple[str, str]] = []
        waits: tuple[Entry, ...] = ()
        if self._options.live:
            now_s = time.monotonic()
            drops = waiting.due(now_s, len(batch.outputs), batch.jpeg_bytes)
            added = [_entry(entry_id, now_s, len(payload)) for entry_id, payload in batch.outputs]
            # The last word of a source must be heard.
            waits = waiting.after(len(drops), [] if batch.position.ended else added)
            stored = tuple((*entry.entry_id, entry.size) for entry in waits)
            batch.position = replace(batch.position, waiting=stored)
        dropped, self._dropped = self._dropped, Counter()
        run = Run(
            stage="ingest",
            camera=self._name,
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
                # Whether it is stored is unknown: a file repeats the same run, a live source moves on.
                if self._options.live and time.monotonic() - made_s > self._config.max_age_s:
                    self._unsure = (run, frames)
                    return None
                delay_s = self._wait_after(error, delay_s)
                continue
            if outcome is Outcome.FULL:
                self._stop.wait(random.uniform(0.02, 0.1))
                continue
            return outcome
        return None

    def _refused(self, outcome: Outcome | None, run: Run, batch: Batch) -> None:
        """Nothing was stored, or nobody knows: what is stored decides where to go on."""
        if outcome is None:
            return
        log.warning("camera=%s commit of %s refused: %s", self._name, run.last, outcome.value)
        self._dropped.update(run.dropped)
        if outcome is Outcome.FENCED:
            self._fence()
        elif outcome is Outcome.AHEAD:
            self._leap(batch.position)
        self._stop.wait(_RETRY_MIN_S)

    def _published(self, batch: Batch, run: Run) -> Position:
        """Counts what is stored now and remembers it."""
        position = self.remembered = batch.position
        self._cursor = run.last
        metrics.PUBLISHED.labels(self._name).inc(batch.frames)
        metrics.BYTES.labels(self._name).inc(batch.jpeg_bytes)
        if batch.frames:
            metrics.LAST_FRAME.labels(self._name).set_to_current_time()
            self._watch_frozen(batch.last_crc)
        return position

    def _watch_frozen(self, crc: int | None) -> None:
        """Equal pictures have equal JPEGs: real sensors never repeat one for long."""
        now_s = time.monotonic()
        last, since_s = self._frozen
        if crc != last or not self._options.live:
            self._frozen = (crc, now_s)
            metrics.FROZEN.labels(self._name).set(0)
        elif since_s and now_s - since_s > self._config.frozen_s:
            self._frozen = (crc, 0.0)
            metrics.FROZEN.labels(self._name).set(1)
            log.error("camera=%s alarm: frozen, one picture for %g s", self._name, self._config.frozen_s)

    def _leap(self, tried: Position) -> None:
        """The stream holds later ids than our state: some of it was lost. Starts anew beyond them."""
        top = tried.last_id
        try:
            later = self._bus.history("frames", self._name, f"{top[0]}-{top[1]}", "+")
            if later:
                top = max(top, (int(later[-1][0].partition("-")[0]), 0))
        except BusError as error:
            self._wait_after(error, _RETRY_MIN_S)
        # What was trimmed cannot be seen, so each further try leaps twice as far.
        self._ahead += 1
        self.remembered = replace(tried, last_id=(top[0] + (1 << (10 + min(self._ahead, 40))), 0))

    def _fence(self) -> None:
        log.warning("camera=%s lease lost", self._name)
        self.fenced = True
        self._stop.set()

    def _drop(self, reason: str, count: int) -> None:
        if count:
            self._dropped[reason] += count
            metrics.DROPPED.labels(self._name, reason).inc(count)

    def _wait_after(self, error: Exception, delay_s: float) -> float:
        """Waits with jitter and gives the next delay."""
        if delay_s == _RETRY_MIN_S:
            log.warning("camera=%s waits: %s", self._name, error)
        self._stop.wait(delay_s * random.uniform(0.5, 1.5))
        return min(2 * delay_s, _RETRY_MAX_S)


def _entry(entry_id: str, now_s: float, size: int) -> Entry:
    milliseconds, _, sequence = entry_id.partition("-")
    return Entry((int(milliseconds), int(sequence)), now_s, size)
