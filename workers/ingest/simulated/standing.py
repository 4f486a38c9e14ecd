"""What people do who stand or sit: sway, shift their weight, look around, talk, use a phone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workers.ingest.simulated.controls import Controls, mix, put_hand
from workers.ingest.simulated.curves import Floats, pulse, smooth, through, waves
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.keys import Key, play

SEAT_M = 0.45

# Where hands rest: wrist from shoulder in arm lengths (forward, outward, up), and where the elbow points.
HANDS = {
    "crossed": ((0.40, -0.45, -0.45), (-0.3, 0.6, -0.75)),
    "hips": ((0.02, 0.08, -0.62), (-0.5, 1.0, 0.0)),
    "pockets": ((0.08, 0.02, -0.84), (-0.8, 0.6, 0.0)),
    "back": ((-0.28, -0.36, -0.74), (-0.3, 0.9, 0.0)),
    "call": ((0.22, -0.12, 0.20), (0.35, 0.45, -0.8)),
    "text": ((0.52, -0.26, -0.26), (-0.2, 0.5, -0.9)),
    "front": ((0.52, -0.08, -0.36), (-0.5, 0.5, -0.7)),
    "clasped": ((0.30, -0.30, -0.72), (-0.5, 0.8, 0.0)),
    "wave": ((0.18, 0.30, 0.62), (0.0, 0.6, -0.7)),
    "lap": ((0.56, -0.10, -0.60), (-0.5, 0.7, -0.2)),
    "table": ((0.72, -0.08, -0.46), (-0.5, 0.7, -0.4)),
}
_RESTING = ("crossed", "hips", "pockets", "back", "clasped", "")


def rest_hand(c: Controls, side: int, weight: Floats, where: str, shift: Floats | float = 0.0) -> None:
    """Bring a hand to one of HANDS, as far as `weight` says."""
    hand, elbow = HANDS[where]
    put_hand(c, side, weight, np.array(hand) + shift, np.array(elbow))


def sway(figure: Figure, start: float, end: float, lively: float = 1.0) -> None:
    """Standing is not stillness: sway, weight shifts, glances."""
    rng = figure.rng
    shifts = _moments(rng, start, end, 3.0, 9.0)
    sides = rng.choice([-1.0, 0.0, 1.0], len(shifts)) * rng.uniform(0.6, 1.2, len(shifts))
    glances = _moments(rng, start, end, 1.2, 5.0)
    looks = rng.normal(0, 0.45, len(glances)) * (rng.random(len(glances)) < 0.7)

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.6, end, 0.5)
        breath = np.sin(2 * np.pi * 0.27 * t + figure.index)
        side = smooth(through(t, _steps(shifts, 0.9), np.repeat(sides, 2)), 0.1) * weight
        c.offset[:, 0] += weight * 0.009 * waves(rng, t, 0.1, 0.5)
        c.offset[:, 1] += weight * 0.006 * waves(rng, t, 0.1, 0.5) + 0.045 * lively * side
        c.tilt[:, 0] += 0.05 * lively * side
        c.spine[:, 0] += -0.07 * lively * side + weight * 0.012 * waves(rng, t, 0.1, 0.4)
        c.spine[:, 1] += weight * (0.008 * breath + 0.015 * waves(rng, t, 0.05, 0.3))
        c.spine[:, 2] += weight * 0.02 * waves(rng, t, 0.05, 0.3)
        look = through(t, _steps(glances, 0.4), np.repeat(looks, 2)) * weight
        c.head[:, 2] += 0.75 * look
        c.spine[:, 2] += 0.25 * look
        c.head[:, 1] += weight * 0.04 * waves(rng, t, 0.1, 0.6)

    figure.clip(start, end, apply)


def _moments(rng: np.random.Generator, start: float, end: float, least: float, most: float) -> list[float]:
    moments = [start]
    while moments[-1] < end:
        moments.append(moments[-1] + float(rng.uniform(least, most)))
    return moments


def _steps(moments: list[float], seconds: float) -> list[float]:
    """Each value is held from when it is reached until the next change begins."""
    held = [moments[0], *moments[1:]]
    ends = [*(moment - seconds for moment in moments[1:]), moments[-1] + seconds]
    return [moment for pair in zip(held, ends, strict=True) for moment in pair]


def stand(figure: Figure, start: float, end: float) -> None:
    """Stand about, hands anywhere; sometimes scratch the head or wave."""
    figure.label(start, end, "stand")
    sway(figure, start, end)
    rng, now = figure.rng, start
    while now < end - 1.0:
        until = min(now + float(rng.uniform(4, 12)), end)
        _rest(figure, now, until, str(rng.choice(_RESTING)))
        if rng.random() < 0.3 and until - now > 3:
            _touch_face(figure, float(rng.uniform(now + 0.5, until - 2.0)))
        now = until


def _rest(figure: Figure, start: float, end: float, where: str) -> None:
    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.7, end, 0.7)
        for side in (0, 1):
            rest_hand(c, side, weight, where)

    if where:
        figure.clip(start, end, apply)


def _touch_face(figure: Figure, start: float) -> None:
    rng = figure.rng
    side, lasting = int(rng.integers(2)), float(rng.uniform(1.0, 2.0))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.5, start + lasting, 0.5)
        rest_hand(c, side, weight, "call", 0.03 * np.sin(2 * np.pi * 3 * t)[:, None] * np.array([0, 0, 1]))

    figure.clip(start, start + lasting, apply)


def phone(figure: Figure, start: float, end: float) -> None:
    """Make a call, or read from the phone."""
    figure.label(start, end, "phone")
    call, side = figure.rng.random() < 0.5, int(figure.rng.integers(2))
    thumbs = 0.012 * waves(figure.rng, figure.t, 1.0, 3.0)

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.8, end, 0.8)
        small = thumbs[figure.span(start, end)][:, None] * np.array([1.0, 0.5, 1.0])
        rest_hand(c, side, weight, "call" if call else "text", small)
        if call:
            c.head[:, 0] += weight * 0.12 * (1 if side else -1)
        else:
            rest_hand(c, 1 - side, weight, "text", -small)
            c.head[:, 1] += 0.45 * weight

    figure.clip(start, end, apply)


def gesture(figure: Figure, start: float, end: float, excited: float = 1.0) -> None:
    """Talk with the hands; above 1 it is a quarrel in words, with the hands in the air."""
    rng = figure.rng
    bursts = [np.clip(1.2 * waves(rng, figure.t, 0.1, 0.5) + 0.3 * excited, 0, 1) for _ in (0, 1)]
    beats = [np.stack([waves(rng, figure.t, 0.4, 1.5) for _ in range(3)], axis=1) for _ in (0, 1)]
    nods = waves(rng, figure.t, 0.3, 1.2)

    def apply(c: Controls, t: Floats) -> None:
        weight, span = pulse(t, start, 0.6, end, 0.6), figure.span(start, end)
        for side in (0, 1):
            beat = beats[side][span] * np.array([0.10, 0.11, 0.15]) * min(excited, 2.0) ** 0.5
            lifted = np.array([0.08, 0.12, 0.22]) * (excited - 1)
            rest_hand(c, side, weight * smooth(bursts[side][span], 0.12), "front", beat + lifted)
        c.head[:, 1] += weight * 0.05 * excited * nods[span]
        c.spine[:, 1] += weight * (0.04 * (excited - 1) + 0.02 * excited * nods[span])

    figure.clip(start, end, apply)


def wave(figure: Figure, start: float, end: float) -> None:
    """Wave to somebody."""
    figure.label(start, end, "gesture")
    side, pace = int(figure.rng.integers(2)), float(figure.rng.uniform(1.2, 2.2))

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.6, end, 0.6)
        swing = 0.2 * np.sin(2 * np.pi * pace * (t - start))[:, None] * np.array([0.0, 1.0, 0.15])
        rest_hand(c, side, weight, "wave", swing)

    figure.clip(start, end, apply)


def sit(figure: Figure, start: float, end: float) -> None:
    """Sit down on a seat behind, stay, stand up; the feet stay where they are."""
    figure.label(start, end, "sit")
    figure.held[figure.span(start, end)] = True
    rng, hip = figure.rng, float(figure.body.hip_height)
    low = 1 - (SEAT_M + 0.052 * float(figure.body.height)) / hip
    down, up = float(rng.uniform(1.2, 1.8)), float(rng.uniform(1.1, 1.7))
    lean = float(rng.uniform(-0.22, 0.05))
    bent = float(rng.uniform(0.1, 0.4))
    forward = Key(0.55 * down, low * 0.55, (-0.30, 0), (0, 0.45, 0), (0, 0.40, 0), (0, -0.3, 0))
    seated = Key(down, low, (-0.42, 0), (0, lean, 0), (0, bent, 0), (0, 0.1 - bent, 0))
    rising = replace(forward, at=end - start - 0.5 * up)
    keys = [Key(0.0, 0.015, (0, 0), (0, 0.02, 0), (0, 0.04, 0), (0, 0.05, 0)), forward, seated]
    keys += [replace(seated, at=end - start - up), rising, replace(keys[0], at=end - start)]
    where = str(rng.choice(["lap", "table", "crossed", "text", "lap"]))
    looks, fidgets = 0.4 * waves(rng, figure.t, 0.05, 0.25), waves(rng, figure.t, 0.1, 0.4)

    def apply(c: Controls, t: Floats) -> None:
        play(c, t, start, keys, until=end, rise=0.3, fall=0.3, sigma=0.12)
        weight = pulse(t, start + 0.5 * down, 0.8, end - 0.3 * up, 0.8)
        span = figure.span(start, end)
        for side in (0, 1):
            rest_hand(c, side, weight, where, 0.015 * fidgets[span][:, None])
            mix(c.knee[:, side], pulse(t, start, 0.5, end, 0.5), np.array([1.0, 0.2, 0.5]))
        c.head[:, 2] += weight * looks[span]
        c.head[:, 1] += weight * (0.4 if where == "text" else 0.0)
        c.spine[:, 0] += weight * 0.03 * fidgets[span]

    figure.clip(start, end, apply)
