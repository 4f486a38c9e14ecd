"""Steadier key points a frame or two later, for people who watch and for archives; never for a classifier."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.refine import kalman, occlusion
from workers.pose.refine.config import RefineConfig
from workers.pose.refine.memory import Floats, Memory
from workers.pose.refine.refined import Refined
from workers.pose.refine.refiner import Refiner

MOST_FRAMES = 5


class FixedLag:
    """A `Refiner` that answers some frames later, when it knows how people went on.

    Rauch, Tung and Striebel's smoother over the refiner's own Kalman filter. Peaks of fast motion are cut, so
    what it gives is to be looked at, not to be judged by.
    """

    def __init__(self, config: RefineConfig, frames: int = 2) -> None:
        """Start with nobody.

        Raises:
            ValueError: `smoothing` keeps no covariance, or `frames` is not from 1 to 5.
        """
        if config.smoothing not in ("adaptive", "kalman"):
            raise ValueError(f"fixed lag needs smoothing adaptive or kalman, not {config.smoothing}")
        if not 1 <= frames <= MOST_FRAMES:
            raise ValueError(f"fixed lag: {frames} frames are not from 1 to {MOST_FRAMES}")
        self._refiner = Refiner(config)
        self._forget_s = config.forget_s
        self._frames = frames
        self._waiting: deque[tuple[float, Refined, Memory]] = deque()

    def update(
        self, at: float, track_ids: Any, boxes: Any, keypoints: Any, frame_size: tuple[int, int]
    ) -> tuple[float, Refined] | None:
        """Take a frame as `Refiner.update`; returns an earlier frame's time and people, or None at first."""
        refined = self._refiner.update(at, track_ids, boxes, keypoints, frame_size)
        self._waiting.append((at, refined, self._refiner.memory))
        return self._oldest() if len(self._waiting) > self._frames else None

    def flush(self) -> list[tuple[float, Refined]]:
        """The frames that still wait, at the end."""
        return [self._oldest() for _ in range(len(self._waiting))]

    def _oldest(self) -> tuple[float, Refined]:
        later = self._waiting[-1][2]
        position, velocity = later.position, later.velocity
        for _, _, memory in list(self._waiting)[-2::-1]:
            position, velocity = self._one_back(memory, position, velocity, later)
            later = memory
        at, refined, _ = self._waiting.popleft()
        row = {track: index for index, track in enumerate(later.track_ids.tolist())}
        rows = np.array([row[track] for track in refined.track_ids.tolist()], np.int64)
        keypoints = refined.keypoints.copy()
        keypoints[..., :2] = position[rows] + later.offset[rows]
        return at, replace(
            refined, keypoints=keypoints, velocity=velocity[rows] / refined.scale[:, None, None]
        )

    def _one_back(
        self, memory: Memory, position: Floats, velocity: Floats, later: Memory
    ) -> tuple[Floats, Floats]:
        """Smoothed positions and velocities of an earlier frame, from those of the frame after it."""
        match = memory.track_ids[:, None] == later.track_ids[None]
        smooth, speed = memory.position.copy(), memory.velocity.copy()
        here, then = match.nonzero()
        went_on = self._went_on(memory.rows(here), later.rows(then))
        here, then = here[went_on], then[went_on]
        if len(here):
            rows, elapsed = memory.rows(here), later.at[then] - memory.at[here]
            straight = rows.position + elapsed[:, None, None] * rows.velocity, rows.velocity
            coasted = occlusion.coasted(rows.position, rows.velocity, elapsed, rows.scale)
            away = (later.seen_at[then] < later.at[then])[:, None, None]
            smooth[here], speed[here] = kalman.smoothed_back(
                (rows.position, rows.velocity, rows.covariance),
                (np.where(away, coasted[0], straight[0]), np.where(away, coasted[1], straight[1])),
                (position[then], velocity[then]),
                elapsed,
                np.exp(rows.log_process) * np.square(rows.scale)[:, None],
            )
        return smooth, speed

    def _went_on(self, before: Memory, after: Memory) -> NDArray[np.bool_]:
        """[K] whose later row grew out of the earlier one, and does not go over to it in small steps."""
        afresh = (after.at < before.at) | (after.at - before.seen_at > self._forget_s)
        returns = (before.seen_at < before.at) & (after.seen_at == after.at)
        return np.asarray(~afresh & ~(returns & after.offset.any(axis=(1, 2))))
