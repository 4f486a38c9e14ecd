"""BoT-SORT and ByteTrack of ultralytics, one for each camera: by time, and with lasting ids.

ultralytics counts in frames. Here a frame that comes after k usual intervals counts as k, so lost people are
forgotten by the clock and boxes move on through a gap; at a steady rate nothing changes.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.config import TrackerConfig
from workers.pose.detector import Detections
from workers.pose.offline import ultralytics

REMEMBERED_INTERVALS = 15
ID_BITS = 53  # exact in JSON and in every language's double


def track_id(generation: str, number: int, index: int) -> int:
    """The lasting id of the `index`-th track born in frame `number` of a generation; positive, 53 bits."""
    digest = hashlib.blake2b(f"{generation}:{number}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - ID_BITS) or 1


@dataclass(frozen=True)
class Tracked:
    """Confirmed people of a frame: [P] ids and the rows of their detections."""

    track_ids: NDArray[np.int64]
    detection: NDArray[np.int16]


class _Births:
    """Gives ultralytics its ids, in place of its counter."""

    def __init__(self, generation: str) -> None:
        self._generation = generation
        self._number, self._index = 0, 0

    def begin(self, number: int) -> None:
        self._number, self._index = number, 0

    def __next__(self) -> int:
        self._index += 1
        return track_id(self._generation, self._number, self._index - 1)


class _Boxes:
    """Detections in the form that ultralytics' trackers read."""

    def __init__(self, corners: NDArray[np.float32], conf: NDArray[np.float32]) -> None:
        self.xyxy = corners
        self.conf = conf
        self.cls = np.zeros(len(conf), np.float32)

    @property
    def xywh(self) -> NDArray[np.float32]:
        size = self.xyxy[:, 2:] - self.xyxy[:, :2]
        return np.concatenate([self.xyxy[:, :2] + size / 2, size], axis=1)

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, rows: NDArray[np.bool_]) -> _Boxes:
        return _Boxes(self.xyxy[rows], self.conf[rows])


class Tracker:
    """One camera's tracker."""

    def __init__(self, config: TrackerConfig, generation: str, moving: bool = False) -> None:
        self._config = config
        self._at: float | None = None
        self._intervals: deque[float] = deque(maxlen=REMEMBERED_INTERVALS)
        self._births = _Births(generation)
        self.tracker = _new_tracker(config, moving)
        self.tracker._ids = self._births

    def update(
        self, number: int, at: float, found: Detections, image: NDArray[np.uint8] | None = None
    ) -> Tracked:
        """Take one frame.

        Args:
            number: the frame's number in its generation.
            at: its time in seconds, not before the last one.
            found: its detections.
            image: [H, W, 1] grey at the published size; moving cameras only.
        """
        self._births.begin(number)
        self._pass_time(at)
        tracker = self.tracker
        tracker.update(_Boxes(found.boxes, found.scores), image, found.features)
        live = {track.track_id for track in (*tracker.tracked_stracks, *tracker.lost_stracks)}
        # Of all removed tracks only those can matter that still stand in a list.
        tracker.removed_stracks = [track for track in tracker.removed_stracks if track.track_id in live]
        confirmed = [track for track in tracker.tracked_stracks if track.is_activated]
        return Tracked(
            np.array([track.track_id for track in confirmed], np.int64),
            np.array([track.idx for track in confirmed], np.int16),
        )

    def _pass_time(self, at: float) -> None:
        elapsed = 0.0 if self._at is None else at - self._at
        self._at = at if self._at is None else max(at, self._at)
        if elapsed <= 0:
            return
        self._intervals.append(elapsed)
        interval = float(np.median(self._intervals))
        self.tracker.max_frames_lost = max(1, round(self._config.track_buffer_s / interval))
        steps = int(elapsed / interval + 0.25)
        if steps > 1:
            self._cross_gap(steps)

    def _cross_gap(self, steps: int) -> None:
        """Age the tracks by the frames that did not come."""
        tracker = self.tracker
        limit = tracker.max_frames_lost
        if steps > limit:
            # Whoever is seen now is not known to be whoever was seen then.
            tracker.tracked_stracks, tracker.lost_stracks, tracker.removed_stracks = [], [], []
            tracker.frame_id = 0
            return
        tracker.frame_id += steps - 1
        tracker.lost_stracks = [
            track for track in tracker.lost_stracks if tracker.frame_id + 1 - track.end_frame <= limit
        ]
        moving_on = [
            *(track for track in tracker.tracked_stracks if track.is_activated),
            *tracker.lost_stracks,
        ]
        for _ in range(steps - 1):
            tracker.multi_predict(moving_on)


def _new_tracker(config: TrackerConfig, moving: bool) -> Any:
    module = ultralytics("trackers")
    settings = SimpleNamespace(
        track_high_thresh=config.track_high_thresh,
        track_low_thresh=config.track_low_thresh,
        new_track_thresh=config.new_track_thresh,
        track_buffer=1,
        match_thresh=config.match_thresh,
        fuse_score=config.fuse_score,
        proximity_thresh=config.proximity_thresh,
        appearance_thresh=config.appearance_thresh,
        with_reid=config.reid != "none",
        model="auto",  # features always come with the detections
        gmc_method=config.gmc_method if moving else "none",
    )
    return module.BOTSORT(settings) if config.tracker == "botsort" else module.BYTETracker(settings)
