"""Finds out, for each joint at each frame, how people move and how the detector errs. P people, 17 joints.

A Kalman filter is as good as the two noises that it is told: how lively the motion is and how wrong the
measurement. A small net (`training.refine` made its numbers) reads both off the filter's own surprises: the
distances of measurements from their predictions, against what was expected, now and lately, of the joint and
of the whole body. It only ever sets noises, so whatever it says, the answer is a Kalman filter's.

A third noise is the body's: all joints together tell far better than one that somebody starts to walk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.pose.refine import kalman, learned
from workers.pose.refine.kalman import Floats

# Seconds over which surprises are remembered.
QUICK_S, SLOW_S = 0.06, 0.3
MOST_SURPRISED = 30.0
SLIGHT = 0.05
# Arithmetic must not overflow, whatever the net says.
_LOG_MOST = 20.0
UNIT_HZ = 30.0


@dataclass(frozen=True)
class Filtered:
    """The filter after a measurement; fields as in `Memory`."""

    position: Floats
    velocity: Floats
    covariance: Floats
    innovation: Floats
    surprise: Floats
    log_process: Floats
    log_body_process: Floats


def filtered(
    old: Filtered, measured: Floats, variance: Floats, elapsed: Floats, scale: Floats, unseen: Floats
) -> Filtered:
    """Take a frame's measurements.

    Args:
        old: the filter after the last frame.
        measured: [P, 17, 2] pixels; NaN where a joint is not measured.
        variance: [P, 17] as expected of the detector, pixels^2.
        elapsed: [P] seconds since the last frame, above 0.
        scale: [P] body heights, pixels.
        unseen: [P] seconds since each person was last seen.
    """
    unit = np.square(scale)[:, None]
    covariance = kalman.predicted(old.covariance, elapsed, np.exp(old.log_process) * unit)
    position: Floats = old.position + elapsed[:, None, None] * old.velocity
    some = np.asarray(np.isfinite(measured).all(axis=-1))
    innovation = np.where(some[..., None], measured - position, 0.0)
    total = covariance[:, 0] + variance
    shift = _of_the_body(innovation, some / total, np.exp(old.log_body_process) * unit[:, 0], elapsed)
    position, innovation = position + shift, np.where(some[..., None], innovation - shift, 0.0)
    velocity: Floats = old.velocity + 1.5 * shift / elapsed[:, None, None]

    surprise, now, product = _surprises(old, innovation, total, elapsed, some)
    seen = _features(
        now, product, surprise, variance / unit, total / variance, velocity / scale[:, None, None]
    )
    times = np.log(np.stack([elapsed, unseen], axis=1) * UNIT_HZ)[:, None]
    features = np.concatenate([seen, np.broadcast_to(times, (*now.shape, 2))], axis=-1)
    log_process, log_error, log_body_process = noises(features)
    believed = np.where(some, variance * np.exp(log_error), np.inf)
    position, velocity, covariance = kalman.corrected(position, velocity, covariance, innovation, believed)
    return Filtered(
        position=position,
        velocity=velocity,
        covariance=covariance,
        innovation=np.where(some[..., None], innovation, old.innovation),
        surprise=surprise,
        log_process=np.where(some, log_process, old.log_process),
        log_body_process=log_body_process,
    )


def noises(features: Floats) -> tuple[Floats, Floats, Floats]:
    """What the net says of features [P, 17, F].

    Returns:
        logarithms of the process noise [P, 17], of a factor on the measurement variance [P, 17], and of the
        body's process noise [P]; process noises in body heights^2 / s^3.
    """
    # One product of two matrices is several times faster than one for each person.
    joints = (features.reshape(-1, features.shape[-1]) @ learned.INPUT).reshape(*features.shape[:2], -1)
    hidden = np.tanh(joints + learned.JOINTS[learned.KINDS])
    told = hidden @ learned.OUTPUT + learned.OUTPUT_BIAS
    body = hidden.mean(axis=1) @ learned.BODY + learned.BODY_BIAS
    limited = np.clip(told, -_LOG_MOST, _LOG_MOST)
    return limited[..., 0], limited[..., 1], np.clip(body, -_LOG_MOST, _LOG_MOST)


def _of_the_body(innovation: Floats, weights: Floats, process: Floats, elapsed: Floats) -> Floats:
    """[P, 1, 2] how far the whole body is from where it was expected, as far as that is believed.

    Args:
        innovation: [P, 17, 2].
        weights: [P, 17] one over the variance of each; 0 where there is none.
        process: [P] pixels^2 / s^3.
        elapsed: [P] seconds.
    """
    total = weights.sum(axis=1)
    mean = (weights[..., None] * innovation).sum(axis=1) / np.maximum(total, 1e-300)[:, None]
    moved = process * elapsed**3 / 3
    share = np.where(total > 0, moved / (moved + 1 / np.maximum(total, 1e-300)), 0.0)
    return np.asarray((share[:, None] * mean)[:, None])


def _surprises(
    old: Filtered, innovation: Floats, total: Floats, elapsed: Floats, some: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """The running means [P, 3, 17], and of this frame alone the surprise [P, 17] and its share that lasts."""
    now = np.square(innovation).sum(axis=-1) / (2 * total)
    product = (innovation * old.innovation).sum(axis=-1) / (2 * total)
    limited = np.minimum(now, MOST_SURPRISED)
    lasting = np.clip(product, -MOST_SURPRISED, MOST_SURPRISED)
    shares = 1 - np.exp(-elapsed[:, None] / np.array([QUICK_S, SLOW_S, SLOW_S]))
    news = np.stack([limited, limited, lasting], axis=1)
    surprise = old.surprise + np.where(some[:, None], shares[..., None] * (news - old.surprise), 0.0)
    return surprise, now, surprise[:, 2] / (surprise[:, 1] + 0.1)


def _features(
    now: Floats, lasting: Floats, surprise: Floats, variance: Floats, doubt: Floats, velocity: Floats
) -> Floats:
    """[P, 17, 11] what the net is shown of each joint, beside the times."""
    instant, quick, slow = (np.log(value + SLIGHT) for value in (now, surprise[:, 0], surprise[:, 1]))
    speed = np.log(np.square(velocity).sum(axis=-1) + 1e-3) / 3
    columns = [instant, quick, slow, lasting, _all(instant), _all(slow), _all(lasting)]
    columns += [np.log(variance / 1e-4) / 3, np.log(doubt) / 2, speed, _all(speed)]
    return np.stack(columns, axis=-1)


def _all(values: Floats) -> Floats:
    """[P, 17] the mean over the body, for each joint."""
    return np.broadcast_to(values.mean(axis=1, keepdims=True), values.shape)
