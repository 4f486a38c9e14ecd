"""Sports and exercise of one person: fast, far-reaching and not violent."""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.controls import Controls, mix, put_hand
from workers.ingest.simulated.curves import Floats, pulse
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import arm


def _set_arms(c: Controls, weight: Floats, raised: Floats, out: Floats, bend: Floats, inward: float) -> None:
    hand, elbow = arm(raised, out, bend, inward)
    for side in (0, 1):
        put_hand(c, side, weight, hand, elbow)


def _jump(c: Controls, height: Floats, spread: Floats, weight: Floats) -> None:
    """Leave the floor by `height` metres with both feet, which are `spread` metres (half) apart."""
    c.ankle[..., 2] += (weight * np.maximum(height, 0.0))[:, None]
    across = np.stack([-np.sin(c.yaw), np.cos(c.yaw)], axis=-1)
    middle = c.ankle[..., :2].mean(axis=1)
    for side, sign in enumerate((1.0, -1.0)):
        mix(c.ankle[:, side, :2], weight, middle + sign * spread[:, None] * across)


def jumping_jacks(figure: Figure, start: float, end: float) -> None:
    """Legs apart and arms up, legs together and arms down."""
    figure.label(start, end, "exercise")
    rng, hip = figure.rng, float(figure.body.hip_height)
    beat, reach = float(rng.uniform(0.85, 1.3)), float(rng.uniform(2.3, 2.9))
    apart = float(rng.uniform(0.3, 0.42))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.6, end, 0.6)
        phase = 2 * np.pi * beat * (t - start - 0.3)
        open_ = 0.5 - 0.5 * np.cos(phase)
        hop = 0.09 * np.abs(np.sin(phase)) ** 1.5
        _jump(c, hop, 0.09 + (apart - 0.09) * open_, weight)
        c.drop += weight * (0.035 - hop / hip + 0.07 * open_)
        _set_arms(c, weight, 0.1 + 0 * t, 0.12 + reach * open_, 0.25 + 0.15 * (1 - open_), 0.0)

    figure.clip(start, end, apply)


def squats(figure: Figure, start: float, end: float) -> None:
    """Knee bends with the arms held out."""
    figure.label(start, end, "exercise")
    figure.stance(start, end, 0.2 * float(figure.body.height) / 1.72)
    beat, depth = float(figure.rng.uniform(0.3, 0.55)), float(figure.rng.uniform(0.32, 0.48))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.8, end, 0.8)
        low = weight * (0.5 - 0.5 * np.cos(2 * np.pi * beat * (t - start)))
        c.drop += depth * low
        c.offset[:, 0] -= 0.5 * depth * low
        c.tilt[:, 1] += 0.9 * depth * low
        c.spine[:, 1] += 0.7 * depth * low
        c.head[:, 1] -= 0.9 * depth * low
        _set_arms(c, weight, 0.2 + 1.4 * low, 0.1 + 0 * t, 0.15 + 0 * t, 0.0)
        for side in (0, 1):
            mix(c.knee[:, side], weight, np.array([1.0, 0.35, 0.1]))

    figure.clip(start, end, apply)


def bends(figure: Figure, start: float, end: float) -> None:
    """Bend to the sides and twist, hands on the hips or overhead."""
    figure.label(start, end, "exercise")
    figure.stance(start, end, 0.22)
    rng = figure.rng
    beat, overhead = float(rng.uniform(0.3, 0.6)), rng.random() < 0.5
    share = float(rng.uniform(0.0, 1.0))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.8, end, 0.8)
        swing = weight * np.sin(2 * np.pi * beat * (t - start))
        c.spine[:, 0] += 0.5 * (1 - share) * swing
        c.spine[:, 2] += 0.8 * share * swing
        c.tilt[:, 0] -= 0.08 * swing
        c.offset[:, 1] += 0.05 * swing
        if overhead:
            _set_arms(c, weight, 0.1 + 0 * t, 2.7 + 0 * t, 0.3 + 0 * t, 0.0)
        else:
            _set_arms(c, weight, -0.35 + 0 * t, 0.6 + 0 * t, 1.6 + 0 * t, 0.9)

    figure.clip(start, end, apply)


def run_on_the_spot(figure: Figure, start: float, end: float) -> None:
    """Knees up in turn, arms bent."""
    figure.label(start, end, "exercise")
    rng, hip = figure.rng, float(figure.body.hip_height)
    beat, high = float(rng.uniform(1.2, 1.7)), float(rng.uniform(0.15, 0.38))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.6, end, 0.6)
        phase = 2 * np.pi * beat * (t - start)
        ahead = np.stack([np.cos(c.yaw), np.sin(c.yaw)], axis=-1)
        c.drop += weight * (0.03 - 0.035 * np.abs(np.sin(phase)))
        for side, sign in enumerate((1.0, -1.0)):
            lift = np.maximum(sign * np.sin(phase), 0) ** 1.3
            c.ankle[:, side, 2] += weight * lift * high * hip
            c.ankle[:, side, :2] += (weight * lift * 0.10)[:, None] * ahead
            hand, elbow = arm(-0.15 - 0.6 * sign * np.sin(phase), 0.15, 1.55, 0.35)
            put_hand(c, side, weight, hand, elbow)

    figure.clip(start, end, apply)


def shadow_box(figure: Figure, start: float, end: float) -> None:
    """Box against nobody: punches into the air, from a guard."""
    rng = figure.rng
    figure.label(start, end, "exercise")
    figure.stance(start, end, 0.14, float(rng.choice([-1, 1])) * 0.24, 1.3)
    blows = np.cumsum(rng.uniform(0.35, 1.3, int((end - start) / 0.35) + 1)) + start + 0.7
    blows = blows[blows < end - 0.6]
    sides = rng.integers(0, 2, len(blows))
    aims = np.stack([rng.uniform(0.8, 0.98, len(blows)), rng.normal(-0.2, 0.12, len(blows))], axis=1)
    heights = rng.uniform(-0.05, 0.3, len(blows))
    bounce = float(rng.uniform(1.6, 2.4))

    def apply(c: Controls, t: Floats) -> None:
        on = pulse(t, start, 0.5, end, 0.5)
        c.drop += on * (0.035 + 0.012 * np.sin(2 * np.pi * bounce * t))
        c.spine[:, 1] += 0.12 * on
        for side in (0, 1):
            put_hand(c, side, on, np.array([0.46, -0.14, 0.10]), np.array([-0.15, 0.45, -0.9]))
        for lands, side, aim, high in zip(blows, sides, aims, heights, strict=True):
            blow = pulse(t, lands - 0.16, 0.16, lands + 0.36, 0.3)
            mix(c.hand[:, side], blow, np.array([aim[0], aim[1], high]))
            sign = 1.0 if side == 0 else -1.0
            c.spine[:, 2] -= sign * 0.5 * blow
            c.head[:, 2] += sign * 0.45 * blow

    figure.clip(start, end, apply)
