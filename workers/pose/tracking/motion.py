"""How people move on from frame to frame, all at once. Pure.

n people; lengths in pixels, times in seconds. Place and speed follow a Kalman filter whose speed fades
(Ornstein and Uhlenbeck's velocity model); its noise is in body heights, so that it holds near and far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.pose.tracking.law import MotionLaw

Records = NDArray[np.void]
Floats = NDArray[np.float64]


def predicted(records: Records, elapsed: float, law: MotionLaw) -> Records:
    """The people [n] after the seconds: moved as a whole, and less surely."""
    moved = records.copy()
    if elapsed <= 0 or not len(records):
        return moved
    kept = np.exp(-elapsed / law.fading_s)
    reach = law.fading_s * (1 - kept)
    step = (reach * records["velocity"].astype(np.float64)).astype(np.float32)
    moved["velocity"] = kept * records["velocity"]
    moved["keypoints"] += step[:, None]
    moved["box"] += np.tile(step, 2)
    place, both, speed = records["covariance"].astype(np.float64).T
    noise = law.agility * records["height"].astype(np.float64) ** 2
    moved["covariance"] = np.stack(
        [
            place + 2 * reach * both + reach**2 * speed + noise * elapsed**3 / 3,
            kept * (both + reach * speed) + noise * elapsed**2 / 2,
            kept**2 * speed + noise * elapsed,
        ],
        axis=1,
    )
    return moved


def corrected(records: Records, innovation: Floats, variance: Floats) -> Records:
    """The people [n] after their bodies were seen to be off by the innovation.

    Args:
        records: as predicted.
        innovation: [n, 2] mean way from where the body was expected to where it is.
        variance: [n] of it.
    """
    moved = records.copy()
    place, both, speed = records["covariance"].astype(np.float64).T
    total = place + variance
    gain, speed_gain = place / total, both / total
    step = (gain[:, None] * innovation).astype(np.float32)
    moved["keypoints"] += step[:, None]
    moved["box"] += np.tile(step, 2)
    moved["velocity"] += (speed_gain[:, None] * innovation).astype(np.float32)
    moved["covariance"] = np.stack([(1 - gain) * place, (1 - gain) * both, speed - speed_gain * both], axis=1)
    return moved


def warped(records: Records, affine: Floats) -> Records:
    """The people [n] in the image of a camera that has moved; `affine` is [2, 3], from then to now."""
    moved = records.copy()
    turn, shift = affine[:, :2], affine[:, 2]
    moved["keypoints"] = records["keypoints"] @ turn.T + shift
    corners = records["box"].reshape(-1, 2, 2) @ turn.T + shift
    moved["box"] = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    moved["velocity"] = records["velocity"] @ turn.T
    return moved


def left_image(records: Records, frame_size: tuple[int, int]) -> NDArray[np.bool_]:
    """[n] who is expected beyond an edge: the middle of the box lies outside."""
    middle = (records["box"][:, :2] + records["box"][:, 2:]) / 2
    return np.asarray(((middle < 0) | (middle > np.array(frame_size))).any(axis=1))
