"""A constant-velocity Kalman filter for each key point, all of them at once. P people, 17 joints.

x and y have the same covariance, so each joint keeps one symmetric 2x2 of position and velocity as the rows
p00, p01, p11 of a [P, 3, 17] array. Units: pixels and seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import OKS_SIGMAS

Floats = NDArray[np.floating[Any]]

# A sure joint's error as a part of the square root of the box's area, and what it is at least, in pixels.
JITTER, LEAST_JITTER_PX = 0.01, 0.3
# Some joints are found better than others, in the proportions of the annotators' own spread.
FACTORS = OKS_SIGMAS / OKS_SIGMAS.mean()
# Odds against a joint whose error is JITTER, and how far they may raise or lower its variance.
USUAL_ODDS, BEST, WORST = 0.075, 0.3, 100.0
# Of somebody new: body heights a second, and how far off a first measurement may be.
START_SPEED, START_ERROR = 1.0, 0.02
UNKNOWN_PX = 1e4
_MOST = 1e12


def measurement_variance(confidence: Floats, boxes: Floats) -> Floats:
    """How far off a detector's key points are expected to be.

    Args:
        confidence: [P, 17] in [0, 1].
        boxes: [P, 4] x1 y1 x2 y2, pixels.

    Returns:
        [P, 17] pixels squared, in x and in y; grows with the odds against the joint.
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    jitter = JITTER * np.sqrt(sides[:, 0] * sides[:, 1])[:, None] * FACTORS
    odds = (1 - confidence) / np.maximum(confidence, 1e-3) / USUAL_ODDS
    return np.asarray(np.square(jitter) * np.minimum(np.maximum(odds, BEST), WORST) + LEAST_JITTER_PX**2)


def started(variance: Floats, scale: Floats, measured: NDArray[np.bool_]) -> Floats:
    """[P, 3, 17] covariance after a first measurement; joints that have none may be anywhere."""
    covariance = np.zeros((len(variance), 3, variance.shape[1]))
    covariance[:, 0] = np.where(measured, variance + np.square(START_ERROR * scale)[:, None], UNKNOWN_PX**2)
    covariance[:, 2] = np.square(START_SPEED * scale)[:, None]
    return covariance


def predicted(covariance: Floats, elapsed: Floats, process: Floats) -> Floats:
    """The covariance after some time in which people accelerate at random.

    Args:
        covariance: [P, 3, 17].
        elapsed: [P] seconds.
        process: [P, 17] power of the acceleration, pixels^2 / s^3.
    """
    time = elapsed[:, None]
    half, third = time * time / 2, time * time * time / 3
    place, mixed, speed = covariance[:, 0], covariance[:, 1], covariance[:, 2]
    after = np.empty_like(covariance)
    # Rounding must not make a variance negative.
    after[:, 0] = np.maximum(place + 2 * time * mixed + time * time * speed, 0.0) + third * process
    after[:, 1] = mixed + time * speed + half * process
    after[:, 2] = speed + time * process
    if (after > _MOST).any():
        after[:, ::2] = np.minimum(after[:, ::2], _MOST)
        # Still the covariance of something, or a later variance would fall below 0.
        most = np.sqrt(after[:, 0] * after[:, 2])
        after[:, 1] = np.clip(after[:, 1], -most, most)
    return after


def corrected(
    position: Floats, velocity: Floats, covariance: Floats, innovation: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Position, velocity and covariance after a measurement.

    Args:
        position: [P, 17, 2] as predicted.
        velocity: [P, 17, 2] as predicted.
        covariance: [P, 3, 17] as predicted.
        innovation: [P, 17, 2] measurement less position; 0 where there is none.
        variance: [P, 17] of the measurement, above 0; infinite where there is none.
    """
    place, mixed = covariance[:, 0], covariance[:, 1]
    total = place + variance
    gain, speed_gain = place / total, mixed / total
    kept = 1 - gain
    after = np.empty_like(covariance)
    after[:, 0] = kept * place
    after[:, 1] = kept * mixed
    # speed - mixed^2 / total, in a form that rounding cannot make too small for the other two.
    of_place = np.square(mixed) / np.maximum(place, 1e-300)
    after[:, 2] = np.maximum(covariance[:, 2] - of_place, 0.0) + kept * of_place
    return position + gain[..., None] * innovation, velocity + speed_gain[..., None] * innovation, after


def smoothed_back(
    before: tuple[Floats, Floats, Floats],
    expected: tuple[Floats, Floats],
    after: tuple[Floats, Floats],
    elapsed: Floats,
    process: Floats,
) -> tuple[Floats, Floats]:
    """One step of the Rauch-Tung-Striebel smoother: what the later frame tells about the earlier one.

    Args:
        before: position, velocity [P, 17, 2] and covariance [P, 3, 17] as filtered at the earlier frame.
        expected: position and velocity that were expected of the later frame at the earlier one.
        after: position and velocity of the later frame, smoothed.
        elapsed: [P] seconds between them.
        process: [P, 17] pixels^2 / s^3, as the filter had it on this way.

    Returns:
        position and velocity of the earlier frame, smoothed.
    """
    position, velocity, covariance = before
    time = elapsed[:, None]
    place, mixed, speed = covariance[:, 0], covariance[:, 1], covariance[:, 2]
    ahead = predicted(covariance, elapsed, process)
    determinant = np.maximum(ahead[:, 0] * ahead[:, 2] - np.square(ahead[:, 1]), 1e-12)
    # Rows of P F' = [[place + time mixed, mixed], [mixed + time speed, speed]] times the inverse.
    first, second = place + time * mixed, mixed + time * speed
    gains = (
        (first * ahead[:, 2] - mixed * ahead[:, 1]) / determinant,
        (mixed * ahead[:, 0] - first * ahead[:, 1]) / determinant,
        (second * ahead[:, 2] - speed * ahead[:, 1]) / determinant,
        (speed * ahead[:, 0] - second * ahead[:, 1]) / determinant,
    )
    moved, turned = after[0] - expected[0], after[1] - expected[1]
    return (
        position + gains[0][..., None] * moved + gains[1][..., None] * turned,
        velocity + gains[2][..., None] * moved + gains[3][..., None] * turned,
    )
