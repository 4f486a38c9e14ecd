"""Boxes and bags: picked up, carried along, put down."""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.controls import Controls, mix, put_hand
from workers.ingest.simulated.curves import Floats, pulse
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.keys import Key, play

_BOX_HANDS = ((0.60, 0.0, -0.44), (-0.6, 0.6, -0.5))
STOOP_S = 1.9


def carry_box(figure: Figure, start: float, end: float) -> None:
    """Hold a box in front of the belly while standing or walking."""
    figure.label(start, end, "carry")
    radius = float(figure.rng.uniform(0.12, 0.19))
    high = float(figure.rng.uniform(-0.12, 0.22))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, end, 0.5)
        hand, elbow = np.array(_BOX_HANDS[0]) + np.array([0.0, 0.0, high]), np.array(_BOX_HANDS[1])
        for side in (0, 1):
            put_hand(c, side, weight, hand, elbow)
        c.load[:, 0] = np.maximum(c.load[:, 0], radius * weight)
        c.tilt[:, 1] -= 0.04 * weight
        c.spine[:, 1] -= 0.05 * weight
        c.spine[:, 2] *= 1 - 0.7 * weight

    figure.clip(start, end, apply)


def carry_bag(figure: Figure, start: float, end: float, side: int) -> None:
    """Let a bag hang from one hand, leaning away from it."""
    figure.label(start, end, "carry")
    radius = float(figure.rng.uniform(0.10, 0.16))
    sign = 1.0 - 2.0 * side

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, end, 0.5)
        mix(c.hand[:, side], 0.75 * weight, np.array([0.02, 0.14, -0.985]))
        c.load[:, 1 + side] = np.maximum(c.load[:, 1 + side], radius * weight)
        c.spine[:, 0] += 0.06 * sign * weight

    figure.clip(start, end, apply)


def pick_up(figure: Figure, start: float) -> float:
    """Bend down to the floor with both hands and come up again; returns when. Putting down looks the same."""
    end = start + STOOP_S
    figure.label(start, end, "carry")
    squat = float(figure.rng.uniform(0.0, 1.0))
    low = Key(
        0.5 * STOOP_S,
        drop=0.16 + 0.30 * squat,
        offset=(-0.10 - 0.05 * squat, 0.0),
        tilt=(0.0, 0.75 - 0.15 * squat, 0.0),
        spine=(0.0, 0.75 - 0.2 * squat, 0.0),
        head=(0.0, -0.35, 0.0),
        left_arm=(1.15, 0.0, 0.2, 0.8),
        right_arm=(1.15, 0.0, 0.2, 0.8),
    )
    keys = [Key(0.0, 0.015, (0, 0), (0, 0.02, 0), (0, 0.03, 0), (0, 0.0, 0)), low]
    keys += [Key(STOOP_S, 0.015, (0, 0), (0, 0.02, 0), (0, 0.03, 0), (0, 0.0, 0))]

    def apply(c: Controls, t: Floats) -> None:
        play(c, t, start, keys, until=end, rise=0.35, fall=0.35, sigma=0.14)

    figure.clip(start, end, apply)
    return end
