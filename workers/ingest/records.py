"""Turns pictures into entries of a camera's frames stream: ids, messages, refusals."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from shared.bus import DeadLetter
from shared.messages import Frame, Mark, Message, Stamp, encode
from workers.ingest import metrics, pacing
from workers.ingest.buffer import Paced
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.encode import Encoded, EncodeError, Encoder
from workers.ingest.position import Position
from workers.ingest.ring_files import Kept


@dataclass(slots=True)
class Batch:
    """The entries of one commit, the pictures in them, and the position after them."""

    position: Position
    outputs: list[tuple[str, bytes]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    pictures: list[Kept] = field(default_factory=list)
    frames: int = 0
    jpeg_bytes: int = 0
    last_crc: int | None = None

    def __bool__(self) -> bool:
        return bool(self.outputs or self.dead)


class Writer:
    """Encodes one camera's pictures and gives them their place in the stream. For one thread.

    Args:
        rules: gives the digest of the rules that hold now.
    """

    def __init__(
        self, camera: str, options: CameraOptions, config: IngestConfig, rules: Callable[[], str]
    ) -> None:
        self._camera = camera
        self._live = options.live
        self._max_bytes = config.max_frame_bytes
        self._rules = rules
        self._encoder = Encoder(options.max_width, options.jpeg_quality)

    def add(self, batch: Batch, paced: Paced) -> None:
        """Appends a picture's frame, or a dead letter if it cannot be published."""
        batch.position = self._place(batch.position, paced)
        try:
            encoded = self._encoded(paced)
        except EncodeError as error:
            entry_id = batch.position.cursor
            batch.dead.append(DeadLetter(stream="frames", entry_id=entry_id, reason=str(error), payload=b""))
            return
        self._append(batch, self._frame(batch.position, paced, encoded))
        batch.pictures.append(_kept(batch.position, encoded))
        batch.frames += 1
        batch.jpeg_bytes += len(encoded.jpeg)
        batch.last_crc = encoded.crc

    def add_mark(self, batch: Batch, at: float, captured_at: float, final: bool, reason: str) -> None:
        """Appends a mark: silence, or with `final` the end of the source."""
        position = batch.position
        if self._live:
            last_id = pacing.live_id(int(captured_at * 1000), position.last_id)
        else:
            last_id = position.last_id[0] + 1, 0
        at = max(at, position.last_at + pacing.SMALLEST_STEP_S)
        mark = Mark(
            camera=self._camera,
            generation=position.generation,
            number=max(position.number + final, 0),
            at=at,
            captured_at=captured_at,
            final=final,
            reason=reason,
            rules=self._rules(),
        )
        batch.position = replace(
            position, last_id=last_id, last_at=at, ended_at=time.time() if final else position.ended_at
        )
        self._append(batch, mark)

    def _append(self, batch: Batch, message: Message) -> None:
        batch.outputs.append((batch.position.cursor, encode(message)))

    def _encoded(self, paced: Paced) -> Encoded:
        started_s = time.perf_counter()
        encoded = self._encoder.encode(paced.picture.frame)
        metrics.ENCODE.observe(time.perf_counter() - started_s)
        if len(encoded.jpeg) > self._max_bytes:
            raise EncodeError(f"JPEG of {len(encoded.jpeg)} bytes exceeds ingest.max_frame_mb")
        return encoded

    def _place(self, position: Position, paced: Paced) -> Position:
        at = paced.at
        if self._live:
            last_id = pacing.live_id(int(paced.picture.captured_at * 1000), position.last_id)
            at = max(at, position.last_at + pacing.SMALLEST_STEP_S)
        else:
            last_id = pacing.file_id(position.base, paced.number)
        return replace(
            position, number=paced.number, last_id=last_id, last_at=at, captured_at=paced.picture.captured_at
        )

    def _frame(self, position: Position, paced: Paced, encoded: Encoded) -> Frame:
        picture = paced.picture
        now = time.time()
        decoded_at = now - (time.monotonic() - picture.monotonic_s)
        return Frame(
            camera=self._camera,
            generation=position.generation,
            number=position.number,
            at=position.last_at,
            captured_at=picture.captured_at,
            trail=(Stamp(stage="ingest", read_at=decoded_at, done_at=now),),
            rules=self._rules(),
            monotonic_s=picture.monotonic_s,
            pts_s=picture.pts_s,
            width=encoded.width,
            height=encoded.height,
            source_width=encoded.source_width,
            source_height=encoded.source_height,
            crc=encoded.crc,
            image=encoded.jpeg,
        )


def _kept(position: Position, encoded: Encoded) -> Kept:
    return Kept(position.cursor, position.number, position.captured_at, encoded.crc, encoded.jpeg)
