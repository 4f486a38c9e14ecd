"""The filters that a site may choose from, behind one face. P people, K = P rows of memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workers.pose.refine import adaptive, kalman
from workers.pose.refine.config import RefineConfig
from workers.pose.refine.memory import Floats, Memory
from workers.pose.refine.one_euro import OneEuro
from workers.pose.refine.reliability import next_reliability, unknown_reliability
from workers.pose.refine.sightings import Sightings

# Nobody moves for longer without a frame; beyond it, covariances would only overflow.
_LONGEST_S = 60.0
_SHORTEST_S = 1e-6


class Smoother:
    """Starts people and carries them on; has no memory of its own."""

    def __init__(self, config: RefineConfig) -> None:
        self._config = config
        self._one_euro = OneEuro(config.min_cutoff, config.beta, config.d_cutoff)
        self._log_process = np.log(config.process_noise) if config.smoothing == "kalman" else 0.0

    @property
    def has_covariance(self) -> bool:
        """Whether one can smooth back from it."""
        return self._config.smoothing in ("adaptive", "kalman")

    def start(self, now: float, seen: Sightings, heights: Floats) -> Memory:
        """[P] rows of people who were not known."""
        rows = Memory.empty(len(seen))
        variance = kalman.measurement_variance(seen.confidence, seen.boxes)
        measured = np.asarray(~np.isnan(seen.places).any(axis=-1))
        rows.surprise[:, :2] = 1.0
        mean, weight = unknown_reliability(len(seen))
        mean, weight = next_reliability(mean, weight, seen.confidence, np.zeros(len(seen)))
        return replace(
            rows,
            track_ids=seen.track_ids,
            at=np.full(len(seen), now),
            seen_at=np.full(len(seen), now),
            scale=heights,
            boxes=seen.boxes,
            confidence=seen.confidence,
            position=seen.usable,
            covariance=kalman.started(variance, heights, measured),
            log_process=np.full_like(seen.confidence, self._log_process),
            reliability=mean,
            reliability_weight=weight,
        )

    def grown(self, old: Memory, elapsed: Floats) -> Floats:
        """[P, 3, 17] the covariance of people who are not seen, after some seconds [P]."""
        if not self.has_covariance:
            return old.covariance
        process = np.exp(old.log_process) * np.square(old.scale)[:, None]
        return kalman.predicted(old.covariance, np.minimum(elapsed, _LONGEST_S), process)

    def step(self, old: Memory, seen: Sightings, scale: Floats, elapsed: Floats, unseen: Floats) -> Memory:
        """The rows after a measurement: position, velocity and what the filter keeps beside them.

        Args:
            old: [P].
            seen: [P].
            scale: [P] body heights, pixels.
            elapsed: [P] seconds since the last frame; rows where it is not above 0 are not to be used.
            unseen: [P] seconds since each person was last seen.
        """
        time = np.clip(elapsed, _SHORTEST_S, _LONGEST_S)
        if not self.has_covariance:
            return self._filtered(old, seen, scale, time)
        variance = kalman.measurement_variance(seen.confidence, seen.boxes)
        if self._config.smoothing == "adaptive":
            before = adaptive.Filtered(
                old.position,
                old.velocity,
                old.covariance,
                old.innovation,
                old.surprise,
                old.log_process,
                old.log_body_process,
            )
            after = adaptive.filtered(
                before, seen.places, variance, time, scale, np.maximum(unseen, _SHORTEST_S)
            )
            return replace(old, **vars(after))
        expected = old.position + time[:, None, None] * old.velocity
        innovation = np.nan_to_num(seen.places - expected)
        variance = np.where(np.isnan(seen.places).any(axis=-1), np.inf, variance)
        covariance = self.grown(replace(old, scale=scale), time)
        position, velocity, covariance = kalman.corrected(
            expected, old.velocity, covariance, innovation, variance
        )
        return replace(old, position=position, velocity=velocity, covariance=covariance)

    def _filtered(self, old: Memory, seen: Sightings, scale: Floats, elapsed: Floats) -> Memory:
        """One Euro, or nothing at all; joints that are not known stay where they are."""
        measured = np.where(np.isnan(seen.places), old.position, seen.places)
        if self._config.fixed_fps is not None:
            elapsed = np.full_like(elapsed, 1 / self._config.fixed_fps)
        position, rate, weight = self._one_euro.step(measured, old.position, old.rate, elapsed, scale)
        if self._config.smoothing == "none":
            position, weight = measured, np.ones_like(measured)
        return replace(old, position=position, rate=rate, velocity=rate * weight)
