"""What speaks for and against a detection being a person who is known. Pure.

n people, m detections, J = 17 key points and the 2 corners of the box; lengths in pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import OKS_SIGMAS
from workers.pose.detector import Detections
from workers.pose.tracking.law import CostLaw

Records = NDArray[np.void]
Floats = NDArray[np.float32]

# How much a joint tells where its body is: a trunk more than a hand.
STEADINESS = np.array([*[0.7] * 5, 1, 1, 0.5, 0.5, 0.25, 0.25, 1, 1, 0.5, 0.5, 0.3, 0.3], np.float32)
# How fast points leave their place in the body, body heights a second, and how far they get; corners last.
_SPEED = np.array(
    [*[0.2] * 5, 0.1, 0.1, 0.5, 0.5, 1.0, 1.0, 0.1, 0.1, 0.4, 0.4, 0.7, 0.7, 0.2, 0.2], np.float32
)
_REACH = np.array(
    [*[0.1] * 5, 0.07, 0.07, 0.15, 0.15, 0.25, 0.25, 0.05, 0.05, 0.12, 0.12, 0.2, 0.2, 0.1, 0.1], np.float32
)
# COCO's sigmas are in roots of a person's area, which is about 0.6 heights; corners are less steady.
_AT_REST = np.append(2 * 0.6 * OKS_SIGMAS, [0.1, 0.1]).astype(np.float32)
_LEAST_HEIGHT = 4.0


def heights(boxes: Floats) -> Floats:
    """[k] body heights of the boxes [k, 4], by their diagonals: those change little if somebody falls."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(np.maximum(0.93 * np.hypot(sides[:, 0], sides[:, 1]), _LEAST_HEIGHT), np.float32)


def weights(confidence: Floats, law: CostLaw) -> Floats:
    """[k, 17] how much each key point counts, from its confidence [k, 17]; pairs multiply theirs."""
    return np.asarray(np.clip(confidence, 0, 1).astype(np.float32) ** law.sharpness * np.sqrt(STEADINESS))


def mismatch(people: Records, unseen_s: Floats, found: Detections, law: CostLaw) -> tuple[Floats, Floats]:
    """[n, m] how badly key points and boxes fit, and [n, m] how wide the guess was.

    Means over the key points and corners of ln(1 + d²/2S), a Cauchy law, which a few wrong key points do not
    upset, and of ln(S/S0)/2. S, the variance of a point, grows with the time unseen and with the doubt about
    where the body is; S0 is that of somebody at rest.

    Args:
        people: as predicted for the detections' time.
        unseen_s: [n].
        found: m detections.
        law: what counts how much.
    """
    height = people["height"]
    known = np.concatenate([people["keypoints"], people["box"].reshape(-1, 2, 2)], axis=1)
    seen = np.concatenate([found.keypoints[..., :2], found.boxes.reshape(-1, 2, 2)], axis=1)
    squared = ((known[:, None] - seen[None]) ** 2).sum(axis=-1)
    at_rest = np.float32(law.spread) * _AT_REST
    roaming = np.minimum(unseen_s[:, None] * _SPEED, _REACH)
    spread = at_rest**2 + roaming**2 + (people["covariance"][:, :1] / height[:, None] ** 2)
    off = np.log1p(squared / (2 * height[:, None] ** 2 * spread)[:, None])
    width = 0.5 * np.log(spread / at_rest**2)
    corners = np.full((1, 1, 2), 0.5 * law.corner_weight, np.float32)
    weight = weights(people["confidence"], law)[:, None] * weights(found.keypoints[..., 2], law)[None]
    weight = np.concatenate([weight, np.broadcast_to(corners, (*weight.shape[:2], 2))], axis=-1)
    total = weight.sum(axis=-1)
    fit = (weight * off).sum(axis=-1) / total
    return fit, np.asarray((weight * width[:, None]).sum(axis=-1) / total)


def same_height(people: Records, found: Detections, law: CostLaw) -> NDArray[np.bool_]:
    """[n, m] whether top and bottom of the boxes are nearly the same: as tall, and as far from the camera."""
    off = np.abs(people["box"][:, None, 1::2] - found.boxes[None, :, 1::2]).sum(axis=-1)
    return np.asarray(off <= law.upright * people["height"][:, None])


def coverage(people: Records) -> Floats:
    """[n] share of each box that somebody nearer is expected to cover.

    Who stands lower in the image is nearer, as on a floor.
    """
    boxes = people["box"]
    if not len(boxes):
        return np.zeros(0, np.float32)
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(
        boxes[:, None, :2], boxes[None, :, :2]
    )
    shared = np.maximum(sides, 0).prod(axis=-1)
    area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)
    ahead = (boxes[None, :, 3] - boxes[:, None, 3]) / (0.04 * people["height"][:, None])
    nearer = 1 / (1 + np.exp(-np.clip(ahead, -20, 20)))
    np.fill_diagonal(nearer, 0)
    return np.asarray((nearer * shared / area[:, None]).max(axis=1), np.float32)


def expected_score(people: Records, covered: Floats) -> Floats:
    """[n] the score that a detection of each should have, given how much of it is covered."""
    return np.asarray(np.maximum(people["score"], 0.6) * (1 - 0.7 * covered), np.float32)


def likeness(looks: NDArray[np.float16], features: Floats) -> Floats:
    """[n, m] largest cosine of an appearance with a person's mean and gallery; NaN where either has none.

    Args:
        looks: [n, G, D] unit vectors or zeros.
        features: [m, D] of any length, zeros where there is none.
    """
    length = np.linalg.norm(features, axis=1, keepdims=True)
    units = features / np.maximum(length, 1e-12)
    cosines = np.einsum("ngd,md->nmg", looks.astype(np.float32), units)
    known = (looks != 0).any(axis=2)
    cosines = np.where(known[:, None], cosines, -np.inf).max(axis=2)
    return np.where(np.isfinite(cosines) & (length[:, 0] > 0), cosines, np.nan).astype(np.float32)
