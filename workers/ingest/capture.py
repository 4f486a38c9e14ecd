"""Keeps one camera's source open in a thread of its own and hands its pictures on, paced."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import replace

from workers.ingest import metrics
from workers.ingest.buffer import Paced, PictureBuffer
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.opening import Source, open_source
from workers.ingest.pacing import FileClock, LiveClock, RateLimit
from workers.ingest.sources import Picture, SourceError

log = logging.getLogger(__name__)

# Beyond the source's own time-outs: a thread that is silent for longer hangs in a driver or a library.
_HUNG_AFTER_S = 2.0
_MAX_HUNG_THREADS = 3


class Capture:
    """Opens, reopens and reads a source until `close`. Its errors never reach the caller.

    Args:
        next_number: the first frame number that is wanted. A file is decoded from its start and skipped up
            to it, so that times, ids and images are what they were; a live source counts on from it.
        clock: the live clock; None for files that are read as fast as possible.

    Attributes:
        up: the source gives pictures.
    """

    def __init__(
        self,
        camera: str,
        options: CameraOptions,
        config: IngestConfig,
        next_number: int,
        clock: LiveClock | None,
    ) -> None:
        self._camera = camera
        self._options = options
        self._config = config
        self._next = next_number
        self._clock = clock
        self.buffer = PictureBuffer(config.buffer_pictures, config.buffer_bytes, waits=not options.live)
        self.up = False
        self._alive_at_s = 0.0
        self._hung: list[threading.Thread] = []
        self._start()

    def supervise(self) -> None:
        """Replaces a thread that hangs; the hung one ends by itself if its call ever returns."""
        silent_s = time.monotonic() - self._alive_at_s
        longest_s = self._config.open_timeout_s + self._config.stall_s + _HUNG_AFTER_S
        if self._options.recorded or silent_s < longest_s or not self._thread.is_alive():
            return
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        self._alive_at_s = time.monotonic()
        if len(self._hung) >= _MAX_HUNG_THREADS:
            log.error("camera=%s source hangs and cannot be opened once more: check the device", self._camera)
            return
        log.error("camera=%s source hangs: opening it again beside the hung call", self._camera)
        self._stop.set()
        self._hung.append(self._thread)
        self._start()

    def close(self) -> None:
        """Tells the thread to end and does not wait: a live source may take its time-out to notice."""
        self._stop.set()
        self.buffer.close()
        self.up = False

    def join(self, timeout_s: float) -> None:
        """Waits for the thread to end."""
        self._thread.join(timeout_s)

    def _start(self) -> None:
        self._stop = threading.Event()
        self._alive_at_s = time.monotonic()
        # Daemon: a call that hangs for ever must not keep the process alive.
        self._thread = threading.Thread(
            target=self._run, args=(self._stop,), name=f"capture {self._camera}", daemon=True
        )
        self._thread.start()

    def _run(self, stop: threading.Event) -> None:
        delay_s = self._config.retry_min_s
        while not stop.is_set():
            opened_s = self._alive_at_s = time.monotonic()
            try:
                if self._read(stop):
                    self.buffer.finish()
                    return
            except SourceError as error:
                log.warning("camera=%s source=%s down: %s", self._camera, self._options.shown_source, error)
            if stop.is_set():
                return
            self.up = False
            metrics.RECONNECTS.labels(self._camera).inc()
            if time.monotonic() - opened_s > self._config.retry_max_s:
                delay_s = self._config.retry_min_s
            # Jitter: cameras behind one switch must not all come back in the same instant.
            wait_s = delay_s * random.uniform(0.5, 1.5)
            self._alive_at_s = time.monotonic() + wait_s
            stop.wait(wait_s)
            delay_s = min(2 * delay_s, self._config.retry_max_s)

    def _read(self, stop: threading.Event) -> bool:
        """Reads the source once; True when a file has ended."""
        source = open_source(self._camera, self._options, self._config)
        try:
            if stop.is_set():
                return False
            log.info("camera=%s source=%s open", self._camera, self._options.shown_source)
            self.up = True
            if self._clock is not None:
                self._clock.reopened()
            read = self._read_recording if self._options.recorded else self._read_live
            return read(source, stop)
        finally:
            source.close()

    def _read_live(self, source: Source, stop: threading.Event) -> bool:
        limit = RateLimit(self._options.fps)
        for picture in source.pictures():
            if stop.is_set() or self._clock is None:
                return False
            self._alive_at_s = picture.monotonic_s
            at = self._clock.at(picture.monotonic_s, picture.pts_s)
            metrics.CAPTURED.labels(self._camera).inc()
            if limit.wants(at):
                self.buffer.put(Paced(picture, self._next, at))
                self._next += 1
        return False

    def _read_recording(self, source: Source, stop: threading.Event) -> bool:
        clock, limit = FileClock(source.rate), RateLimit(self._options.fps)
        begun: tuple[float, float] | None = None
        for picture in source.pictures(self._next):
            if stop.is_set():
                return False
            at = clock.at(picture.number, picture.pts_s)
            wanted = limit.wants(at)
            if picture.number < self._next:
                continue
            metrics.CAPTURED.labels(self._camera).inc()
            paced: Paced | None = Paced(picture, picture.number, at)
            if self._clock is not None:
                begun = begun or (time.monotonic(), at)
                paced = self._play(picture, at, begun[0] + at - begun[1], stop, self._clock)
            if wanted and paced is not None and not self.buffer.put(paced):
                return False
            self._next = picture.number + 1
        return True

    def _play(
        self, picture: Picture, at: float, due_s: float, stop: threading.Event, clock: LiveClock
    ) -> Paced | None:
        """The picture at the moment it is due, as a camera would give it; None if that is long past."""
        stop.wait(max(0.0, due_s - time.monotonic()))
        now_s = time.monotonic()
        if now_s - due_s > self._config.max_age_s:
            self.buffer.drop_late()
            return None
        seen = replace(picture, captured_at=time.time(), monotonic_s=now_s)
        return Paced(seen, picture.number, clock.at(now_s, at))
