"""What the rest of the body does while the feet walk: it follows from where the feet are.

The pelvis falls as the legs spread and swings over the foot that bears; chest and arms swing against the
legs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.curves import Floats, ease, smooth, speed, waves
from workers.ingest.simulated.feet import Feet, feet_of
from workers.ingest.simulated.figure import Figure


def arm(
    raised: Any, out: Any = 0.08, bend: Any = 0.3, inward: Any = 0.0, upper_share: float = 0.55
) -> tuple[Floats, Floats]:
    """An arm by its angles: the wrist from the shoulder in arm lengths and where the elbow points, [..., 3].

    Args:
        raised: of the upper arm, forward from hanging (pi / 2 is straight ahead).
        out: of the upper arm, sideways.
        bend: in the elbow.
        inward: how far the forearm bends across the body (pi / 2) and not forward (0).
        upper_share: of the upper arm in the arm's length.
    """
    raised, out, bend, inward = np.broadcast_arrays(
        *(np.asarray(v, np.float64) for v in (raised, out, bend, inward))
    )
    zero = np.zeros_like(raised)
    sr, cr, so, co = np.sin(raised), np.cos(raised), np.sin(out), np.cos(out)
    upper = np.stack([sr * co, so, -cr * co], axis=-1)
    forward = np.stack([cr, zero, sr], axis=-1)
    across = np.stack([sr * so, -co, -cr * so], axis=-1)
    flexed = np.cos(inward)[..., None] * forward + np.sin(inward)[..., None] * across
    lower = np.cos(bend)[..., None] * upper + np.sin(bend)[..., None] * flexed
    return upper_share * upper + (1 - upper_share) * lower, -flexed


def walked(figure: Figure) -> Controls:
    """The controls of somebody who only goes where the root goes."""
    feet = feet_of(figure)
    body, manner, hip = figure.body, figure.manner, float(figure.body.hip_height)
    ahead = np.stack([np.cos(figure.yaw), np.sin(figure.yaw)], axis=-1)
    velocity = smooth(speed(figure.root), 0.12)
    pace = np.hypot(*velocity.T)
    forward_pace = (velocity * ahead).sum(-1)
    runs = ease((pace - 1.9) / 0.7)
    place = feet.ankle[..., :2] - figure.root[:, None]
    forward = (place * ahead[:, None]).sum(-1)
    left = place[..., 1] * ahead[:, None, 0] - place[..., 0] * ahead[:, None, 1]
    scissors = smooth((forward[:, 0] - forward[:, 1]) / (2 * float(body.leg)), 0.05)
    scissors = scissors - smooth(figure.stagger, 0.2) / (2 * float(body.leg))
    walks = ease(pace / 0.5)
    count = len(figure.t)

    offset = np.zeros((count, 2))
    offset[:, 1] = _sway(feet, left, figure) / hip
    tilt, spine, head = (np.zeros((count, 3)) for _ in range(3))
    turn = -0.25 * scissors * walks
    against = 0.75 * scissors * walks * manner.arm_swing
    tilt[:, 0] = 0.05 * smooth(feet.bears[:, 1] - feet.bears[:, 0], 0.08) * walks
    tilt[:, 1] = 0.02 + 0.02 * forward_pace + 0.05 * runs
    tilt[:, 2] = turn
    spine[:, 0] = -0.8 * tilt[:, 0]
    spine[:, 1] = manner.stoop + 0.05 * runs
    spine[:, 2] = against - turn
    head[:, 1] = manner.gaze - spine[:, 1] - 0.7 * tilt[:, 1]
    head[:, 2] = -0.85 * against
    hand, elbow = _swinging(figure, smooth(scissors, 0.06), walks, runs)
    return Controls(
        root=figure.root,
        yaw=figure.yaw,
        drop=_sinking(figure, feet, place, forward, ease(pace / 0.9), runs),
        offset=offset,
        tilt=tilt,
        spine=spine,
        head=head,
        hand=hand,
        elbow=elbow,
        ankle=feet.ankle,
        free=np.zeros((count, 2)),
        foot=np.tile(np.array([[0.0, 0.1, 0.0]] * 2), (count, 1, 1)),
        knee=np.tile(np.array([[1.0, 0.12, 0.0]] * 2), (count, 1, 1)),
        toe=feet.toe,
        load=np.zeros((count, 3)),
    )


def _sway(feet: Feet, left: Floats, figure: Figure) -> Floats:
    """[K] metres to the left: half way over the foot that bears, the more the longer it bears alone."""
    bears = smooth(feet.bears, 0.1) + 0.02
    over = (bears * left).sum(-1) / bears.sum(-1)
    return smooth(0.45 * figure.manner.bounce * np.clip(over, -0.12, 0.12), 0.08)


def _sinking(
    figure: Figure, feet: Feet, place: Floats, forward: Floats, walks: Floats, runs: Floats
) -> Floats:
    """[K] how far the pelvis is under its full height, in hip heights."""
    body, hip = figure.body, float(figure.body.hip_height)
    apart = np.hypot(*np.moveaxis(place, -1, 0)) - float(body.hip_width) / 2
    apart = np.maximum(apart, 0.0)
    rise = 0.10 * np.clip(-forward / 0.35, 0, 1) + 0.015 * np.clip(forward / 0.35, 0, 1)
    rise = rise + 0.09 * runs[:, None]
    reach = 0.99 * float(body.leg)
    allowed = np.sqrt(np.maximum(reach**2 - apart**2, (0.6 * reach) ** 2)) + rise + float(body.ankle)
    loose = (1 - smooth(feet.bears, 0.05)) * 0.3
    heights = np.concatenate([allowed + loose, np.full((len(apart), 1), 0.978 * hip)], axis=1)
    # A walker's heels rise before the pelvis falls further than this.
    heights = np.maximum(heights, (0.925 * hip * walks)[:, None])
    softness = 0.008
    lowest = heights.min(axis=1)
    height = lowest - softness * np.log(np.exp(-(heights - lowest[:, None]) / softness).sum(axis=1))
    height = smooth(height, 0.05)
    flying = smooth(1 - np.clip(feet.bears.sum(axis=1), 0, 1), 0.05)
    bounce = figure.manner.bounce
    height = height - runs * (0.055 - 0.11 * bounce * flying) * hip
    return np.asarray(1 - height / hip)


def _swinging(figure: Figure, scissors: Floats, walks: Floats, runs: Floats) -> tuple[Floats, Floats]:
    """[K, 2, 3] hands and elbows: hanging arms that swing against the legs, bent ones when running."""
    manner, rng, t = figure.manner, figure.rng, figure.t
    hands, elbows = np.zeros((len(t), 2, 3)), np.zeros((len(t), 2, 3))
    hang = rng.uniform(0.02, 0.1)
    for side, sign in enumerate((-1.0, 1.0)):
        swing = 1.25 * sign * scissors * manner.arm_swing * (0.25 + 0.75 * walks)
        idle = 0.03 * waves(rng, t, 0.1, 0.4)
        bend = manner.bend + 0.35 * np.maximum(swing, 0) + 0.05 * waves(rng, t, 0.1, 0.3)
        hand, elbow = arm(0.02 + swing + idle, 0.06 + hang, bend, 0.25)
        swing = np.clip(1.3 * sign * scissors, -0.8, 0.8)
        fast, fast_elbow = arm(-0.25 + swing, 0.16, 1.6 + 0.25 * swing, 0.35 + 0.2 * swing)
        hands[:, side] = hand + runs[:, None] * (fast - hand)
        elbows[:, side] = elbow + runs[:, None] * (fast_elbow - elbow)
    return hands, elbows


def toward(angle: float) -> Floats:
    """[2] the unit vector of a yaw."""
    return np.array([math.cos(angle), math.sin(angle)])
