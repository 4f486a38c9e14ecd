"""The face of refinement: raw key points in, steady ones out, with velocity, scale and quality.

P tracks of the frame, Q tracks in the answer, K remembered ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.refine import occlusion
from workers.pose.refine.config import RefineConfig
from workers.pose.refine.memory import Memory
from workers.pose.refine.refined import Refined
from workers.pose.refine.reliability import next_reliability
from workers.pose.refine.scale import measured_heights, running_height
from workers.pose.refine.sightings import Sightings, sighted
from workers.pose.refine.smoothing import Smoother

Floats = NDArray[np.floating[Any]]

# Seconds over which the acceleration is averaged.
_ACCELERATION_S = 0.1
# Frames hardly ever come to the moment, and a gap of exactly `max_missing_s` is still predicted.
_SLACK_S = 1e-6
# Beyond it a time is nonsense, and arithmetic on it would overflow.
_LATEST_S = 1e11
# People out of sight; a clock that stands still would never forget them.
_MOST_AWAY = 1000


class Refiner:
    """Steadies the people of one camera; forgets a track `forget_s` after it was last seen."""

    def __init__(self, config: RefineConfig) -> None:
        self._config = config
        self._smoother = Smoother(config)
        self._memory = Memory.empty()

    @property
    def memory(self) -> Memory:
        """What is remembered, for those who smooth back from it."""
        return self._memory

    def update(
        self, at: float, track_ids: Any, boxes: Any, keypoints: Any, frame_size: tuple[int, int]
    ) -> Refined:
        """Take one frame's tracks.

        At a time that is not after the last one, people who are known keep their last answer; if it is more
        than `forget_s` before it, everything starts afresh.

        Args:
            at: the frame's time in seconds; what is not finite counts as the last one.
            track_ids: [P] int; a repeated one counts once.
            boxes: [P, 4] x1 y1 x2 y2, pixels.
            keypoints: [P, 17, 3] x, y in pixels, confidence; what is not finite counts as not seen.
            frame_size: width and height of the image, pixels; who leaves it is not predicted.

        Raises:
            ValueError: the shapes do not fit.
        """
        seen = sighted(track_ids, boxes, keypoints)
        now = self._clock(at)
        memory = self._memory
        remembered = now - memory.seen_at <= self._config.forget_s
        if not remembered.all():
            memory = memory.rows(remembered)
        match = memory.track_ids[None] == seen.track_ids[:, None]
        known = match.any(axis=1) if len(memory) else np.zeros(len(seen), bool)
        watched = self._watched(now, memory, match, known, seen, frame_size).kept()
        away = None
        if len(memory) > known.sum():
            # Rows stand by when they were last seen, so that those who are left out have been away longest.
            away = self._coast(now, memory.rows(np.flatnonzero(~match.any(axis=0))[:_MOST_AWAY])).kept()
        self._memory = watched if away is None else watched.followed_by(away)
        return self._answer(now, watched, away, seen, frame_size)

    def _clock(self, at: float) -> float:
        latest = float(self._memory.at.max(initial=-np.inf))
        now = float(at) if abs(at) <= _LATEST_S else max(latest, 0.0)
        if now < latest - self._config.forget_s:
            self._memory = Memory.empty()
            return now
        return max(now, latest)

    def _watched(
        self,
        now: float,
        memory: Memory,
        match: NDArray[np.bool_],
        known: NDArray[np.bool_],
        seen: Sightings,
        frame_size: tuple[int, int],
    ) -> Memory:
        """[P] the rows of the people of this frame."""
        heights = measured_heights(seen.boxes, _points(seen))
        if known.all() and len(seen):
            return self._next(now, memory.rows(match.argmax(axis=1)), seen, heights, frame_size)
        rows = self._smoother.start(now, seen, heights)
        if not known.any():
            return rows
        old = memory.rows(match[known].argmax(axis=1))
        return rows.with_rows(known, self._next(now, old, _chosen(seen, known), heights[known], frame_size))

    def _next(
        self, now: float, old: Memory, seen: Sightings, heights: Floats, frame_size: tuple[int, int]
    ) -> Memory:
        """The rows of people who were known and are seen."""
        elapsed = now - old.at
        scale = running_height(old.scale, heights, elapsed)
        new = self._smoother.step(old, seen, scale, elapsed, now - old.seen_at)
        mean, weight = next_reliability(old.reliability, old.reliability_weight, seen.confidence, elapsed)
        share = (1 - np.exp(-elapsed / _ACCELERATION_S))[:, None, None]
        gained = (new.velocity - old.velocity) / np.maximum(elapsed, 1e-3)[:, None, None]
        running = elapsed > 0
        moved = replace(
            new,
            at=np.full(len(old), now),
            seen_at=np.full(len(old), now),
            scale=scale,
            boxes=seen.boxes,
            confidence=seen.confidence,
            acceleration=old.acceleration + share * (gained - old.acceleration),
            offset=self._offset(old, new, elapsed, now, frame_size),
            reliability=mean,
            reliability_weight=weight,
        )
        return moved if running.all() else old.with_rows(running, moved.rows(running))

    def _offset(
        self, old: Memory, new: Memory, elapsed: Floats, now: float, frame_size: tuple[int, int]
    ) -> Floats:
        """What is left of the way from the last answer, a prediction, to where people are."""
        away = old.at > old.seen_at
        shown = ~away | self._shown(old, now - elapsed, frame_size)
        returns = away & occlusion.is_long(now - old.seen_at, elapsed)
        if not returns.any() and not old.offset.any():
            return old.offset
        missed_by = old.position + old.offset - new.position
        first = occlusion.shortened(missed_by, old.scale, elapsed)
        later = occlusion.shortened(old.offset, old.scale, elapsed, occlusion.SHARE)
        offset = np.where(returns[:, None, None], first, later)
        # Where nothing was shown, or somebody far away, there is nothing to go over from.
        continues = shown & (~returns | occlusion.is_near(missed_by, old.scale))
        return np.where(continues[:, None, None], offset, 0.0)

    def _shown(self, away: Memory, now: float | Floats, frame_size: tuple[int, int]) -> NDArray[np.bool_]:
        """[K] who of those not seen stands in the answer."""
        most = self._config.max_missing_s
        return (most > 0) & (now - away.seen_at <= most + _SLACK_S) & _inside(away, frame_size)

    def _coast(self, now: float, old: Memory) -> Memory:
        """The rows of people who are not seen."""
        elapsed = np.maximum(now - old.at, 0.0)
        position, velocity = occlusion.coasted(old.position, old.velocity, elapsed, old.scale)
        way = occlusion.body_velocity(position - old.position)[:, 0]
        return replace(
            old,
            at=np.full(len(old), now),
            position=position,
            velocity=velocity,
            boxes=old.boxes + np.tile(way, 2),
            acceleration=np.zeros_like(old.acceleration),
            covariance=self._smoother.grown(old, elapsed),
        )

    def _answer(
        self, now: float, watched: Memory, away: Memory | None, seen: Sightings, frame_size: tuple[int, int]
    ) -> Refined:
        people, rows, confidence = watched, seen.rows, watched.confidence
        if away is not None:
            shown = self._shown(away, now, frame_size)
            if shown.any():
                predicted = away.rows(shown)
                people = watched.followed_by(predicted)
                rows = np.concatenate([seen.rows, np.full(len(predicted), -1)])
                faded = occlusion.faded(predicted.confidence, now - predicted.seen_at)
                confidence = np.concatenate([watched.confidence, faded])
        unit = people.scale[:, None, None]
        places = people.position + people.offset
        return Refined(
            track_ids=people.track_ids,
            boxes=people.boxes,
            keypoints=np.concatenate([places, confidence[..., None]], axis=-1),
            predicted=rows < 0,
            velocity=people.velocity / unit,
            acceleration=people.acceleration / unit,
            scale=people.scale,
            quality=confidence.mean(axis=1),
            reliability=people.reliability,
            rows=rows,
        )

    def snapshot(self) -> dict[str, bytes]:
        """The memory as array bytes; `restore` goes on exactly from it."""
        return self._memory.to_bytes()

    @classmethod
    def restore(cls, config: RefineConfig, state: Mapping[str, bytes]) -> Refiner:
        """A refiner as it was when `snapshot` was taken.

        Raises:
            ValueError: not a snapshot.
        """
        refiner = cls(config)
        refiner._memory = Memory.from_bytes(state)
        return refiner


def _points(seen: Sightings) -> Floats:
    return np.concatenate([seen.places, seen.confidence[..., None]], axis=-1)


def _chosen(seen: Sightings, rows: NDArray[np.bool_]) -> Sightings:
    return Sightings(
        seen.track_ids[rows], seen.boxes[rows], seen.places[rows], seen.confidence[rows], seen.rows[rows]
    )


def _inside(people: Memory, frame_size: tuple[int, int]) -> NDArray[np.bool_]:
    """[K] whose middle is in the image."""
    middle = (people.boxes[:, :2] + people.boxes[:, 2:]) / 2
    return np.asarray(((middle >= 0) & (middle <= np.array(frame_size))).all(axis=1))
