"""Dancing alone, to a beat."""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.controls import Controls, put_hand
from workers.ingest.simulated.curves import Floats, ease, pulse, smooth, waves
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import arm, toward


def dance(figure: Figure, start: float, end: float, beat: float | None = None) -> None:
    """Dance alone: steps from side to side, hips, arms that change their pattern every eight beats."""
    figure.label(start, end, "dance")
    rng = figure.rng
    beat = float(rng.uniform(1.4, 2.1)) if beat is None else beat
    _dance_steps(figure, start, end, beat)
    energy, phase_shift = float(rng.uniform(0.6, 1.3)), float(rng.uniform(0, 2 * np.pi))
    count = int((end - start) * beat / 8) + 2
    patterns = rng.uniform([0.1, 0.1, 0.4, 0.0], [2.0, 1.0, 1.6, 1.0], (count, 2, 4))
    swings = rng.uniform([0.1, 0.0, 0.1, -0.3], [0.7, 0.6, 0.6, 0.4], (count, 2, 4))
    together = np.where(rng.random((count, 1)) < 0.5, 0.0, np.pi)

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.8, end, 0.8)
        phase = np.pi * beat * (t - start) + phase_shift
        c.drop += weight * energy * (0.025 + 0.025 * np.cos(2 * phase))
        c.offset[:, 1] += weight * energy * 0.05 * np.sin(phase)
        c.tilt[:, 0] += weight * energy * 0.07 * np.sin(phase)
        c.spine[:, 0] -= weight * energy * 0.12 * np.sin(phase)
        c.spine[:, 2] += weight * energy * 0.18 * np.sin(phase + 0.7)
        c.head[:, 1] += weight * energy * 0.08 * np.cos(2 * phase)
        at = np.clip(((t - start) * beat / 8).astype(int), 0, count - 1)
        for side in (0, 1):
            turn = np.sin(phase + side * together[at, 0])[:, None]
            angles = patterns[at, side] + energy * swings[at, side] * turn
            hand, elbow = arm(*smooth(angles, 0.16).T)
            put_hand(c, side, weight, hand, elbow)

    figure.clip(start, end, apply)


def _dance_steps(figure: Figure, start: float, end: float, beat: float) -> None:
    rng, now, side = figure.rng, start + 0.3, 1.0
    home = figure.where(start)
    figure.tempo[figure.span(start, end)] = 1.2
    while now < end - 3 / beat:
        if rng.random() < 0.08:
            figure.spin(now, float(rng.choice([-1, 1])) * float(rng.choice([np.pi, 2 * np.pi])), 3 / beat)
            now += 3 / beat
            continue
        yaw = figure.facing(now)
        drift = 0.3 * (home - figure.where(now))
        step = side * rng.uniform(0.12, 0.3) * toward(yaw + np.pi / 2) + rng.normal(0, 0.05, 2) + drift
        figure.move(now, 1.2 / beat, step)
        figure.spin(now, float(rng.normal(0, 0.15)), 1.2 / beat)
        side, now = -side, now + 2 / beat
    figure.yaw += 0.1 * waves(rng, figure.t, 0.1, 0.4) * ease((figure.t - start) / 1.0) * ease(end - figure.t)
