"""What two people do together while they move: walk, carry, dance, play."""

from __future__ import annotations

import math

import numpy as np

from workers.ingest.simulated import strikes
from workers.ingest.simulated.controls import Controls, put_hand
from workers.ingest.simulated.curves import RATE, Floats, ease, pulse, smooth, waves
from workers.ingest.simulated.dancing import dance
from workers.ingest.simulated.figure import Anchor, Figure, Reach
from workers.ingest.simulated.meetings import both, close_in, gap


def walk_together(
    a: Figure, b: Figure, start: float, places: list[Floats], speed: float, apart: float = 0.68
) -> float:
    """Side by side along one way; returns when it ends."""
    end = a.walk(start, places, speed)
    span = slice(a.knot(start), len(a.t))
    yaw = smooth(a.yaw[span], 0.25)
    side = float(a.rng.choice([-1.0, 1.0])) * apart
    beside = a.root[span] + side * np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    join = _join(b, span, beside)
    b.yaw[span] += join * _towards(b.yaw[span], a.yaw[span])
    both(a, b, start, end, "walk")
    return end


def _join(figure: Figure, span: slice, goal: Floats) -> Floats:
    """Go over to a moving goal [k, 2] at a walker's speed; the share [k] of the way that is done."""
    away = float(np.hypot(*(goal[0] - figure.root[span.start])))
    share = ease((figure.t[span] - figure.t[span.start]) / (0.5 + 1.5 * away))
    figure.root[span] += share[:, None] * (goal - figure.root[span])
    return share


def _towards(yaw: Floats, goal: Floats) -> Floats:
    """[k] what is missing to a yaw, the short way at first."""
    missing = goal - yaw
    return np.asarray(missing + math.remainder(float(missing[0]), 2 * math.pi) - missing[0])


def carry_together(a: Figure, b: Figure, start: float, places: list[Floats], speed: float = 0.7) -> float:
    """A long thing between two people; one walks ahead, backwards."""
    long = float(a.rng.uniform(1.3, 1.7))
    end = a.walk(start, places, speed, "carry_together", straight=True)
    span = slice(a.knot(start), len(a.t))
    yaw = smooth(a.yaw[span], 0.4)
    ahead = a.root[span] + long * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    b.yaw[span] += _join(b, span, ahead) * _towards(b.yaw[span], a.yaw[span] + math.pi)
    both(a, b, start, end, "carry_together")
    radius = float(a.rng.uniform(0.06, 0.12))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, end, 0.6)
        for side in (0, 1):
            put_hand(c, side, weight, np.array([0.42, -0.02, -0.76]), np.array([-0.8, 0.6, 0.0]))
        c.load[:, 0] = np.maximum(c.load[:, 0], radius * weight)
        c.drop += 0.03 * weight
        c.spine[:, 1] += 0.12 * weight
        c.spine[:, 2] *= 1 - 0.6 * weight

    for figure in (a, b):
        figure.clip(start, end, apply)
    return end


def dance_together(a: Figure, b: Figure, start: float, end: float) -> None:
    """In closed hold, turning about each other, or apart to the same beat."""
    beat = float(a.rng.uniform(1.4, 2.0))
    if a.rng.random() < 0.35:
        for figure in (a, b):
            dance(figure, start, end, beat)
        both(a, b, start, end, "dance_together")
        return
    both(a, b, start, end, "dance_together")
    close_in(a, b, start, 0.8, 0.50)
    _turn_about(a, b, start + 1.0, end - 0.8, beat)
    since = a.moments(start, end) - start
    weight = pulse(since, 0.4, 0.8, end - start, 0.7)
    sign = 1.0
    for figure, other in ((a, b), (b, a)):
        hold = tuple(Anchor(one.index, "chest", (0.2, sign * y, 0.02)) for one, y in ((a, 0.42), (b, -0.42)))
        side = 0 if figure is a else 1
        figure.reaches.append(Reach(side, start, weight, hold, (-0.2, 0.5, -0.8)))
        place = (-0.10, -0.05, -0.22) if figure is b else (-0.10, 0.07, -0.30)
        elbow = (0.1, 0.9, -0.1) if figure is b else (0.0, 0.9, -0.4)
        figure.reaches.append(Reach(1 - side, start, weight, (Anchor(other.index, "chest", place),), elbow))

        def apply(c: Controls, t: Floats) -> None:
            on = pulse(t, start, 0.8, end, 0.8)
            phase = np.pi * beat * (t - start)
            c.drop += on * (0.015 + 0.015 * np.cos(2 * phase))
            c.spine[:, 0] += on * 0.05 * np.sin(phase)
            c.spine[:, 1] -= 0.04 * on

        figure.clip(start, end, apply)


def _turn_about(a: Figure, b: Figure, start: float, end: float, beat: float) -> None:
    """Move as one on a small round, while the pair turns."""
    span = a.span(start, end)
    since = a.t[span] - start
    weight = pulse(a.t[span], start, 1.0, end, 1.0)
    turn = float(a.rng.choice([-1.0, 1.0])) * np.cumsum(weight * a.rng.uniform(0.2, 0.6)) / RATE
    drift = [0.22 * np.sin(np.pi * beat / 2 * since + phase) * weight for phase in (0.0, np.pi / 2)]
    middle = (a.root[span] + b.root[span]) / 2
    for figure in (a, b):
        from_middle = figure.root[span] - middle
        cosine, sine = np.cos(turn), np.sin(turn)
        x = from_middle[:, 0] * cosine - from_middle[:, 1] * sine + drift[0]
        y = from_middle[:, 0] * sine + from_middle[:, 1] * cosine + drift[1]
        moved = middle + np.stack([x, y], axis=-1)
        last = figure.root[span.stop - 1].copy()
        figure.root[span] = moved
        figure.root[span.stop :] += moved[-1] - last
        figure.yaw[span] += turn
        figure.yaw[span.stop :] += turn[-1]
        figure.tempo[span] = 1.2


def horseplay(a: Figure, b: Figure, start: float, end: float) -> None:
    """Friends who shove each other lightly and laugh: like a fight from afar, and none."""
    for figure in (a, b):
        figure.label(start, end, "play", fighting=False)
        figure.held[figure.span(start, end)] = True
    rng, now = a.rng, start + 0.3
    while now < end - 1.8:
        who, other = (a, b) if rng.random() < 0.5 else (b, a)
        way, apart = gap(who, other, now)
        who.move(now, 0.7, (apart - 0.68) * way)
        lands = now + 1.0
        strikes.shove(who, other, lands, 0.5)
        metres = float(rng.uniform(0.10, 0.25))
        other.move(lands, 0.6, metres * gap(who, other, lands)[0])
        now = lands + float(rng.uniform(0.8, 1.8))
    for figure in (a, b):
        figure.label(start, end, "play")
        _laugh(figure, start, end)
    for figure, other in ((a, b), (b, a)):
        figure.face(start, other.where(start), 0.5)


def _laugh(figure: Figure, start: float, end: float) -> None:
    shaking = np.clip(waves(figure.rng, figure.t, 0.1, 0.4), 0, 1.5)

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, end, 0.5) * shaking[figure.span(start, end)]
        c.spine[:, 1] += weight * (0.10 + 0.02 * np.sin(2 * np.pi * 4 * t))
        c.head[:, 1] -= 0.12 * weight

    figure.clip(start, end, apply)
