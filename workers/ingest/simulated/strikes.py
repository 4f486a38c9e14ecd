"""Single blows and what they do to who is hit: punches, kicks, shoves, guards, reactions.

A blow is described by when it lands. Speeds: a fist reaches 5 to 10 m/s, a foot 6 to 12.
"""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.controls import Controls, mix, put_hand
from workers.ingest.simulated.curves import Floats, ease, pulse, smooth, waves
from workers.ingest.simulated.figure import Anchor, Figure, Reach
from workers.ingest.simulated.gait import arm
from workers.ingest.simulated.keys import Key, play

GUARD_ELBOW = (-0.15, 0.45, -0.9)
# A blow: where the wrist starts from (from the shoulder, arm lengths) and the elbow points then; where the
# wrist is when it lands (from between the other's shoulders, body heights) and the elbow points then; seconds
# between.
PUNCHES = {
    "jab": ((0.34, 0.00, 0.05), (0.0, 0.5, -0.8), (0.150, 0.0, 0.100), (0.0, 0.5, -0.8), 0.155),
    "cross": ((0.18, 0.12, -0.10), (-0.7, 0.4, -0.5), (0.145, 0.0, 0.100), (0.0, 0.5, -0.8), 0.19),
    "hook": ((0.32, 0.40, 0.02), (-0.6, 0.6, 0.1), (0.085, 0.105, 0.105), (0.0, 1.0, 0.2), 0.23),
    "swing": ((-0.25, 0.58, 0.08), (-0.3, 0.0, -1.0), (0.125, 0.07, 0.110), (-0.1, 1.0, 0.0), 0.31),
    "uppercut": ((0.20, 0.08, -0.52), (-0.8, 0.4, -0.2), (0.115, 0.0, 0.035), (0.0, 0.5, -0.8), 0.21),
    "body": ((0.20, 0.15, -0.30), (-0.8, 0.5, -0.1), (0.160, 0.02, -0.170), (-0.1, 0.6, -0.8), 0.20),
}


def guard(figure: Figure, start: float, end: float, skill: float) -> None:
    """Hands up, chin down, on the balls of its feet; with less `skill` (0 to 1) hands hang lower."""
    rng = figure.rng
    wander = [np.stack([waves(rng, figure.t, 0.3, 1.6) for _ in range(3)], axis=1) for _ in (0, 1)]
    nerves = waves(rng, figure.t, 0.5, 1.5)
    bladed = float(rng.uniform(0.1, 0.45)) * float(np.sign(figure.stagger[figure.knot(start + 0.5)]) or 1)
    up = np.array([[0.50, -0.14, 0.12 - 0.45 * (1 - skill)], [0.36, -0.18, 0.10 - 0.5 * (1 - skill)]])
    beat = float(rng.uniform(1.6, 2.4))

    def apply(c: Controls, t: Floats) -> None:
        weight, span = pulse(t, start, 0.35, end, 0.6), figure.span(start, end)
        for side in (0, 1):
            put_hand(
                c, side, weight, up[side] + (0.09 - 0.04 * skill) * wander[side][span], np.array(GUARD_ELBOW)
            )
        c.drop += weight * (0.035 + 0.01 * skill * np.sin(2 * np.pi * beat * t))
        c.tilt[:, 2] -= weight * bladed
        c.head[:, 2] += weight * bladed * 0.9
        c.spine[:, 1] += weight * (0.12 + 0.03 * nerves[span])
        c.spine[:, 2] += weight * 0.06 * nerves[span]
        c.head[:, 1] += weight * 0.02

    figure.clip(start, end, apply)


def punch(figure: Figure, other: Figure, lands: float, kind: str, side: int, force: float = 1.0) -> None:
    """A blow with the fist that lands on the other at a moment."""
    wound, wound_elbow, place, elbow, seconds = PUNCHES[kind]
    seconds = 1.22 * seconds / float(np.clip(force, 0.8, 1.1))
    drawing_back = 0.12 + 0.85 * seconds
    begins, until = lands - 0.9 * seconds - drawing_back, lands + 0.36
    figure.label(begins + 0.05, until - 0.1, "strike")
    sign = 1.0 if side == 0 else -1.0
    size = float(other.body.height)
    # Which of the other's sides a fist comes from is mirrored: they face each other.
    aim = Anchor(other.index, "chest", (place[0] * size, -sign * place[1] * size, place[2] * size))

    def apply(c: Controls, t: Floats) -> None:
        wind = pulse(t, begins, drawing_back, lands + 0.05, 0.1)
        put_hand(c, side, wind, np.array(wound), np.array(wound_elbow))
        blow = pulse(t, lands - seconds, seconds, until, 0.3)
        turn = 0.55 * blow - 0.28 * wind * (1 - blow)
        c.spine[:, 2] -= sign * turn * (0.7 if kind == "jab" else 1.0)
        c.tilt[:, 2] -= sign * 0.3 * turn
        c.head[:, 2] += sign * 1.0 * turn
        c.spine[:, 1] += 0.14 * blow
        c.offset[:, 0] += 0.05 * blow - 0.02 * wind

    figure.clip(begins, until, apply)
    weight = pulse(figure.moments(begins, until), lands - seconds, seconds, until - 0.02, 0.29)
    figure.reaches.append(Reach(side, begins, weight, (aim,), elbow))


def shove(figure: Figure, other: Figure, lands: float, force: float = 1.0) -> None:
    """Both hands against the other's chest."""
    begins, until = lands - 0.42, lands + 0.75
    figure.label(begins + 0.1, until - 0.2, "shove")
    size = float(other.body.height)

    def apply(c: Controls, t: Floats) -> None:
        wind = pulse(t, begins, 0.25, lands + 0.1, 0.2)
        push = pulse(t, lands - 0.14, 0.3, until, 0.35) * min(force, 1.2)
        for side in (0, 1):
            put_hand(c, side, wind, np.array([0.30, 0.05, -0.12]), np.array([-0.4, 0.7, -0.6]))
        c.spine[:, 1] += 0.22 * push - 0.08 * wind * (1 - push)
        c.tilt[:, 1] += 0.10 * push
        c.offset[:, 0] += 0.10 * push
        c.drop += 0.03 * push

    figure.clip(begins, until, apply)
    for side in (0, 1):
        sign = 1.0 if side else -1.0
        aim = Anchor(other.index, "chest", (0.115 * size, 0.055 * sign * size, -0.07 * size))
        weight = pulse(figure.moments(begins, until), lands - 0.16, 0.17, lands + 0.55, 0.4)
        figure.reaches.append(Reach(side, begins, weight, (aim,), (-0.2, 0.8, -0.6)))


def kick(figure: Figure, lands: float, kind: str, side: int, away: float, force: float = 1.0) -> None:
    """A kick that lands at a moment, `away` metres ahead: front, round, low or stomp (at who lies)."""
    hip = float(figure.body.hip_height)
    quick = 1 / float(np.clip(force, 0.75, 1.25))
    up = {"front": 0.88, "round": 0.72, "low": 0.36, "stomp": 0.16}[kind]
    turn = {"front": 0.25, "round": 0.9, "low": 0.5, "stomp": 0.0}[kind]
    # No further than the leg goes, from a hip that comes forward.
    longest = 0.06 + float(np.sqrt(max((0.97 * float(figure.body.leg) / hip) ** 2 - (0.92 - up) ** 2, 0.1)))
    far = float(np.clip((away - 0.18) / hip, 0.4, longest))
    chambered = {
        "front": ((0.26, 0.08, 0.42), (0.75, 0.1, 0.75)),
        "round": ((0.02, 0.62, 0.50), (0.5, 0.9, 0.5)),
        "low": ((-0.30, 0.30, 0.28), (0.8, 0.5, 0.3)),
        "stomp": ((0.18, 0.08, 0.55), (0.75, 0.1, 0.7)),
    }[kind]
    back = -0.30 if kind in ("front", "round") else -0.08
    quiet = (0.0, 0.1, 0.0)
    keys = [
        Key(0.0, 0.02, (0.0, 0.0), (0, 0.05, 0), (0, 0.1, 0), left_foot=quiet, left_knee=(1, 0.1, 0.1)),
        Key(
            *(0.24, 0.05, (0.0, -0.09), (0, 0.3 * back, 0.3 * turn), (0, 0.15, -0.2 * turn)),
            left_foot=chambered[0],
            left_knee=chambered[1],
        ),
        Key(
            *(0.24 + 0.11 * quick, 0.03, (0.06, -0.09), (0, back, -turn), (0, 0.25, 0.5 * turn)),
            head=(0, -0.8 * back, 0.5 * turn),
            left_foot=(far, 0.03, up),
            left_knee=(0.6, 0.3, 0.8),
        ),
        Key(0.42 + 0.11 * quick, left_foot=(0.30, 0.10, 0.38), left_knee=(0.8, 0.2, 0.6)),
        Key(0.72, 0.03, (0.0, 0.0), (0, 0.05, 0), (0, 0.1, 0), head=(0, 0, 0), left_foot=quiet),
    ]
    keys = [key if side == 0 else key.mirrored() for key in keys]
    begins = lands - 0.24 - 0.11 * quick
    until = begins + 0.98
    figure.label(begins, until - 0.2, "kick")

    def apply(c: Controls, t: Floats) -> None:
        play(c, t, begins, keys, until=until, rise=0.18, fall=0.28, sigma=0.022)
        out = pulse(t, begins, 0.3, until, 0.5)
        for one in (0, 1):
            hand, elbow = arm(0.25 + 0.0 * t, 0.75, 1.0, 0.4)
            put_hand(c, one, 0.6 * out, hand, elbow)

    figure.clip(begins, until, apply)


def block(figure: Figure, lands: float) -> None:
    """Forearms before the face, shoulders up."""
    begins, until = lands - 0.22, lands + 0.4
    figure.label(begins, until, "guard")

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, begins, 0.18, until, 0.35)
        for side in (0, 1):
            put_hand(c, side, weight, np.array([0.46, -0.14, 0.36]), np.array([0.1, 0.5, -0.9]))
        c.spine[:, 1] += 0.12 * weight
        c.head[:, 1] += 0.22 * weight
        c.offset[:, 0] -= 0.03 * weight

    figure.clip(begins, until, apply)


def dodge(figure: Figure, lands: float, side: float) -> None:
    """Lean back and to one side before a blow arrives."""
    begins, until = lands - 0.25, lands + 0.5

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, begins, 0.24, until, 0.45)
        c.spine[:, 1] -= 0.28 * weight
        c.spine[:, 0] += 0.25 * side * weight
        c.offset[:, 0] -= 0.10 * weight
        c.drop += 0.04 * weight

    figure.clip(begins, until, apply)


def hit(figure: Figure, lands: float, where: str, twist: float, force: float = 1.0) -> None:
    """What a blow does to the head (it snaps away) or to the belly (the trunk folds); no steps."""
    begins, until = lands - 0.01, lands + 0.75
    figure.label(begins, until - 0.25, "struck")

    def apply(c: Controls, t: Floats) -> None:
        snap = force * pulse(t, begins, 0.09, begins + 0.55, 0.4)
        slow = force * pulse(t, begins + 0.02, 0.16, until, 0.5)
        if where == "head":
            c.head[:, 1] -= 0.38 * snap
            c.head[:, 2] += 0.55 * twist * snap
            c.spine[:, 1] -= 0.20 * slow
            c.spine[:, 2] += 0.25 * twist * slow
            c.offset[:, 0] -= 0.05 * slow
        else:
            c.spine[:, 1] += 0.50 * slow
            c.tilt[:, 1] += 0.12 * slow
            c.head[:, 1] += 0.25 * snap
            c.offset[:, 0] -= 0.10 * slow
            c.drop += 0.06 * slow
            for side in (0, 1):
                mix(c.hand[:, side], np.clip(0.7 * slow, 0, 1), np.array([0.36, -0.30, -0.55]))

    figure.clip(begins, until, apply)


def stagger_back(figure: Figure, start: float, seconds: float, force: float) -> None:
    """Arms fly out and the trunk sways, while the feet catch up."""
    end = start + seconds + 0.5
    figure.label(start, end - 0.3, "struck")
    rng = figure.rng
    flail = [np.stack([waves(rng, figure.t, 0.8, 2.2) for _ in range(3)], axis=1) for _ in (0, 1)]
    span = figure.span(start, end)

    def apply(c: Controls, t: Floats) -> None:
        weight = pulse(t, start, 0.2, end, 0.5) * min(force, 1.0)
        for side in (0, 1):
            hand, elbow = arm(0.35 + 0.3 * flail[side][span, 0], 0.75, 0.7, 0.2)
            put_hand(c, side, 0.75 * weight, hand + 0.08 * flail[side][span], elbow)
        c.spine[:, 1] += weight * (0.28 * ease((t - start - 0.25) / 0.4) - 0.20)
        c.tilt[:, 1] -= 0.08 * weight
        c.spine[:, 0] += 0.10 * weight * smooth(flail[0][span, 2], 0.05)
        c.drop += 0.04 * weight

    figure.clip(start, end, apply)
