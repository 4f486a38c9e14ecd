"""Where the feet go, for any way of the root over the floor: step by step, without sliding.

A foot is lifted when the root moves on, or when it stands too far from where it should; it lands where the
root will be in the middle of its stance. Walking, running, shuffling backwards, turning on the spot and
stumbling all come out of this one rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workers.ingest.simulated.body import SIDES
from workers.ingest.simulated.curves import RATE, Floats, smooth
from workers.ingest.simulated.figure import Figure

# What a resting foot puts up with before it is set right: metres, radians.
_FAR_M = 0.07
_TWISTED = 0.4
_MOVING = 0.25  # metres a second
_RUNNING = 2.1


@dataclass(frozen=True)
class Feet:
    """[K, 2, 3] ankles in the world, [K, 2] where the toes point, [K, 2] whether a foot bears (0 to 1)."""

    ankle: Floats
    toe: Floats
    bears: Floats


@dataclass(frozen=True)
class _Step:
    side: int
    lift: int  # knots, as is the next
    land: int
    place: tuple[float, float, float]  # x, y, yaw
    clearance: float


def feet_of(figure: Figure) -> Feet:
    """Plan all steps of a person and follow them."""
    pace = np.hypot(*(figure.root[2:] - figure.root[:-2]).T) * RATE / 2
    pace = smooth(np.concatenate([pace[:1], pace, pace[-1:]]), 0.1)
    ideal = _ideal_places(figure, pace)
    return _followed(figure, ideal[0], _steps(figure, pace, ideal))


def _ideal_places(figure: Figure, pace: Floats) -> Floats:
    """[K, 2, 3] x, y, yaw where each foot would stand if it need not stay."""
    # Who moves sets the feet nearer to the line; who runs nearly on it.
    narrow = 1 - 0.45 * np.clip(pace / 1.2, 0, 1) - 0.25 * np.clip((pace - 1.8) / 1.5, 0, 1)
    out = SIDES * np.minimum(figure.width, 0.2)[:, None] * narrow[:, None]
    out += SIDES * np.maximum(figure.width - 0.2, 0.0)[:, None]
    ahead = SIDES * figure.stagger[:, None] / 2
    cosine, sine = np.cos(figure.yaw)[:, None], np.sin(figure.yaw)[:, None]
    x = figure.root[:, :1] + cosine * ahead - sine * out
    y = figure.root[:, 1:] + sine * ahead + cosine * out
    turned_out = figure.manner.toe_out * (1 - 0.7 * np.clip(pace / 1.2, 0, 1))
    return np.stack([x, y, figure.yaw[:, None] + SIDES * turned_out[:, None]], axis=-1)


def _timing(pace: float, leg: float, tempo: float) -> tuple[float, float]:
    """Seconds from one step to the next, and that a foot is in the air.

    Cadences and contact times of walking and running adults; a walker's ankle moves for 46% of a stride, as
    the heel rises before the toes leave the floor.
    """
    short = math.sqrt(0.86 / leg)
    if pace < _RUNNING:
        period = 1 / (short * (0.95 + 0.68 * max(pace, 0.6)))
        share = 0.46
    else:
        period = 1 / (short * (2.3 + 0.14 * pace))
        share = min(0.62 + 0.035 * (pace - _RUNNING), 0.76)
    return period / tempo, 2 * share * period / tempo


def _steps(figure: Figure, pace: Floats, ideal: Floats) -> list[_Step]:
    leg, last_knot = float(figure.body.leg), len(pace) - 1
    feet = [tuple(ideal[0, side]) for side in (0, 1)]
    landed = [0, 0]
    steps: list[_Step] = []
    knot, last = 0, int(figure.rng.integers(2))
    while knot < last_knot:
        soon = min(knot + 15, last_knot)
        moving = pace[soon] > _MOVING
        period, swing = _timing(float(pace[soon]), leg, float(figure.tempo[soon]))
        land = min(knot + max(round(swing * RATE), 8), last_knot)
        middle = min(land + max(round((period - swing / 2) * RATE), 0), last_knot)
        if moving:
            side = 1 - last
        else:
            off = [_strain(feet[side], ideal[land, side]) for side in (0, 1)]
            side = int(np.argmax(off))
            middle = land
            if off[side] < 1 or max(landed) > knot:
                knot += 4
                continue
        if landed[side] > knot:
            knot = landed[side]
            continue
        place = _uneven(figure, tuple(ideal[middle, side]), side, float(pace[soon]), period)
        stride = math.hypot(place[0] - feet[side][0], place[1] - feet[side][1])
        steps.append(_Step(side, knot, land, place, _clearance(float(pace[soon]), stride)))
        feet[side], landed[side], last = place, land, side
        knot += max(round(period * RATE), 6) if moving else land - knot + 5
    return steps


def _strain(foot: tuple[float, ...], ideal: Floats) -> float:
    """How badly a foot stands; above 1 it must be set right."""
    off = math.hypot(foot[0] - ideal[0], foot[1] - ideal[1]) / _FAR_M
    return max(off, abs(math.remainder(foot[2] - ideal[2], 2 * math.pi)) / _TWISTED)


def _uneven(
    figure: Figure, place: tuple[float, ...], side: int, pace: float, period: float
) -> tuple[float, float, float]:
    """A step is never quite where it should be, and a limp shortens those of one side."""
    x, y, yaw = place
    spread = 0.012 * min(pace, 1.5)
    dx, dy = figure.rng.normal(0, spread, 2)
    short = figure.manner.limp * side * pace * period * 0.5
    return x + dx - short * math.cos(yaw), y + dy - short * math.sin(yaw), yaw


def _clearance(pace: float, stride: float) -> float:
    """How high the ankle is lifted, metres above where it stands."""
    if pace > _RUNNING:
        return min(0.16 + 0.06 * pace, 0.5)
    return min(0.05 + 0.08 * stride, 0.17)


def _followed(figure: Figure, start: Floats, steps: list[_Step]) -> Feet:
    count, height = len(figure.t), float(figure.body.ankle)
    ankle, toe, bears = np.zeros((count, 2, 3)), np.zeros((count, 2)), np.ones((count, 2))
    ankle[..., :2], toe[:] = start[:, :2], start[:, 2]
    for step in steps:
        side, during = step.side, slice(step.lift, step.land + 1)
        u = np.linspace(0, 1, step.land - step.lift + 1)
        gone = u * u * (3 - 2 * u)
        before = ankle[step.lift, side, :2].copy()
        ankle[during, side, :2] = before + gone[:, None] * (np.array(step.place[:2]) - before)
        # The heel rises early and comes down late.
        ankle[during, side, 2] = step.clearance * 8.55 * u * (1 - u) ** 2.2 * (1 - 0.3 * u)
        twist = math.remainder(step.place[2] - float(toe[step.lift, side]), 2 * math.pi)
        toe[during, side] = toe[step.lift, side] + gone * twist
        bears[during, side] = 0
        ankle[step.land :, side, :2], toe[step.land :, side] = step.place[:2], toe[step.land, side]
    ankle[..., 2] += height
    return Feet(smooth(ankle, 0.015), smooth(toe, 0.03), bears)
