"""What a detection changes in what is known of a person, all at once. Pure.

n people, each with its detection; lengths in pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import OKS_SIGMAS
from workers.pose.detector import Detections
from workers.pose.tracking.cost import heights, weights
from workers.pose.tracking.law import CostLaw, MotionLaw
from workers.pose.tracking.motion import corrected
from workers.pose.tracking.people import GALLERY, RECORD, People

Records = NDArray[np.void]
Rows = NDArray[np.intp]

# How fast what is known of a joint loses weight against what is seen, seconds.
_MEMORY_S = 0.3
# The box's middle among the key points: it counts where there are none.
_MIDDLE_WEIGHT = 0.05
_SCORE_GAIN, _LOOKS_GAIN = 0.3, 0.1
# A look that is less like all in the gallery is worth keeping.
_NEW_LOOK = 0.85
# Mean OKS from which two skeletons, and overlap from which two boxes, are one person's.
_SAME_OKS, _SAME_IOU = 0.85, 0.6
# Skeletons that weigh less say nothing; then boxes must overlap more.
_LEAST_WEIGHT, _SAME_BOX = 0.05, 0.9


def sighted(
    records: Records, found: Detections, what: Rows, now: float, motion: MotionLaw, cost: CostLaw
) -> Records:
    """The people [n], as predicted for `now`, after the detections `what` [n] were found to be theirs."""
    score = found.scores[what]
    body = _innovation(records, found, what, cost)
    doubt = 1 + motion.weak_error * (1 - np.clip(score, 0, 1)) ** 2
    variance = (motion.error * records["height"] * doubt).astype(np.float64) ** 2
    seen = corrected(records, body, variance)
    confidence = np.clip(found.keypoints[what][..., 2], 0, 1)
    unseen_s = (now - records["seen_at"])[:, None]
    known = records["confidence"].astype(np.float32) * np.exp(-unseen_s / _MEMORY_S)
    gain = confidence**2 / np.maximum(confidence**2 + 0.25 * known**2, 1e-6)
    seen["keypoints"] += gain[..., None] * (found.keypoints[what][..., :2] - seen["keypoints"])
    seen["confidence"] = np.maximum(confidence, known)
    # Boxes shrink to what is seen of a body, so those of covered people teach little.
    box_gain = np.clip(score / 0.7, 0.1, 1)[:, None] ** 2 * 0.8
    seen["box"] += box_gain * (found.boxes[what] - seen["box"])
    seen["height"] += 0.3 * box_gain[:, 0] * (heights(found.boxes[what]) - seen["height"])
    seen["score"] += _SCORE_GAIN * (score - seen["score"])
    seen["seen_at"] = now
    return seen


def _innovation(records: Records, found: Detections, what: Rows, cost: CostLaw) -> NDArray[np.float64]:
    """[n, 2] mean way from where key points were expected to where they are; a far one counts little."""
    middles = [boxes.reshape(-1, 2, 2).mean(axis=1) for boxes in (records["box"], found.boxes[what])]
    known = np.concatenate([records["keypoints"], middles[0][:, None]], axis=1)
    seen = np.concatenate([found.keypoints[what][..., :2], middles[1][:, None]], axis=1)
    off = (seen - known).astype(np.float64)
    weight = weights(found.keypoints[what][..., 2], cost) * weights(records["confidence"], cost)
    weight = np.concatenate([weight, np.full((len(what), 1), _MIDDLE_WEIGHT)], axis=1)
    spread = np.append(2 * OKS_SIGMAS, 0.2) * records["height"][:, None]
    for _ in range(2):
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
        middle = (weight[..., None] * off).sum(axis=1) / total
        far = ((off - middle[:, None]) ** 2).sum(axis=-1) / spread**2
        weight = weight / (1 + far)
    return np.asarray((weight[..., None] * off).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)[:, None])


def newcomers(found: Detections, rows: Rows, ids: NDArray[np.int64], now: float, law: MotionLaw) -> People:
    """People who are seen for the first time, in the detections `rows`."""
    records = np.zeros(len(rows), RECORD)
    tall = heights(found.boxes[rows])
    records["track_id"] = ids
    records["born_at"] = records["seen_at"] = now
    records["score"] = found.scores[rows]
    records["height"] = tall
    records["box"] = found.boxes[rows]
    records["covariance"][:, 0] = (2 * law.error * tall) ** 2
    records["covariance"][:, 2] = (law.speed * tall) ** 2
    records["keypoints"] = found.keypoints[rows][..., :2]
    records["confidence"] = np.clip(found.keypoints[rows][..., 2], 0, 1)
    dimension = 0 if found.features is None else found.features.shape[1]
    looks = People.nobody(dimension).looks
    looks = np.zeros((len(rows), *looks.shape[1:]), looks.dtype)
    if found.features is not None:
        looks = remembered(looks, found.features[rows])
    return People(records, looks)


def remembered(looks: NDArray[np.float16], features: NDArray[np.float32]) -> NDArray[np.float16]:
    """Appearances [n, 1 + GALLERY, D] after the features [n, D]; a feature of zeros changes nothing."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(length, 1e-12)
    mean = looks[:, 0].astype(np.float32)
    known = (mean != 0).any(axis=1, keepdims=True)
    mean = mean + np.where(known, _LOOKS_GAIN, 1.0) * (unit - mean)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    new = (np.einsum("ngd,nd->ng", looks[:, 1:].astype(np.float32), unit) < _NEW_LOOK).all(axis=1)
    kept = np.where(new[:, None, None], np.roll(looks[:, 1:], 1, axis=1), looks[:, 1:])
    kept[:, 0] = np.where(new[:, None], unit, kept[:, 0])
    after = np.concatenate([mean[:, None], kept[:, :GALLERY]], axis=1).astype(np.float16)
    return np.where((length > 0)[..., None], after, looks)


def same_body(keypoints: NDArray[np.float32], boxes: NDArray[np.float32], law: CostLaw) -> NDArray[np.bool_]:
    """[k, k] whether two of the skeletons [k, 17, 3] with the boxes [k, 4] are one person's.

    OKS (COCO) over key points that both are sure of, and overlap of the boxes; with no such key points the
    boxes alone, more strictly.
    """
    area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1)
    corners = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(
        boxes[:, None, :2], boxes[None, :, :2]
    )
    shared = np.maximum(corners, 0).prod(axis=-1)
    overlap = shared / np.maximum(area[:, None] + area[None] - shared, 1)
    one, other = np.nonzero(np.triu(overlap > _SAME_IOU, 1))
    weight = weights(keypoints[one][..., 2], law) * weights(keypoints[other][..., 2], law)
    squared = ((keypoints[one][..., :2] - keypoints[other][..., :2]) ** 2).sum(axis=-1)
    scale = np.minimum(area[one], area[other])[:, None] * 2 * (2 * OKS_SIGMAS) ** 2
    total = weight.sum(axis=-1)
    oks = (weight * np.exp(-squared / scale)).sum(axis=-1) / np.maximum(total, 1e-6)
    alike = np.where(total < _LEAST_WEIGHT, overlap[one, other] > _SAME_BOX, oks > _SAME_OKS)
    same = np.zeros(overlap.shape, bool)
    same[one, other] = alike
    return same | same.T
