"""The COCO-17 skeleton: joints, bones, left-right pairs and how far to trust each joint."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

JOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
JOINT_COUNT = len(JOINTS)

# Pairs to draw; not the graph of the nets, which has its own direction (workers/classify/nets/graph.py).
BONES = (
    (15, 13),
    (13, 11),
    (16, 14),
    (14, 12),
    (11, 12),
    (5, 11),
    (6, 12),
    (5, 6),
    (5, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
)

# Joint i of a mirrored picture is joint FLIP[i] of the original.
FLIP = np.array([0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15])

# Spread of the annotators' key points relative to body size (COCO key point evaluation), the k_i of OKS.
OKS_SIGMAS = np.array(
    [0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89]
) / np.float64(10.0)

# How far to trust each joint: 1 most, 3 least. Nose and shoulders 1, hips 2, wrists (blurred when fast) and
# ankles (often cut off) 3, as the research document ranks them (iteration 7); those that it leaves out, 2.
RELIABILITY_RANKS = np.array([1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 2, 2, 2, 2, 3, 3])


def soft_mask(
    confidence: NDArray[np.floating[Any]], threshold: float = 0.3, slope: float = 10.0
) -> NDArray[np.floating[Any]]:
    """How far to believe joints: a sigmoid in place of seen or not seen.

    Args:
        confidence: [...]; what is no number counts as 0.
        threshold: the confidence that counts half.
        slope: how fast belief rises; a quarter of it is the steepness at the threshold.

    Returns:
        [...] in [0, 1], of the confidence's own precision.
    """
    # Beyond 1e9 infinity has no more to say; beyond +-60 a sigmoid is 0 or 1, and exp does not overflow.
    sure = np.clip(np.nan_to_num(confidence, nan=0.0), -1e9, 1e9)
    return np.asarray(1 / (1 + np.exp(-np.clip(slope * (sure - threshold), -60, 60))))
