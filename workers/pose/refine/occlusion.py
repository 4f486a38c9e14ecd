"""Where people are while nobody sees them, and how they come back. P people, 17 joints.

The body goes on and slows down; limbs cease to swing almost at once, for where to is anybody's guess. When a
person is seen again after a while, the answer goes over to the measured place in small steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.pose.refine import learned
from workers.pose.refine.kalman import Floats

_TORSO = [5, 6, 11, 12]
# Who walks goes on walking, who merely sways comes back: how long a body's velocity lasts (until it has
# fallen by e), from this pace on, in body heights a second. Fitted to simulated people, seeds 20 to 22.
WALK, WALK_LASTS_S, SWAY_LASTS_S = 0.4, 2.0, 0.15
# Confidence of what is only predicted halves in this time, seconds.
HALVES_IN = 0.5
# A return after more than this is eased: by so many body heights in its first frame, at the usual rate of
# frames, then by a share too.
EASED_AFTER_S = 0.15
STEP, USUAL_FPS = 0.045, 30.0
SHARE = 0.65
# Body heights. Whoever is found farther off, on average over the joints, is at once where they are found: an
# answer on its way would be wrong for longer than anybody would thank us for.
NEAR = 0.2


def body_velocity(velocity: Floats) -> Floats:
    """[P, 1, 2] of the torso, of joints' velocities [P, 17, 2]."""
    return np.asarray(velocity[:, _TORSO].mean(axis=1, keepdims=True))


def coasted(position: Floats, velocity: Floats, elapsed: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Positions and velocities after some time without a measurement.

    Args:
        position: [P, 17, 2] pixels.
        velocity: [P, 17, 2] pixels a second.
        elapsed: [P] seconds, at least 0.
        scale: [P] body heights, pixels.
    """
    body = body_velocity(velocity)
    limbs = velocity - body
    time = elapsed[:, None, None]
    pace = np.sqrt(np.square(body).sum(axis=-1, keepdims=True)) / (WALK * scale[:, None, None])
    body_lasts = np.maximum(WALK_LASTS_S * np.minimum(np.square(pace), 1.0), SWAY_LASTS_S)
    limbs_last = learned.LIMBS_LAST_S[learned.KINDS][:, None]
    body_left, limbs_left = np.exp(-time / body_lasts), np.exp(-time / limbs_last)
    way = body * body_lasts * (1 - body_left) + limbs * limbs_last * (1 - limbs_left)
    return position + way, body * body_left + limbs * limbs_left


def faded(confidence: Floats, unseen: Floats) -> Floats:
    """[P, 17] confidence of people unseen for [P] seconds, of what it last was [P, 17]."""
    return np.asarray(confidence * np.exp2(-unseen / HALVES_IN)[:, None])


def is_near(offset: Floats, scale: Floats) -> NDArray[np.bool_]:
    """[P] who is found so near to where they were expected that the rest of the way can be eased."""
    length = np.sqrt(np.square(offset).sum(axis=-1)).mean(axis=-1)
    return np.asarray(length <= NEAR * scale)


def is_long(unseen: Floats, elapsed: Floats) -> NDArray[np.bool_]:
    """[P] whose return is eased: two frames or more without them, and some time.

    Args:
        unseen: [P] seconds since each person was last seen.
        elapsed: [P] seconds since the last frame.
    """
    return np.asarray(unseen > np.maximum(EASED_AFTER_S, 2.5 * elapsed))


def shortened(offset: Floats, scale: Floats, elapsed: Floats, share: float = 0.0) -> Floats:
    """What is left of the way to where people are after one more frame.

    Args:
        offset: [P, 17, 2] pixels.
        scale: [P] body heights, pixels.
        elapsed: [P] seconds since the last frame; fewer frames take longer steps.
        share: of the way that is gone at least.

    Returns:
        [P, 17, 2] pixels.
    """
    length = np.sqrt(np.square(offset).sum(axis=-1, keepdims=True))
    step = STEP * scale * np.maximum(elapsed * USUAL_FPS, 1.0)
    left = np.maximum(length - np.maximum(step[:, None, None], share * length), 0.0)
    return np.asarray(offset * (left / np.maximum(length, 1e-9)))
