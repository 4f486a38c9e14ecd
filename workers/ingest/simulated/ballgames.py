"""Throws and kicks of a ball: as fast as blows, and at nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.curves import Floats
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import toward
from workers.ingest.simulated.keys import Key, play


def throw(figure: Figure, start: float) -> float:
    """Throw something far with one hand; returns when the arm is down again."""
    figure.label(start, start + 2.0, "throw")
    brisk = float(figure.rng.uniform(0.85, 1.2))
    keys = [
        Key(
            0.0,
            0.01,
            (0, 0),
            (0, 0, 0),
            (0, 0, 0),
            left_arm=(0.3, 0.2, 0.6, 0.3),
            right_arm=(0.3, 0.2, 0.6, 0.3),
        ),
        Key(
            *(0.62, 0.05, (-0.08, 0), (0, -0.05, -0.35), (0, -0.15, -0.55)),
            left_arm=(1.4, 0.3, 0.3, 0.2),
            right_arm=(0.9, 1.45, 1.7, -0.5),
        ),
        Key(0.76, 0.04, (0.02, 0), (0, 0.05, 0.1), (0, 0.0, 0.1), right_arm=(1.6, 1.2, 1.5, -0.2)),
        Key(
            *(0.87, 0.05, (0.10, 0), (0, 0.2, 0.4), (0, 0.25, 0.45)),
            left_arm=(0.4, 0.4, 1.0, 0.3),
            right_arm=(1.8, 0.5, 0.25, 0.0),
        ),
        Key(1.02, 0.06, (0.10, 0), (0, 0.3, 0.45), (0, 0.4, 0.5), right_arm=(0.7, -0.2, 0.3, 0.5)),
        Key(1.5, 0.03, (0.05, 0), (0, 0.1, 0.2), (0, 0.15, 0.2), right_arm=(0.2, 0.1, 0.5, 0.4)),
    ]
    _one_off(figure, start, keys, brisk, step_m=0.25, sigma=0.025)
    return start + 2.1 * brisk


def kick_ball(figure: Figure, start: float) -> float:
    """Kick a ball away; returns when the foot is down again."""
    figure.label(start, start + 1.5, "kick_ball")
    brisk = float(figure.rng.uniform(0.85, 1.15))
    keys = [
        Key(0.0, 0.02, (0, 0), (0, 0, 0), (0, 0.05, 0), right_foot=(0.0, 0.1, 0.0), right_knee=(1, 0.1, 0.0)),
        Key(
            *(0.38, 0.04, (-0.02, 0.05), (0, 0.05, -0.3), (0, 0.1, 0.25)),
            left_arm=(0.9, 0.7, 0.4, 0.0),
            right_arm=(-0.5, 0.5, 0.4, 0.0),
            right_foot=(-0.52, 0.12, 0.33),
            right_knee=(1, 0.2, 0.1),
        ),
        Key(0.47, 0.06, (0.0, 0.05), (0, -0.05, 0.15), (0, 0.15, -0.1), right_foot=(0.22, 0.08, 0.02)),
        Key(
            *(0.54, 0.05, (0.02, 0.05), (0, -0.2, 0.3), (0, 0.3, -0.3)),
            left_arm=(-0.3, 0.6, 0.4, 0.0),
            right_arm=(0.8, 0.6, 0.4, 0.0),
            right_foot=(0.68, 0.02, 0.42),
            right_knee=(1, 0.1, 0.6),
        ),
        Key(
            0.82,
            0.03,
            (0.0, 0.02),
            (0, 0, 0),
            (0, 0.1, 0),
            right_foot=(0.2, 0.1, 0.12),
            right_knee=(1, 0.1, 0.1),
        ),
        Key(1.1, 0.02, (0.0, 0.0), (0, 0.02, 0), (0, 0.05, 0), right_foot=(0.0, 0.1, 0.0)),
    ]
    _one_off(figure, start, keys, brisk, step_m=0.0, sigma=0.03)
    return start + 1.5 * brisk


def _one_off(
    figure: Figure, start: float, keys: list[Key], slow: float, *, step_m: float, sigma: float
) -> None:
    if figure.rng.random() < 0.25:
        keys = [key.mirrored() for key in keys]
    keys = [replace(key, at=key.at * slow) for key in keys]
    until = start + keys[-1].at + 0.45
    figure.held[figure.span(start, until)] = True
    if step_m:
        figure.move(start + 0.3 * slow, 0.6 * slow, step_m * toward(figure.facing(start)))

    def apply(c: Controls, t: Floats) -> None:
        play(c, t, start, keys, until=until, rise=0.25, fall=0.4, sigma=sigma)

    figure.clip(start, until, apply)


def play_ball(figure: Figure, start: float, end: float) -> None:
    """Throw and kick now and then, stepping about in between."""
    rng, now = figure.rng, start
    figure.label(start, end, "exercise")
    home = figure.where(start)
    while now < end - 4.0:
        now = (throw if rng.random() < 0.5 else kick_ball)(figure, now + float(rng.uniform(0.2, 1.0)))
        back = home + rng.normal(0, 0.35, 2) - figure.where(now)
        figure.move(now, 0.7 + float(np.hypot(*back)), back)
        figure.spin(now, float(rng.normal(0, 0.5)), 0.8)
        now += 0.8 + float(np.hypot(*back))
