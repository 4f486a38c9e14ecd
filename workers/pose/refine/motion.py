"""How fast people move, and where they will be. P people, 17 joints, lengths in body heights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

FEATURES = ("mean", "max", "arm", "leg", "torso", "variance", "rapid")
_ARM, _LEG, _TORSO = [7, 8, 9, 10], [13, 14, 15, 16], [5, 6, 11, 12]
# Body heights a second. Nineteen in twenty moments of simulated walkers are above MOVING, most of people who
# stand below it; one in twenty of fights is above RAPID, and runners' feet are at each step.
MOVING = 0.2
RAPID = 2.5
# Seconds. Of exact motion such an acceleration predicts the next 0.15 s better than none, and a lasting one
# nothing better; told from a detector's points, any acceleration makes every prediction worse (use 0).
ACCELERATION_LASTS_S = 0.05
# Faster than any body: what is above it is an error of the detector, or of the clock.
_FASTEST = 1e3
_MOST = 1e9


def speeds(velocity: Floats) -> NDArray[np.float64]:
    """[P, 17] body heights a second, of velocities [P, 17, 2]; 0 for what is not finite."""
    ways = np.asarray(velocity, np.float64)
    ways = np.where(np.isfinite(ways).all(axis=-1, keepdims=True), ways, 0.0)
    ways = np.clip(ways, -_FASTEST, _FASTEST)
    return np.asarray(np.sqrt(np.square(ways).sum(axis=-1)))


def is_moving(velocity: Floats, threshold: float = MOVING) -> NDArray[np.bool_]:
    """[P] whose joints, on average, are faster than the threshold, body heights a second."""
    return np.asarray(speeds(velocity).mean(axis=1) > threshold)


def velocity_features(velocity: Floats, rapid: float = RAPID) -> NDArray[np.float64]:
    """What the research document's VelocityFeatureExtractor says of a person (iteration 8), in body heights.

    Args:
        velocity: [P, 17, 2] body heights a second.
        rapid: a joint that is faster makes the motion rapid.

    Returns:
        [P, 7], columns as `FEATURES`: mean and max of all joints; means of arms (elbows, wrists), legs
        (knees, ankles) and torso (shoulders, hips); variance over the joints; 1 for rapid, else 0.
    """
    speed = speeds(velocity)
    columns = [
        speed.mean(axis=1),
        speed.max(axis=1),
        speed[:, _ARM].mean(axis=1),
        speed[:, _LEG].mean(axis=1),
        speed[:, _TORSO].mean(axis=1),
        speed.var(axis=1),
        (speed > rapid).any(axis=1),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def extrapolated(
    position: Floats,
    velocity: Floats,
    acceleration: Floats,
    ahead: Floats,
    lasts_s: float = ACCELERATION_LASTS_S,
) -> NDArray[np.float64]:
    """Where joints will be: x + v t + a t^2 / 2, with an acceleration that fades as exp(-t / lasts_s).

    Args:
        position: [P, 17, 2] body heights, or any unit of length.
        velocity: [P, 17, 2] of it a second.
        acceleration: [P, 17, 2] of it a second squared.
        ahead: [P] seconds; below 0, or no number, counts as 0.
        lasts_s: how long the acceleration lasts; infinite for the plain formula, 0 for none.

    Returns:
        [P, 17, 2]; a velocity or acceleration that is not finite counts as 0, and so does a position.
    """
    time = np.clip(np.nan_to_num(np.asarray(ahead, np.float64), nan=0.0), 0.0, _MOST)[:, None, None]
    start, rate, change = (_bounded(values) for values in (position, velocity, acceleration))
    if np.isinf(lasts_s):
        push = np.square(time) / 2
    elif lasts_s <= 0:
        push = np.zeros_like(time)
    else:
        push = lasts_s * (time + lasts_s * np.expm1(-time / lasts_s))
    return np.asarray(start + rate * time + change * push, np.float64)


def _bounded(values: Floats) -> NDArray[np.float64]:
    """Zero for what is not finite, and nothing that a product could make so."""
    known = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(known, -_MOST, _MOST)
