"""What two people do together peacefully: they meet, talk, shake hands, hug, dance, carry, play."""

from __future__ import annotations

import math

import numpy as np

from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.curves import Floats, pulse, smooth, waves
from workers.ingest.simulated.figure import Anchor, Figure, Reach
from workers.ingest.simulated.gait import toward
from workers.ingest.simulated.standing import gesture, stand, sway

TALKING_M = 1.15


def gap(a: Figure, b: Figure, at: float) -> tuple[Floats, float]:
    """The unit vector [2] from one to the other, and their distance in metres."""
    way = b.where(at) - a.where(at)
    distance = float(np.hypot(*way))
    return (way / distance if distance > 1e-6 else toward(a.facing(at))), distance


def meet(
    a: Figure, b: Figure, start: float, place: Floats, speed: float = 1.2, distance: float = TALKING_M
) -> float:
    """Both walk to a place and face each other there; returns when both have come."""
    way, apart = gap(a, b, start)
    angle = math.atan2(way[1], way[0]) if apart > 0.5 else float(a.rng.uniform(-np.pi, np.pi))
    arrived = []
    for figure, sign in ((a, -1.0), (b, 1.0)):
        goal = np.asarray(place) + sign * distance / 2 * toward(angle)
        there = figure.walk(start, [goal], speed * float(figure.rng.uniform(0.9, 1.1)))
        arrived.append(figure.turn(there - 0.3, angle + (math.pi if sign > 0 else 0.0)))
    for figure, there in zip((a, b), arrived, strict=True):
        if max(arrived) - there > 0.5:
            stand(figure, there, max(arrived))
        figure.held[figure.span(there, max(arrived))] = True
    return max(arrived)


def both(a: Figure, b: Figure, start: float, end: float, action: str) -> None:
    """Say what both do, and that nobody may push them aside."""
    for figure in (a, b):
        figure.label(start, end, action)
        figure.held[figure.span(start, end)] = True


def close_in(a: Figure, b: Figure, start: float, seconds: float, distance: float) -> None:
    """Both step until they are `distance` metres apart, and turn to each other."""
    way, apart = gap(a, b, start)
    a.move(start, seconds, (apart - distance) / 2 * way)
    b.move(start, seconds, -(apart - distance) / 2 * way)
    a.face(start, a.where(start) + way, seconds)
    b.face(start, b.where(start) - way, seconds)


def talk(a: Figure, b: Figure, start: float, end: float, excited: float = 1.0) -> None:
    """Stand before each other and talk; above 1 they quarrel, in words alone."""
    both(a, b, start, end, "talk")
    for figure in (a, b):
        sway(figure, start, end, 0.7)
        gesture(figure, start, end, excited * float(figure.rng.uniform(0.7, 1.2)))
    if excited > 1.2:
        close_in(a, b, start + 0.3, 1.0, float(a.rng.uniform(0.75, 0.95)))
        now = start + 1.5
        while now < end - 1.5:
            figure = (a, b)[int(a.rng.integers(2))]
            step = float(a.rng.uniform(0.08, 0.2)) * toward(figure.facing(now))
            figure.move(now, 0.5, step)
            figure.move(now + 1.0, 0.6, -step)
            now += float(a.rng.uniform(1.6, 3.0))


def shake_hands(a: Figure, b: Figure, start: float, end: float) -> None:
    """Right hand in right hand, a few shakes."""
    both(a, b, start, end, "handshake")
    close_in(a, b, start, 0.7, 0.83)
    pumps, since = float(a.rng.uniform(1.8, 2.8)), a.moments(start, end) - start
    weight = pulse(since, 0.35, 0.55, end - start - 0.1, 0.5)
    up = 0.035 * np.sin(2 * np.pi * pumps * since) * pulse(since, 0.9, 0.2, end - start - 0.6, 0.3)
    shift = np.stack([0 * up, 0 * up, up], axis=-1)
    for figure, other in ((a, b), (b, a)):
        meeting = tuple(Anchor(one.index, "chest", (0.27, -0.10, -0.36)) for one in (a, b))
        own = Anchor(figure.index, "chest", (0.20, -0.06, -0.36))
        anchors = (*meeting, *meeting, own)
        figure.reaches.append(Reach(1, start, weight, anchors, (-0.5, 0.3, -0.8), shift))
        sway(figure, start, end, 0.3)
        _nod(figure, start + 0.6, end, other)


def _nod(figure: Figure, start: float, end: float, other: Figure) -> None:
    nods = waves(figure.rng, figure.t, 0.3, 0.8)
    down = 0.6 * (float(other.body.height) - float(figure.body.height))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, end, 0.5)
        c.spine[:, 1] += 0.10 * weight
        c.head[:, 1] += weight * (-0.1 - down + 0.05 * nods[figure.span(start, end)])

    figure.clip(start, end, apply)


def hug(a: Figure, b: Figure, start: float, end: float) -> None:
    """Step together, arms around each other, rock a little, step back."""
    both(a, b, start, end, "hug")
    rng = a.rng
    close_in(a, b, start, 0.9, float(rng.uniform(0.36, 0.44)))
    _close_in_later(a, b, end - 0.8, 0.8, float(rng.uniform(0.8, 1.1)))
    over = int(rng.integers(2))
    rock = 0.05 * waves(rng, a.t, 0.2, 0.6)
    for figure, other, sign in ((a, b, 1.0), (b, a, -1.0)):
        _embrace(figure, other, start, end, over)
        _lean_in(figure, start, end, over, sign * rock)


def _close_in_later(a: Figure, b: Figure, start: float, seconds: float, distance: float) -> None:
    way, apart = gap(a, b, start)
    a.move(start, seconds, (apart - distance) / 2 * way)
    b.move(start, seconds, -(apart - distance) / 2 * way)


def _embrace(figure: Figure, other: Figure, start: float, end: float, over: int) -> None:
    """One arm over the other's shoulder, the other one around the ribs."""
    since = figure.moments(start, end) - start
    rng, size = figure.rng, float(other.body.height)
    pat = 0.025 * np.maximum(np.sin(2 * np.pi * 2.2 * since), 0) * (waves(rng, since, 0.1, 0.3) > 0.2)
    for side in (0, 1):
        weight = pulse(since, 0.3 + 0.1 * side, 0.8, end - start - 0.1, 0.7)
        # The other faces this way, so what is left for one is right for the other.
        out = -1.0 if side == 0 else 1.0
        if side == over:
            place, elbow = (-0.045, -0.020 * out, -0.020), (0.3, 0.7, -0.45)
        else:
            place, elbow = (-0.045, 0.020 * out, -0.140), (-0.3, 0.6, -0.8)
        anchor = Anchor(other.index, "chest", (place[0] * size, place[1] * size, place[2] * size))
        away = np.stack([0 * pat, 0 * pat, pat * (side == over)], axis=-1)
        figure.reaches.append(Reach(side, start, weight, (anchor,), elbow, smooth(away, 0.04)))


def _lean_in(figure: Figure, start: float, end: float, over: int, rock: Floats) -> None:
    # Heads pass on the side of the arm that is below.
    to_right = 1.0 if over == 0 else -1.0

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start + 0.2, 0.9, end - 0.1, 0.8)
        c.tilt[:, 1] += 0.04 * weight
        c.spine[:, 1] += 0.10 * weight
        c.offset[:, 1] -= 0.055 * to_right * weight
        c.spine[:, 0] += weight * (0.10 * to_right + rock[figure.span(start, end)])
        c.head[:, 0] += 0.16 * to_right * weight
        c.head[:, 2] += 0.25 * to_right * weight
        c.head[:, 1] += 0.12 * weight

    figure.clip(start, end, apply)


def high_five(a: Figure, b: Figure, start: float) -> float:
    """Right hands meet over the heads; returns when they are down."""
    end = start + 1.6
    both(a, b, start, end, "handshake")
    close_in(a, b, start, 0.6, 0.85)
    since = a.moments(start, end) - start
    weight = pulse(since, 0.35, 0.4, 1.35, 0.5)
    for figure in (a, b):
        meeting = tuple(Anchor(one.index, "chest", (0.38, -0.12, 0.30)) for one in (a, b))
        figure.reaches.append(Reach(1, start, weight, meeting, (0.1, 0.6, -0.6)))
    return end
