"""Key points of several frames as one, each as far as it is sure. P people, F frames, 17 joints.

Fusing makes moving people late; it is for people who hardly move.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

LEAST_CONFIDENCE = 0.1


def window_fusion(history: Floats, least_confidence: float = LEAST_CONFIDENCE) -> NDArray[np.float64]:
    """The mean over a window of frames, weighted by confidence; the confidence is the highest.

    Joints that are surer than `least_confidence` in no frame are as in the last one. Agrees with
    `ConfidenceWeightedFusion` of the research document (iteration 7), whose window has 5 frames.

    Args:
        history: [P, F, 17, 3] x, y, confidence; oldest first; what is not finite was not seen.
        least_confidence: frames below it do not count for a joint.

    Returns:
        [P, 17, 3]; zero for joints that no frame has.
    """
    frames = _finite(history)
    if not frames.shape[1]:
        return np.zeros((frames.shape[0], *frames.shape[2:]))
    confidence = frames[..., 2]
    weights = np.where(confidence >= least_confidence, confidence, 0.0)
    total = weights.sum(axis=1)
    some = total > 0
    shares = np.divide(weights, total[:, None], out=np.zeros_like(weights), where=some[:, None])
    places = (shares[..., None] * frames[..., :2]).sum(axis=1)
    fused = np.concatenate([places, weights.max(axis=1)[..., None]], axis=-1)
    return np.where(some[..., None], fused, frames[:, -1])


def exponential_fusion(previous: Floats, new: Floats, decay: float = 0.8) -> NDArray[np.float64]:
    """The new frame mixed with what was fused before, whose confidence decays with each frame.

    Agrees with `ExponentialConfidenceFusion` of the research document (iteration 7).

    Args:
        previous: [P, 17, 3] the last answer; not finite where there is none.
        new: [P, 17, 3] x, y, confidence; what is not finite was not seen.
        decay: in [0, 1], for each frame.

    Returns:
        [P, 17, 3]; zero for joints that neither has.
    """
    past, now = _finite(previous), _finite(new)
    known, past_confidence = np.isfinite(previous).all(axis=-1), past[..., 2] * decay
    total = now[..., 2] + past_confidence
    share = np.divide(now[..., 2], total, out=np.ones_like(total), where=total > 0)[..., None]
    mixed = np.concatenate(
        [
            share * now[..., :2] + (1 - share) * past[..., :2],
            np.maximum(now[..., 2], past_confidence)[..., None],
        ],
        axis=-1,
    )
    faded = np.concatenate([past[..., :2], past_confidence[..., None]], axis=-1)
    unseen = (known & (now[..., 2] < LEAST_CONFIDENCE))[..., None]
    fresh = (~known | (past[..., 2] < LEAST_CONFIDENCE))[..., None]
    return np.where(unseen, faded, np.where(fresh, now, mixed))


def _finite(keypoints: Floats) -> NDArray[np.float64]:
    """A copy in which joints that are not wholly finite are 0, with the confidence 0, which ends at 1."""
    values = np.asarray(keypoints, np.float64)
    values = np.where(np.isfinite(values).all(axis=-1, keepdims=True), values, 0.0)
    values[..., 2] = np.clip(values[..., 2], 0, 1)
    return values
