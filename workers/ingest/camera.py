"""One camera's life: open the stored position, capture, encode, publish, until stopped or fenced."""

from __future__ import annotations

import functools
import logging
import math
import secrets
import threading
import time
from pathlib import Path

from shared.bus import Bus
from shared.bus.lease import HEARTBEAT_S
from workers.ingest.capture import Capture
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.pacing import LiveClock
from workers.ingest.position import Position, file_generation, fingerprint
from workers.ingest.publisher import Publisher
from workers.ingest.records import Batch, Writer
from workers.ingest.ring import Ring

log = logging.getLogger(__name__)

_IDLE_S = 0.1
_MISSING_FILE_S = 1.0
_CAPTURE_ENDS_S = 0.3
_RING_ENDS_S = 0.2


class Camera:
    """Publishes one camera from a thread of its own, while the lease `token` is ours.

    Args:
        remembered: what this process published of the camera before, if anything.
        replay_before: a file whose pass ended before this wall time is played again.
        rules: the digest of the rules that hold now.
        ring: where pictures are kept for evidence, if anybody wants them.

    Attributes:
        rules: written on every frame from here on; another thread may change it.
        failed: the thread ended by a mistake in the program.
        frozen: the source has repeated one identical picture for too long.
        ended: the file was played to its end.
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
        rules: str = "",
        ring: Ring | None = None,
    ) -> None:
        self._name = name
        self._options = options
        self._config = config
        self._replay_before = replay_before
        self._stop = threading.Event()
        self._publisher = Publisher(
            name, config, bus, token, live=options.live, stop=self._stop, remembered=remembered
        )
        self.rules = rules
        self._ring = ring
        self.failed = False
        self.frozen = False
        self.ended = False
        self._capture: Capture | None = None
        self._captured_generation = ""
        self._clock: LiveClock | None = None
        self._last_picture: tuple[int | None, float] = (None, 0.0)
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def fenced(self) -> bool:
        """Whether the lease turned out to be somebody else's."""
        return self._publisher.fenced

    @property
    def up(self) -> bool:
        """Whether the source gives pictures."""
        return self._capture is not None and self._capture.up

    @property
    def last_frame_at(self) -> float | None:
        """Wall time at which the last frame was stored, None before the first."""
        return self._publisher.last_frame_at

    @property
    def remembered(self) -> Position | None:
        """The last published position."""
        return self._publisher.remembered

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
            if self._ring is not None:
                self._ring.close(_RING_ENDS_S)

    def _open(self) -> Position | None:
        try:
            content = self._content()
        except OSError as error:
            log.warning("camera=%s file cannot be read: %s", self._name, error.strerror)
            self._stop.wait(_MISSING_FILE_S)
            return None
        return self._publisher.open(content, self._replay_before, functools.partial(self._mint, content))

    def _content(self) -> str:
        """What decides a recording's frames: the recording itself and the options that change them."""
        options = self._options
        if not options.recorded:
            return ""
        changes = (options.fps, options.max_width, options.jpeg_quality, options.pace)
        if options.kind == "simulated":
            return f"{options.source} {changes}"
        return f"{fingerprint(Path(options.source).expanduser())} {changes}"

    def _mint(self, content: str, ordinal: int) -> str:
        if self._options.live:
            return secrets.token_hex(8)
        return file_generation(self._name, content, ordinal)

    def _publish_from(self, position: Position) -> None:
        """Publishes until stopped or fenced, or until the position has to be opened again."""
        if position.ended:
            self._rest_at(position)
            return
        capture = self._captured_from(position)
        writer = Writer(self._name, self._options, self._config, lambda: self.rules)
        published_s = time.monotonic()
        while not self._stop.is_set():
            capture.supervise()
            silent = time.monotonic() - published_s > self._config.mark_interval_s
            batch = self._gather(capture, writer, position, silent)
            if batch is None:
                continue
            if self._ring is not None:
                self._ring.put(batch.position.generation, batch.pictures)
            stored = self._publisher.store(batch)
            if stored is None:
                return
            position = stored
            published_s = time.monotonic()
            if batch.frames:
                self._watch_frozen(batch.last_crc)
            if position.ended:
                log.info("camera=%s ended frames=%s", self._name, position.number + 1)
                capture.close()
                self._rest_at(position)
                return

    def _rest_at(self, position: Position) -> None:
        """Who has ended commits nothing more, so must ask whether the server went back in time."""
        self.ended = True
        while not self._stop.wait(HEARTBEAT_S):
            if self._publisher.taken_back(position):
                log.warning("camera=%s the server went back: opened again", self._name)
                self.ended = False
                return

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
        clock, max_age_s = self._clock, self._config.max_age_s
        ended = capture.buffer.finished
        most = self._config.frames_per_commit
        pictures = capture.buffer.take(most, _IDLE_S, max_age_s if self._options.live else None)
        for reason, count in capture.buffer.dropped().items():
            self._publisher.drop(reason, count)
        batch = Batch(position)
        for paced in pictures:
            if self._stop.is_set():
                return None
            writer.add(batch, paced)
        if not pictures and ended:
            at = position.last_at if clock is None else clock.now(time.monotonic())
            captured_at = position.captured_at if clock is None else time.time()
            writer.add_mark(batch, at if math.isfinite(at) else 0.0, captured_at, True, "end of file")
        elif not pictures and silent and clock is not None:
            writer.add_mark(batch, clock.now(time.monotonic()), time.time(), False, "no frame")
        return batch if batch else None

    def _watch_frozen(self, crc: int | None) -> None:
        """Equal pictures have equal JPEGs: real sensors never repeat one for long."""
        if not self._options.live:
            return
        now_s = time.monotonic()
        last, since_s = self._last_picture
        if crc != last:
            self._last_picture = (crc, now_s)
            self.frozen = False
        elif not self.frozen and now_s - since_s > self._config.frozen_s:
            self.frozen = True
            log.error("camera=%s alarm: frozen, one picture for %g s", self._name, self._config.frozen_s)
