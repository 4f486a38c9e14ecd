"""Our tracker: people by their key points, their movement, who covers whom and, where known, their looks.

A person's life: tentative from the first detection that is worth following; confirmed, and told of, once one
was sure enough and `confirm_s` are over, or at once if it is very sure; lost while unseen; gone after
`track_buffer_s`, sooner through an edge of the image.
n people, m detections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.config import TrackerConfig
from workers.pose.detector import Detections
from workers.pose.refine.scale import confidence_factors
from workers.pose.tracking.assignment import assigned
from workers.pose.tracking.camera_motion import CameraMotion
from workers.pose.tracking.cost import coverage, expected_score, likeness, mismatch, same_height
from workers.pose.tracking.face import Tracked, track_id
from workers.pose.tracking.law import CostLaw, MotionLaw
from workers.pose.tracking.motion import left_image, predicted, warped
from workers.pose.tracking.people import People
from workers.pose.tracking.sighting import newcomers, remembered, same_body, sighted

Rows = NDArray[np.intp]


class SkeletonTracker:
    """One camera's tracker."""

    def __init__(
        self,
        config: TrackerConfig,
        generation: str,
        moving: bool = False,
        motion: MotionLaw | None = None,
        cost: CostLaw | None = None,
    ) -> None:
        self._config = config
        self._generation = generation
        self._motion = motion or MotionLaw()
        self._cost = cost or CostLaw()
        self._camera = CameraMotion(config.gmc_method) if moving else None
        self._at: float | None = None
        self._people = People.nobody()

    def update(
        self,
        number: int,
        at: float,
        found: Detections,
        frame_size: tuple[int, int],
        image: NDArray[np.uint8] | None = None,
    ) -> Tracked:
        """Take one frame, as `Tracker.update` says."""
        given = len(found)
        found, whose = _sound(found)
        first = self._at is None
        before = at if self._at is None else self._at
        now = max(at, before)
        self._at = now
        people = self._people
        people.records = predicted(people.records, now - before, self._motion)
        if self._camera is not None and image is not None:
            people.records = warped(people.records, self._camera.since_last(image, found.boxes))
        outside = left_image(people.records, frame_size)
        gone = self._gone(now, outside)
        people.keep(~gone)
        covered = coverage(people.records)
        who, what = assigned(self._costs(found, covered, outside[~gone], now, before), self._cost.limit)
        self._see(found, who, what, covered, now)
        born = self._bear(number, now, found, what, first)
        detection = np.full(len(people), -1, np.intp)
        detection[who] = what
        detection[len(people) - len(born) :] = born
        return self._confirmed(detection, whose, given)

    def dump(self) -> dict[str, Any]:
        """Everything the next update depends on."""
        camera = None if self._camera is None else self._camera.dump()
        return {"at": self._at, "people": self._people.dump(), "camera": camera}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the dumped memory of a tracker of the same settings."""
        self._at = state["at"]
        self._people = People.load(state["people"])
        if self._camera is not None and state["camera"] is not None:
            self._camera.load(state["camera"])

    def _gone(self, now: float, outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        records, config = self._people.records, self._config
        kept_s = np.where(outside, config.exit_s, config.track_buffer_s)
        kept_s = np.where(records["confirmed"], kept_s, np.minimum(kept_s, config.tentative_s))
        return np.asarray(now - records["seen_at"] > kept_s + 1e-6)

    def _lost(self, before: float) -> NDArray[np.bool_]:
        return np.asarray(self._people.records["seen_at"] < before)

    def _costs(
        self,
        found: Detections,
        covered: NDArray[np.float32],
        outside: NDArray[np.bool_],
        now: float,
        before: float,
    ) -> NDArray[np.float32]:
        """[n, m] of everybody being each detection."""
        records, law = self._people.records, self._cost
        unseen_s = (now - records["seen_at"]).astype(np.float32)
        lost_s = np.maximum(unseen_s - np.float32(now - before), 0)
        expected = expected_score(records, covered)
        fit, width = mismatch(records, unseen_s, found, law)
        total = fit + law.doubt * width
        total += law.surprise * (found.scores[None] - expected[:, None]) ** 2
        total += (law.tentative * ~records["confirmed"])[:, None]
        total += np.where(self._lost(before), law.lost + law.lost_per_s * lost_s, 0)[:, None]
        total += law.weak * np.maximum(0, 1 - found.scores / self._config.track_high_thresh)[None]
        if found.features is not None and self._people.looks.shape[2] == found.features.shape[1]:
            alike = likeness(self._people.looks, found.features)
            total += np.nan_to_num(law.looks * (law.alike - alike))
        # Where somebody was unseen and outside, nearly any place fits: let height and distance decide.
        stranger = (outside & self._lost(before))[:, None] & ~same_height(records, found, law)
        return np.where((fit > law.gate) | stranger, np.inf, total).astype(np.float32)

    def _see(
        self, found: Detections, who: Rows, what: Rows, covered: NDArray[np.float32], now: float
    ) -> None:
        people, config = self._people, self._config
        seen = sighted(people.records[who], found, what, now, self._motion, self._cost)
        sure = found.scores[what] >= config.sure_thresh
        seen["strong"] |= found.scores[what] >= config.new_track_thresh * _factors(found, what)
        seen["confirmed"] |= sure | (seen["strong"] & (now - seen["born_at"] >= config.confirm_s - 1e-6))
        people.records[who] = seen
        if found.features is not None and people.looks.shape[2] == found.features.shape[1]:
            clear = (found.scores[what] >= config.track_high_thresh) & (covered[who] < 0.3)
            people.looks[who[clear]] = remembered(people.looks[who[clear]], found.features[what[clear]])

    def _bear(self, number: int, now: float, found: Detections, taken: Rows, first: bool) -> Rows:
        config = self._config
        enough = config.new_track_thresh * _factors(found, np.arange(len(found)))
        free = found.scores >= np.minimum(config.follow_thresh, enough)
        free[taken] = False
        doubles = same_body(found.keypoints, found.boxes, self._cost)
        free &= ~(doubles[:, taken].any(axis=1) | np.tril(doubles, -1).any(axis=1))
        rows = np.flatnonzero(free)
        ids = [track_id(self._generation, number, index) for index in range(len(rows))]
        born = newcomers(found, rows, np.array(ids, np.int64), now, self._motion)
        strong = found.scores[rows] >= enough[rows]
        born.records["strong"] = strong
        born.records["confirmed"] = (first & strong) | (found.scores[rows] >= config.sure_thresh)
        if len(born):
            self._people.add(born)
        return rows

    def _confirmed(self, detection: Rows, whose: Rows, given: int) -> Tracked:
        """Who is seen and confirmed; of two people on one body the older stays.

        Args:
            detection: [n] the row of each person's detection, -1 where unseen.
            whose: [m] the rows that were given to `update`.
            given: how many those were, with the unsound ones.
        """
        people = self._people
        records = people.records
        points = np.concatenate([records["keypoints"], records["confidence"][..., None]], axis=-1)
        seen = detection >= 0
        double = same_body(points, records["box"], self._cost) & seen[:, None] & seen[None]
        older = np.asarray(~np.tril(double, -1).any(axis=1))
        people.keep(older)
        detection = detection[older]
        track_ids, seen = people.records["track_id"].astype(np.int64), detection >= 0
        owners = np.zeros(given, np.int64)
        owners[whose[detection[seen]]] = track_ids[seen]
        told = seen & people.records["confirmed"]
        return Tracked(track_ids[told], whose[detection[told]].astype(np.int16), owners)


def _factors(found: Detections, rows: Rows) -> NDArray[np.floating[Any]]:
    """Small people get low scores and are right all the same; a large one with a low score is nobody."""
    return confidence_factors(found.boxes[rows, 3] - found.boxes[rows, 1])


def _sound(found: Detections) -> tuple[Detections, Rows]:
    """The detections whose numbers are finite, and their rows."""
    finite = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    finite &= np.isfinite(found.keypoints).all(axis=(1, 2))
    rows = np.flatnonzero(finite)
    features = None if found.features is None else np.nan_to_num(found.features[rows])
    return replace(
        found,
        boxes=found.boxes[rows],
        scores=found.scores[rows],
        keypoints=found.keypoints[rows],
        features=features,
    ), rows
