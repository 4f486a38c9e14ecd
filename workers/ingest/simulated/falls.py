"""Falls: over a fallen trunk's arc or with giving knees, lying, getting up."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from workers.ingest.simulated.body import SIDES
from workers.ingest.simulated.controls import Controls, mix, put_foot, put_hand
from workers.ingest.simulated.curves import Floats, ease, pulse, smooth, waves
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import arm, toward
from workers.ingest.simulated.keys import Key, play
from workers.ingest.simulated.posture import rotation

FORWARD, BACK = 0.0, math.pi
GET_UP_S = 3.2
# The pelvis of somebody who lies, in body heights above the floor.
_LYING = 0.068


@dataclass(frozen=True)
class Fall:
    """How somebody falls: the direction from where they face, how far the knees give, how long it takes."""

    direction: float
    collapse: float
    seconds: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, kind: str) -> Fall:
        """A fall of a kind: trip, slip, faint or knocked (down)."""
        side = float(rng.normal(0, 0.35))
        kinds = {
            "trip": cls(FORWARD + side, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.9, 1.2))),
            "slip": cls(BACK + side, float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.75, 1.0))),
            "faint": cls(
                float(rng.uniform(-2.2, 2.2)), float(rng.uniform(0.8, 1.0)), float(rng.uniform(1.1, 1.6))
            ),
            "knocked": cls(BACK + 2 * side, float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.9, 1.15))),
        }
        return kinds[kind]


def fall(figure: Figure, start: float, how: Fall, lie_s: float, get_up: bool) -> float:
    """Fall, lie for a while and perhaps get up; returns when. The root ends where the body lies."""
    landed = start + how.seconds
    risen = landed + lie_s + (GET_UP_S if get_up else 0.0)
    until = risen if get_up else float(figure.t[-1]) + 10.0
    figure.label(start, landed + 0.3, "fall")
    figure.label(landed + 0.3, landed + lie_s if get_up else until, "lie")
    if get_up:
        figure.label(landed + lie_s, risen, "get_up")
    figure.held[figure.span(start, until)] = True
    # The feet that the body will rise over are planned while it lies; nobody sees them walk there.
    prone = math.cos(how.direction) > 0
    far = float(figure.body.hip_height) * (1 - 0.55 * how.collapse) * (0.75 if prone else 0.45)
    shift = far * toward(how.direction)
    moving = (landed + 0.1, max(lie_s, 0.6))
    turn = toward(figure.facing(start))
    figure.move(*moving, shift[0] * turn + shift[1] * np.array([-turn[1], turn[0]]))
    moved = ease((figure.t - moving[0]) / moving[1])[:, None] * (shift / float(figure.body.hip_height))
    _drop_down(figure, start, how, landed + lie_s, until, moved)
    if get_up:
        _rise(figure, landed + lie_s, prone, float(np.sign(np.sin(how.direction)) or 1.0))
    return risen


def _drop_down(figure: Figure, start: float, how: Fall, rises: float, until: float, moved: Floats) -> None:
    """The fall and the rest on the floor, until the keys of getting up take over."""
    rng, body = figure.rng, figure.body
    hip, flat = float(body.hip_height), math.radians(float(rng.uniform(80, 88)))
    axis = np.array([-math.sin(how.direction), math.cos(how.direction), 0.0])
    way = toward(how.direction)
    prone = math.cos(how.direction) > 0
    twist, knees = float(rng.normal(0, 0.15)), rng.uniform(0.0, 0.5, 2) * (1 - 0.6 * prone)
    # Arms lie in the plane of the floor, bent outwards beside the head or inwards.
    # Who lies on the belly has them there already: the way down past the chest is closed.
    arms = rng.uniform([-0.15, 1.1 if prone else 0.25, 0.15, 1.2], [0.15, 2.1, 1.3, 1.6], (2, 4))
    arms[:, 3] *= np.where(arms[:, 1] > 0.9, -1, 1)
    stir = [waves(rng, figure.t, 0.1, 0.5) for _ in range(4)]

    def apply(c: Controls, t: Floats) -> None:
        span = figure.span(start, until)
        gone = _falling((t - start) / how.seconds)
        on = pulse(t, start, 0.15, rises + 1.2, 1.2) if until <= figure.t[-1] else ease((t - start) / 0.15)
        angle = flat * smooth(gone, 0.02)
        fold = how.collapse * ease((t - start) / (0.75 * how.seconds))
        radius = (1 - 0.55 * fold) * float(body.leg) / hip
        height = np.maximum(
            radius * np.cos(angle) + float(body.ankle) / hip, _LYING * float(body.height) / hip
        )
        mix(c.drop, on, 1 - smooth(height, 0.03))
        mix(c.offset, on, (radius * np.sin(angle))[:, None] * way - moved[span])
        mix(c.tilt, on, angle[:, None] * axis * _late(gone, how.collapse)[:, None])
        curl = pulse(t, start, 0.5 * how.seconds, start + how.seconds + 0.3, 0.5) * (0.35 if prone else 0.55)
        mix(
            c.spine,
            on,
            np.stack([0.02 * stir[0][span], curl * (-0.3 if prone else 1), twist * gone], axis=-1),
        )
        up = -0.35 if prone else 0.45
        aside = 0.7 * gone * prone * (1 if twist > 0 else -1) + 0.1 * stir[1][span]
        mix(
            c.head,
            on,
            np.stack([0 * t, up * (1 - 0.6 * ease((t - start - how.seconds) / 0.5)), aside], axis=-1),
        )
        _throw_out_arms(c, t, start, how, on, arms, stir[2][span])
        _lay_feet(c, figure, on, gone, radius, way, moved[span], knees + 0.04 * stir[3][span][:, None])

    figure.clip(start, until, apply)


def _falling(share: Floats) -> Floats:
    """From 0 to 1 ever faster, as what topples; comes to rest within a fifth of the time."""
    u = np.clip(share, 0.0, 1.0)
    return np.asarray(np.minimum((np.cosh(1.8 * u) - 1) / (math.cosh(1.8) - 1), 1.0))


def _late(gone: Floats, collapse: float) -> Floats:
    """With giving knees the trunk stays upright longer than the legs."""
    return np.asarray(gone ** (0.8 * collapse))


def _throw_out_arms(
    c: Controls, t: Floats, start: float, how: Fall, on: Floats, arms: Floats, stir: Floats
) -> None:
    limp = how.collapse > 0.85
    forward = math.cos(how.direction) > 0
    # Hands that would end below the shoulders slide ahead on the floor.
    ahead = 1.3 + 1.2 * _falling((t - start) / how.seconds)
    brace = arm(ahead, 0.4, 0.7, 1.4) if forward else arm(-0.2, 0.8, 0.5, 1.3)
    rest = ease((t - start - how.seconds) / 0.8)[:, None]
    for side in (0, 1):
        lying = arm(*(arms[side] + np.array([0.0, 0.04, 0.05, 0.0]) * stir[:, None]).T)
        reach = pulse(t, start + 0.12 * how.seconds, 0.35, start + how.seconds + 2.0, 0.8) * (
            0.3 if limp else 1.0
        )
        put_hand(c, side, on * reach, brace[0], brace[1])
        put_hand(c, side, on * rest[:, 0], lying[0], lying[1])
        # Elbows keep out of the floor.
        up = np.swapaxes(rotation(c.tilt), -1, -2)[..., 2] * np.array([1.0, SIDES[side], 1.0])
        lain = (on * np.clip((1 - up[:, 2]) * 1.2, 0, 1))[:, None]
        c.elbow[:, side] += lain * 1.5 * up


def _lay_feet(
    c: Controls,
    figure: Figure,
    on: Floats,
    gone: Floats,
    radius: Floats,
    way: Floats,
    moved: Floats,
    bent: Floats,
) -> None:
    """Feet slide to where the legs end; drawn-up knees bring them nearer to the pelvis."""
    body, hip = figure.body, float(figure.body.hip_height)
    stretched = float(body.leg) / hip
    sideways = abs(float(way[1]))
    for side, sign in enumerate((1.0, -1.0)):
        bend = gone * np.clip(bent[:, side], 0.0, 0.6)
        back = (radius - stretched * (1 - bend)) * gone
        foot = way * back[:, None] - moved
        out = foot[:, 1] * sign + 0.09 * (1 - sideways) + sideways * 0.05
        high = np.full(len(out), 0.012)
        put_foot(c, side, on * ease(gone / 0.35), np.stack([foot[:, 0], out, high], axis=-1))
        if way[0] > 0:
            # On the belly knees give way to the sides: there is the floor.
            mix(c.knee[:, side], on * gone, np.array([0.1, 1.0, 0.0]))


def _rise(figure: Figure, start: float, prone: bool, side: float) -> None:
    """By all fours and one knee, or by sitting up, to standing over the feet."""
    stand = Key(
        *(GET_UP_S, 0.015, (0, 0), (0, 0.02, 0), (0, 0.04, 0), (0, 0.05, 0)),
        left_foot=(0, 0.1, 0),
        right_foot=(0, 0.1, 0),
    )
    kneel = Key(
        *(2.1, 0.42, (-0.02, 0), (0, 0.55, 0), (0, 0.45, 0), (0, -0.5, 0)),
        left_arm=(0.7, 0.1, 0.5, 0.3),
        right_arm=(0.9, 0.0, 0.9, 0.3),
        left_foot=(0.06, 0.1, 0.0),
        right_foot=(-0.34, 0.1, 0.03),
        left_knee=(1, 0.2, 0.4),
        right_knee=(1, 0.1, -0.3),
    )
    lift = Key(2.7, 0.16, (-0.02, 0), (0, 0.4, 0), (0, 0.3, 0), (0, -0.3, 0), left_foot=(0.02, 0.1, 0))
    lift = replace(lift, right_foot=(-0.06, 0.1, 0.02), right_knee=(1, 0.12, 0.1))
    if prone:
        middle = Key(
            *(1.0, 0.50, (-0.12, 0), (0, 1.25, 0), (0, 0.15, 0), (0, -0.7, 0)),
            left_arm=(1.45, 0.1, 0.2, 0.2),
            right_arm=(1.45, 0.1, 0.2, 0.2),
            left_foot=(-0.58, 0.1, -0.02),
            right_foot=(-0.58, 0.1, -0.02),
            left_knee=(1, 0.1, 0.0),
            right_knee=(1, 0.1, 0.0),
        )
    else:
        middle = Key(
            *(1.0, 1 - 0.10, (-0.42, 0), (0, -0.25, 0), (0, 0.75, 0), (0, 0.1, 0)),
            left_arm=(-0.7, 0.3, 0.4, 0.0),
            right_arm=(-0.2, 0.3, 0.5, 0.3),
            left_foot=(0.04, 0.12, 0.0),
            right_foot=(0.10, 0.12, 0.0),
            left_knee=(1, 0.2, 1.0),
            right_knee=(1, 0.2, 1.0),
        )
    keys = [middle, kneel, lift, stand]
    if side < 0:
        keys = [key.mirrored() for key in keys]

    def apply(c: Controls, t: Floats) -> None:
        play(c, t, start, keys, until=start + GET_UP_S, rise=1.0, fall=0.4, sigma=0.16)

    figure.clip(start, start + GET_UP_S, apply)
