"""A clinch: two hold each other, push and pull, turn about."""

from __future__ import annotations

import math

import numpy as np

from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.curves import Floats, pulse, waves
from workers.ingest.simulated.figure import Anchor, Figure, Reach
from workers.ingest.simulated.meetings import gap

CLINCH_M = 0.56


def clinch(a: Figure, b: Figure, start: float, end: float, home: Floats, rng: np.random.Generator) -> float:
    """Hold on to each other, not far from `home` [2]; both are near already. Returns when it is over."""
    for figure, other in ((a, b), (b, a)):
        figure.label(start - 0.1, end, "grapple")
        _grip(figure, other, start - 0.25, end)
    now = start
    while now < end - 0.5:
        seconds = float(rng.uniform(0.45, 0.9))
        drift = rng.normal(0, 0.16, 2) + 0.25 * (home - (a.where(now) + b.where(now)) / 2)
        way, apart = gap(a, b, now)
        angle = float(rng.normal(0, 0.45))
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = np.array([way[0] * cosine - way[1] * sine, way[0] * sine + way[1] * cosine])
        change = (CLINCH_M * turned - apart * way) / 2
        a.move(now, seconds, drift - change)
        b.move(now, seconds, drift + change)
        now += 0.8 * seconds
    return max(now, end)


def _grip(figure: Figure, other: Figure, start: float, end: float) -> None:
    rng, size = figure.rng, float(other.body.height)
    since = figure.moments(start, end)
    low = rng.random() < 0.4
    for side in (0, 1):
        sign = 1.0 if side else -1.0
        place = (0.02, 0.115, -0.02) if not low else (-0.05, 0.09, -0.17)
        if rng.random() < 0.3:
            place = (-0.02, 0.04, 0.06)
        aim = Anchor(other.index, "chest", (place[0] * size, place[1] * sign * size, place[2] * size))
        weight = pulse(since, start, 0.3, end, 0.3) * np.clip(0.93 + 0.12 * waves(rng, since, 0.4, 1.2), 0, 1)
        tug = 0.05 * np.stack([waves(rng, since, 0.6, 2.0) for _ in range(3)], axis=1)
        figure.reaches.append(Reach(side, start, weight, (aim,), (-0.2, 0.9, -0.5), tug))
    struggle = [waves(rng, figure.t, 0.5, 1.8) for _ in range(4)]
    span = figure.span(start, end)

    def apply(c: Controls, t: Floats) -> None:
        on = pulse(t, start, 0.35, end, 0.35)
        c.tilt[:, 1] += on * (0.16 + 0.05 * struggle[0][span])
        c.spine[:, 1] += on * (0.18 + 0.08 * struggle[1][span])
        c.spine[:, 0] += on * (0.12 + 0.08 * struggle[2][span])
        c.spine[:, 2] += on * 0.18 * struggle[3][span]
        c.offset[:, 0] -= 0.10 * on
        c.head[:, 0] += 0.15 * on
        c.head[:, 1] += on * (0.1 + 0.08 * struggle[0][span])
        c.drop += on * (0.05 + 0.02 * struggle[2][span])

    figure.clip(start, end, apply)
