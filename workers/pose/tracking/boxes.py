"""BoT-SORT and ByteTrack of ultralytics, one for each camera: by time, and with lasting ids.

ultralytics counts in frames. Here a frame that comes after k usual intervals counts as k, so lost people are
forgotten by the clock and boxes move on through a gap; at a steady rate nothing changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.config import TrackerConfig
from workers.pose.detector import Detections
from workers.pose.offline import ultralytics
from workers.pose.tracking.box_state import dump_inner, load_inner
from workers.pose.tracking.face import Tracked, track_id

REMEMBERED_INTERVALS = 15


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


class BoxTracker:
    """One camera's tracker: boxes, and appearance with BoT-SORT."""

    def __init__(self, config: TrackerConfig, generation: str, moving: bool = False) -> None:
        self._config = config
        self._at: float | None = None
        self._intervals: deque[float] = deque(maxlen=REMEMBERED_INTERVALS)
        self._births = _Births(generation)
        self.inner = _new_tracker(config, moving)
        self.inner._ids = self._births

    def update(
        self,
        number: int,
        at: float,
        found: Detections,
        frame_size: tuple[int, int],
        image: NDArray[np.uint8] | None = None,
    ) -> Tracked:
        """Take one frame, as `Tracker.update` says; its size does not matter here."""
        self._births.begin(number)
        self._pass_time(at)
        tracker = self.inner
        tracker.update(_Boxes(found.boxes, found.scores), image, found.features)
        live = {track.track_id for track in (*tracker.tracked_stracks, *tracker.lost_stracks)}
        # Of all removed tracks only those can matter that still stand in a list.
        tracker.removed_stracks = [track for track in tracker.removed_stracks if track.track_id in live]
        confirmed = [track for track in tracker.tracked_stracks if track.is_activated]
        track_ids = np.array([track.track_id for track in confirmed], np.int64)
        detection = np.array([track.idx for track in confirmed], np.int16)
        owners = np.zeros(len(found), np.int64)
        owners[detection] = track_ids
        return Tracked(track_ids, detection, owners)

    def dump(self) -> dict[str, Any]:
        """Everything the next update depends on."""
        return {
            "at": self._at,
            "intervals": list(self._intervals),
            **dump_inner(self.inner),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the dumped memory of a tracker of the same settings."""
        self._at = state["at"]
        self._intervals.extend(state["intervals"])
        load_inner(self.inner, state)

    def _pass_time(self, at: float) -> None:
        elapsed = 0.0 if self._at is None else at - self._at
        self._at = at if self._at is None else max(at, self._at)
        if elapsed <= 0:
            return
        self._intervals.append(elapsed)
        interval = float(np.median(self._intervals))
        self.inner.max_frames_lost = max(1, round(self._config.track_buffer_s / interval))
        steps = int(elapsed / interval + 0.25)
        if steps > 1:
            self._cross_gap(steps)

    def _cross_gap(self, steps: int) -> None:
        """Age the tracks by the frames that did not come."""
        tracker = self.inner
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
