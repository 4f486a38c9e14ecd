"""What a pose detector would report of a scene: the truth, with a detector's errors.

T moments, N people of the truth, P detections of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import FLIP, JOINT_COUNT
from workers.ingest.simulated.curves import Floats
from workers.ingest.simulated.noise import DetectorNoise
from workers.ingest.simulated.randomness import mean_length, spells, wandering
from workers.ingest.simulated.truth import Truth

Bools = NDArray[np.bool_]

_OUTLIER_S = (1 / 60, 0.15)
_SWAP_S = (1 / 30, 0.4)
_BORROW_S = (1 / 15, 0.6)
_TRUNK = [5, 6, 11, 12]
_UPPER = np.isin(np.arange(JOINT_COUNT), range(5, 11))
_LOWER = np.isin(np.arange(JOINT_COUNT), range(11, 17))
# Somebody upright in the unit square, for people who are not there.
_UPRIGHT = np.array(
    [
        *([0.5, 0.08], [0.54, 0.06], [0.46, 0.06], [0.6, 0.08], [0.4, 0.08], [0.75, 0.2], [0.25, 0.2]),
        *([0.85, 0.36], [0.15, 0.36], [0.85, 0.5], [0.15, 0.5], [0.65, 0.52], [0.35, 0.52], [0.65, 0.75]),
        *([0.35, 0.75], [0.65, 0.96], [0.35, 0.96]),
    ]
)


@dataclass(frozen=True)
class Observation:
    """The detections of one frame, best score first.

    Attributes:
        at: seconds.
        boxes: [P, 4] x1 y1 x2 y2, pixels.
        scores: [P] in [0, 1].
        keypoints: [P, 17, 3] x, y in pixels, confidence in [0, 1].
        owner: [P] the row of the truth's `ids`, -1 for somebody who is not there.
    """

    at: float
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    owner: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.owner)


def observe(truth: Truth, noise: DetectorNoise, seed: int) -> list[Observation]:
    """Report each of the truth's moments, of which there are T, in the order of time."""
    rng = np.random.default_rng([seed, 2])
    keypoints = _misplaced(truth, noise, rng)
    scores = _scores(truth, rng)
    boxes = _boxes(truth, noise, rng)
    found = _found(truth, noise, rng) & (scores >= noise.least_score)
    found = _each_once(boxes, scores, found, noise.same_iou)
    false_here, false_boxes, false_scores, false_keypoints = _false_people(truth, noise, rng)
    observations = []
    for moment in range(len(truth)):
        rows = np.flatnonzero(found[moment])
        extra = np.flatnonzero(false_here[moment])
        owner = np.concatenate([rows, np.full(len(extra), -1)])
        score = np.concatenate([scores[moment, rows], false_scores[moment, extra]])
        best = np.argsort(-score, kind="stable")
        box = np.concatenate([boxes[moment, rows], false_boxes[moment, extra]])[best]
        points = np.concatenate([keypoints[moment, rows], false_keypoints[moment, extra]])[best]
        observations.append(
            Observation(
                at=float(truth.at[moment]),
                boxes=box.astype(np.float32),
                scores=score[best].astype(np.float32),
                keypoints=points.astype(np.float32),
                owner=owner[best].astype(np.int64),
            )
        )
    return observations


def _misplaced(truth: Truth, noise: DetectorNoise, rng: np.random.Generator) -> Floats:
    """[T, N, 17, 3] where joints are seen, and how sure the detector is of each."""
    at, people = truth.at, truth.present.shape[1]
    joints = (people, JOINT_COUNT)
    exact, seen = truth.keypoints[..., :2], truth.keypoints[..., 2] > 0
    sides = np.maximum(truth.boxes[..., 2:] - truth.boxes[..., :2], 0)
    size = np.sqrt(sides[..., 0] * sides[..., 1])[..., None]
    hardness = np.exp(noise.unevenness * wandering(rng, at, joints, 0.4) - noise.unevenness**2)
    times = hardness * (1 + noise.blur * _speeds(truth)) * np.where(seen, 1.0, noise.hidden)
    spread = noise.jitter * size * np.array(noise.joint_factors) * times
    error = spread[..., None] * wandering(rng, at, (*joints, 2), noise.correlation_s, noise.degrees)
    if noise.bias:
        slow = wandering(rng, at, (*joints, 2), noise.bias_s)
        error += (noise.bias * size * np.array(noise.joint_factors))[..., None] * slow
    middle = exact[:, :, _TRUNK].mean(axis=2, keepdims=True)
    pulled = noise.hidden_pull * np.abs(wandering(rng, at, joints, 0.5)) * ~seen
    places = exact + pulled[..., None] * (middle - exact) + error
    strayed = spells(rng, at, joints, noise.outliers / mean_length(_OUTLIER_S), _OUTLIER_S)
    places += _strays(truth, strayed, noise, rng)
    places = _borrowed(places, truth, noise, rng)
    confidence = _confidence(times * np.where(strayed, 2.0, 1.0), noise, at, rng)
    keypoints = np.concatenate([places, confidence[..., None]], axis=-1)
    keypoints = _swapped(keypoints, at, noise, rng)
    limits = np.array(truth.frame_size, np.float64)
    keypoints[..., :2] = np.clip(keypoints[..., :2], 0.0, limits)
    return keypoints


def _speeds(truth: Truth) -> Floats:
    """[T, N, 17] body heights a second; 0 where a person is not there before and after."""
    speeds = np.zeros(truth.keypoints.shape[:3])
    if len(truth) < 2:
        return speeds
    elapsed = np.maximum(np.diff(truth.at), 1e-3)[:, None, None]
    both = (truth.present[1:] & truth.present[:-1])[..., None]
    way = np.linalg.norm(np.diff(truth.keypoints[..., :2], axis=0), axis=-1) / elapsed
    heights = np.maximum(truth.heights_px[1:], 1.0)[..., None]
    between = np.where(both, way / heights, 0.0)
    speeds[1:] = between
    speeds[:-1] = np.maximum(speeds[:-1], between)
    return np.minimum(speeds, 8.0)


def _strays(truth: Truth, strayed: Bools, noise: DetectorNoise, rng: np.random.Generator) -> Floats:
    """[T, N, 17, 2] how far outliers are off: each time somewhere else, drifting slowly."""
    off = wandering(rng, truth.at, (*strayed.shape[1:], 2), 0.1, 3.0)
    return np.asarray((strayed * noise.outlier_size * truth.heights_px[..., None])[..., None] * off)


def _borrowed(places: Floats, truth: Truth, noise: DetectorNoise, rng: np.random.Generator) -> Floats:
    """Hidden joints that are put where the same joint of the person in front is."""
    people = truth.present.shape[1]
    when = spells(rng, truth.at, (people,), noise.borrows / mean_length(_BORROW_S), _BORROW_S)
    if people < 2 or not when.any():
        return places
    overlap = _ious(truth.boxes)
    nearer = truth.depth[:, None] < truth.depth[:, :, None]
    overlap = np.where(nearer, overlap, 0.0)
    front = overlap.argmax(axis=2)
    close = when & (overlap.max(axis=2) > 0.15)
    theirs = np.take_along_axis(places, front[..., None, None], axis=1)
    taken = close[..., None] & (truth.keypoints[..., 2] == 0)
    return np.where(taken[..., None], places + 0.85 * (theirs - places), places)


def _confidence(times: Floats, noise: DetectorNoise, at: Floats, rng: np.random.Generator) -> Floats:
    """[T, N, 17] falls with how much larger than usual the error is expected to be; 0.93 where it is not."""
    logit = -np.log(0.075 * np.maximum(times, 0.05) ** 2)
    logit += noise.confidence_spread * wandering(rng, at, times.shape[1:], 0.1)
    return np.asarray(1 / (1 + np.exp(-logit)))


def _swapped(keypoints: Floats, at: Floats, noise: DetectorNoise, rng: np.random.Generator) -> Floats:
    for limbs in (_UPPER, _LOWER):
        rate = noise.swaps / mean_length(_SWAP_S)
        when = spells(rng, at, (keypoints.shape[1],), rate, _SWAP_S)
        taken = (when[..., None] & limbs)[..., None]
        keypoints = np.where(taken, keypoints[:, :, FLIP], keypoints)
    return keypoints


def _scores(truth: Truth, rng: np.random.Generator) -> Floats:
    """[T, N] about 0.88 for people who are seen whole; half of them hidden is about 0.5."""
    small = np.exp(-truth.heights_px / 45)
    logit = 2.1 - 4.2 * (1 - truth.visible_share) - 2.0 * small
    logit += 0.35 * wandering(rng, truth.at, truth.present.shape[1:], 0.3)
    logit += 0.15 * wandering(rng, truth.at, truth.present.shape[1:], 0.0)
    return np.asarray(np.clip(1 / (1 + np.exp(-logit)), 0.0, 0.97))


def _boxes(truth: Truth, noise: DetectorNoise, rng: np.random.Generator) -> Floats:
    """[T, N, 4] boxes with moving edges, which leave out some of what is hidden."""
    exact, seen = truth.boxes, truth.keypoints[..., 2:] > 0
    places = truth.keypoints[..., :2]
    low = np.where(seen, places, np.inf).min(axis=2)
    high = np.where(seen, places, -np.inf).max(axis=2)
    margin = 0.06 * truth.heights_px[..., None]
    shown = np.concatenate([low - margin, high + margin], axis=-1)
    shown = np.where(np.isfinite(shown), shown, exact)
    shown = np.concatenate(
        [np.maximum(shown[..., :2], exact[..., :2]), np.minimum(shown[..., 2:], exact[..., 2:])], axis=-1
    )
    hidden = (1 - truth.visible_share)[..., None]
    boxes = exact + 0.7 * hidden * (shown - exact)
    sides = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    moving = wandering(rng, truth.at, exact.shape[1:], noise.correlation_s, noise.degrees)
    boxes = boxes + noise.box_jitter * sides * (1 + 2 * hidden) * moving
    limits = np.array([*truth.frame_size, *truth.frame_size], np.float64)
    boxes = np.clip(boxes, 0, limits)
    return np.concatenate([boxes[..., :2], np.maximum(boxes[..., 2:], boxes[..., :2] + 1)], axis=-1)


def _found(truth: Truth, noise: DetectorNoise, rng: np.random.Generator) -> Bools:
    """[T, N] who is found at all."""
    people = truth.present.shape[1]
    hidden = 1 - truth.visible_share
    small = np.exp(-truth.heights_px / 18)
    chance = np.minimum(noise.misses * (1 + 8 * hidden**2 + 25 * small), 0.95)
    missed = rng.random(truth.present.shape) < chance
    lost = spells(rng, truth.at, (people,), noise.bursts, noise.burst_s)
    lost |= spells(rng, truth.at, (people,), 2 * noise.bursts, noise.burst_s) & (hidden > 0.5)
    return np.asarray(truth.present & ~missed & ~lost & (truth.visible_share >= noise.blind_below))


def _ious(boxes: Floats) -> Floats:
    """[T, N, N] overlaps of the boxes [T, N, 4] of each moment; 0 with themselves."""
    one, other = boxes[:, :, None], boxes[:, None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    area = np.maximum(boxes[..., 2:] - boxes[..., :2], 0).prod(-1)
    union = area[:, :, None] + area[:, None] - shared
    ious = shared / np.maximum(union, 1e-9)
    return np.asarray(ious * ~np.eye(boxes.shape[1], dtype=bool))


def _each_once(boxes: Floats, scores: Floats, found: Bools, same_iou: float) -> Bools:
    """Drop people whose box is nearly that of a better one (greedy suppression)."""
    order = np.argsort(-np.where(found, scores, -1.0), axis=1, kind="stable")
    ious = _ious(boxes)
    ious = np.take_along_axis(np.take_along_axis(ious, order[..., None], 1), order[:, None], 2)
    kept = np.take_along_axis(found, order, axis=1)
    for rank in range(1, kept.shape[1]):
        kept[:, rank] &= ~(kept[:, :rank] & (ious[:, rank, :rank] > same_iou)).any(axis=1)
    unsorted = np.zeros_like(found)
    np.put_along_axis(unsorted, order, kept, axis=1)
    return unsorted


def _false_people(
    truth: Truth, noise: DetectorNoise, rng: np.random.Generator
) -> tuple[Bools, Floats, Floats, Floats]:
    """People who are not there: [T, F] whether, [T, F, 4] boxes, [T, F] scores, [T, F, 17, 3] key points."""
    places, count = 6, len(truth)
    rate = noise.false_people / mean_length(noise.false_s) / places
    here = spells(rng, truth.at, (places,), rate, noise.false_s)
    width, height = truth.frame_size
    usual = float(np.median(truth.heights_px[truth.present])) if truth.present.any() else height / 3
    tall = usual * rng.uniform(0.4, 1.2, places)
    sides = np.stack([tall * rng.uniform(0.3, 0.7, places), tall], axis=1)
    corner = rng.uniform(0, 1, (places, 2)) * np.maximum(np.array([width, height]) - sides, 0)
    # Each appearance is somewhere else: what is there for a moment does not come back to the same place.
    began = np.cumsum(np.diff(here, axis=0, prepend=False) & here, axis=0)
    moved = (corner + began[..., None] * np.array([0.37 * width, 0.23 * height])) % np.array([width, height])
    shake = 0.02 * sides * wandering(rng, truth.at, (places, 2), 0.05)
    low = np.clip(moved + shake, 0, np.array([width, height]) - 2)
    high = np.minimum(low + sides, np.array([width, height]))
    points = low[:, :, None] + (high - low)[:, :, None] * _UPRIGHT
    points += 0.08 * sides[:, None] * wandering(rng, truth.at, (places, JOINT_COUNT, 2), 0.05)
    confidence = 0.5 * rng.beta(1.5, 3.0, (count, places, JOINT_COUNT))
    scores = np.clip(rng.uniform(0.1, 0.4, places) + rng.normal(0, 0.03, (count, places)), 0.05, 0.5)
    points = np.clip(points, 0, np.array([width, height]))
    keypoints = np.concatenate([points, confidence[..., None]], axis=-1)
    return here & (scores >= noise.least_score), np.concatenate([low, high], axis=-1), scores, keypoints
