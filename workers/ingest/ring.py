"""Keeps a camera's last pictures on the disk of this host, for evidence with pictures.

From a thread of its own, behind a short queue: a disk that is slow, full or gone never holds a live camera
back. What could not be written is counted and missing in the ring, nothing else.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.loop.quiet import OnceAMinute
from workers.ingest import metrics
from workers.ingest.ring_files import Kept, RingFiles, remove_strangers

log = logging.getLogger(__name__)

# Commits that wait to be written.
_WAITING = 16
# Of a recording: it can wait for the disk, but not for ever for one that hangs.
_PATIENCE_S = 2.0
# Also while nothing comes: pictures grow old all the same.
_PRUNE_EVERY_S = 2.0


@dataclass(frozen=True, kw_only=True)
class RingPlan:
    """Whose pictures are kept, and where.

    Attributes:
        root: the folder of all cameras.
        cameras: those whose pictures somebody wants.
        keep_s, max_bytes: the bounds of each camera.
    """

    root: Path
    cameras: frozenset[str]
    keep_s: float
    max_bytes: int

    def open(self, camera: str, live: bool) -> Ring | None:
        """A camera's ring; None for one whose pictures nobody wants."""
        return Ring(self, camera, live) if camera in self.cameras else None

    def remove_strangers(self) -> None:
        """Removes the pictures of all other cameras; says so where that fails."""
        try:
            remove_strangers(self.root, sorted(self.cameras))
        except OSError as error:
            log.warning("ring: old pictures in %s cannot be removed: %s", self.root, error.strerror)


class Ring:
    """One camera's ring, written from a thread of its own until it is closed.

    Args:
        plan: where, and the bounds.
        live: the camera cannot wait.
    """

    def __init__(self, plan: RingPlan, camera: str, live: bool) -> None:
        self._camera, self._live, self._root = camera, live, plan.root
        self._files = RingFiles(plan.root, camera, plan.keep_s, plan.max_bytes)
        self._queue: queue.Queue[tuple[str, Sequence[Kept]] | None] = queue.Queue(_WAITING)
        self._quiet = OnceAMinute()
        self._failing = False
        metrics.show_ring(camera)
        self._thread = threading.Thread(target=self._run, name=f"ring {camera}", daemon=True)
        self._thread.start()

    def put(self, generation: str, pictures: Sequence[Kept]) -> None:
        """Hands pictures over, before they are published: who reads of them finds them."""
        if not pictures:
            return
        try:
            self._queue.put((generation, pictures), block=not self._live, timeout=_PATIENCE_S)
        except queue.Full:
            self._lost("busy", len(pictures), "the disk is too slow")

    def close(self, timeout_s: float) -> None:
        """Writes what was handed over, as far as there is time, and ends."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pruned_s = 0.0
        while True:
            try:
                work = self._queue.get(timeout=_PRUNE_EVERY_S)
            except queue.Empty:
                work = ("", ())
            if work is None:
                self._files.close()
                return
            generation, pictures = work
            try:
                if pictures:
                    self._files.append(generation, pictures)
                if time.monotonic() - pruned_s >= _PRUNE_EVERY_S:
                    pruned_s = time.monotonic()
                    metrics.RING_BYTES.labels(self._camera).set(self._files.prune())
            except OSError as error:
                self._lost("disk", len(pictures), f"{self._root}: {error.strerror or error}")
            else:
                if pictures and self._failing:
                    self._failing = False
                    log.info("camera=%s ring is written again", self._camera)

    def _lost(self, reason: str, count: int, why: str) -> None:
        self._failing = True
        metrics.RING_LOST.labels(self._camera, reason).inc(count)
        if self._quiet.due(reason):
            log.error(
                "camera=%s ring: %s: pictures for evidence are missing, publishing goes on", self._camera, why
            )
