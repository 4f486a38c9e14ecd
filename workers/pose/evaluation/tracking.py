"""How well identities are kept: HOTA, IDF1 and CLEAR MOT of a result against the truth.

The figures agree with trackeval 1.3.0 (Luiten and Hoffhues), which is only a reference for the tests: it
requires another build of OpenCV than ours, and both write to the same folder.
T truth people and R result people of the whole sequence; t and r of them in one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import lap
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Least overlap of a match for IDF1 and CLEAR MOT.
SAME_IOU = 0.5
# HOTA is the mean over these least overlaps (Luiten et al., HOTA, IJCV 2021).
ALPHAS = np.arange(0.05, 0.99, 0.05)
_EPSILON = float(np.finfo(np.float64).eps)
# In CLEAR MOT a match of the last frame goes before any better overlap (Bernardin and Stiefelhagen, 2008).
_KEPT = 1000.0


@dataclass(frozen=True)
class Tracklets:
    """Boxes with identities, in any order.

    Attributes:
        frames: [n] the frame's number.
        ids: [n] who it is; once a frame at most.
        boxes: [n, 4] x1 y1 x2 y2, pixels.
    """

    frames: Ints
    ids: Ints
    boxes: Floats

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class TrackingScores:
    """Shares are in [0, 1] (MOTA can be below 0), the rest are counts.

    Attributes:
        hota, det_a, ass_a: Luiten et al., IJCV 2021: both together, detection, association.
        idf1, idp, idr: Ristani et al., 2016: boxes with the right identity; precision and recall of them.
        mota: Bernardin and Stiefelhagen, 2008: 1 - (misses + false boxes + switches) / truth boxes.
        switches: how often a person got another identity than the last one.
        fragmentations: how often a person was followed again after a pause.
        hits, misses, false_boxes: boxes of the truth that were met and not met, boxes that meet nobody.
        truth_ids, result_ids: identities on either side.
    """

    hota: float
    det_a: float
    ass_a: float
    idf1: float
    idp: float
    idr: float
    mota: float
    switches: int
    fragmentations: int
    hits: int
    misses: int
    false_boxes: int
    truth_ids: int
    result_ids: int


@dataclass(frozen=True)
class _Frame:
    """[t] and [r] rows of people, and [t, r] overlaps of their boxes."""

    number: int
    truth: Ints
    result: Ints
    overlap: Floats


def score_tracking(truth: Tracklets, result: Tracklets) -> TrackingScores:
    """Compare a result with the truth of the same frames.

    Raises:
        ValueError: an identity is twice in a frame.
    """
    _once("truth", truth)
    _once("result", result)
    truth_ids, truth_rows = np.unique(truth.ids, return_inverse=True)
    result_ids, result_rows = np.unique(result.ids, return_inverse=True)
    people = len(truth_ids), len(result_ids)
    frames = list(_frames(truth, truth_rows, result, result_rows))
    hota, det_a, ass_a = _hota(frames, people)
    kept = _identity(frames, people)
    hits, switches, fragmentations = _clear(frames, people[0])
    return TrackingScores(
        hota=hota,
        det_a=det_a,
        ass_a=ass_a,
        idf1=2 * kept / max(1, len(truth) + len(result)),
        idp=kept / max(1, len(result)),
        idr=kept / max(1, len(truth)),
        mota=(hits - (len(result) - hits) - switches) / max(1, len(truth)),
        switches=switches,
        fragmentations=fragmentations,
        hits=hits,
        misses=len(truth) - hits,
        false_boxes=len(result) - hits,
        truth_ids=people[0],
        result_ids=people[1],
    )


def identities_over_time(truth: Tracklets, result: Tracklets) -> tuple[Ints, Ints, Ints]:
    """Who was taken for whom, frame by frame, as CLEAR MOT pairs them.

    Returns:
        [k] frames, [k] ids of the truth and [k] ids of the result.

    Raises:
        ValueError: an identity is twice in a frame.
    """
    _once("truth", truth)
    _once("result", result)
    truth_ids, truth_rows = np.unique(truth.ids, return_inverse=True)
    result_ids, result_rows = np.unique(result.ids, return_inverse=True)
    before = np.full(len(truth_ids), -1)
    found: list[Ints] = [np.zeros((3, 0), np.int64)]
    for frame in _frames(truth, truth_rows, result, result_rows):
        if frame.overlap.size:
            mine, theirs = _met(frame, before)
            found.append(np.stack([np.full(len(mine), frame.number), truth_ids[mine], result_ids[theirs]]))
            before[:] = -1
            before[mine] = theirs
    frames, people, taken_for = np.concatenate(found, axis=1)
    return frames, people, taken_for


def overlaps(one: Floats, other: Floats) -> Floats:
    """[n, m] intersection over union of the boxes [n, 4] and [m, 4]; 0 for boxes without area."""
    corners = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(
        one[:, None, :2], other[None, :, :2]
    )
    shared = np.maximum(corners, 0).prod(axis=2)
    areas = [np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(shared / np.maximum(union, _EPSILON))


def _once(name: str, tracklets: Tracklets) -> None:
    pairs = np.stack([tracklets.frames, tracklets.ids], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    if (counts > 1).any():
        frame, identity = found[counts.argmax()].tolist()
        raise ValueError(f"{name}: identity {identity} is twice in frame {frame}: keep one box of it")


def _frames(truth: Tracklets, truth_rows: Ints, result: Tracklets, result_rows: Ints) -> Iterator[_Frame]:
    numbers = np.union1d(truth.frames, result.frames)
    for number, here, there in zip(
        numbers, _rows_of(truth.frames, numbers), _rows_of(result.frames, numbers), strict=True
    ):
        overlap = overlaps(truth.boxes[here], result.boxes[there])
        yield _Frame(int(number), truth_rows[here], result_rows[there], overlap)


def _rows_of(frames: Ints, numbers: Ints) -> list[NDArray[np.intp]]:
    """The rows of each frame number, all found in one sorting."""
    if not len(numbers):
        return []
    order = np.argsort(frames, kind="stable")
    return np.split(order, np.searchsorted(frames[order], numbers[1:]))


def _best(gain: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pairing of most gain."""
    if not gain.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    _, columns, _ = lap.lapjv(gain.max() - gain, extend_cost=True)
    rows = np.flatnonzero(columns >= 0)
    return rows, columns[rows].astype(np.intp)


def _hota(frames: list[_Frame], people: tuple[int, int]) -> tuple[float, float, float]:
    """HOTA, DetA and AssA, each the mean over `ALPHAS`."""
    likely = np.zeros(people)
    truth_count, result_count = np.zeros(people[0]), np.zeros(people[1])
    for frame in frames:
        truth_count[frame.truth] += 1
        result_count[frame.result] += 1
        total = frame.overlap.sum(0)[None] + frame.overlap.sum(1)[:, None] - frame.overlap
        likely[np.ix_(frame.truth, frame.result)] += frame.overlap / np.where(total > _EPSILON, total, 1)
    both = truth_count[:, None] + result_count[None]
    alignment = likely / np.maximum(both - likely, _EPSILON)
    matches = np.zeros((len(ALPHAS), *people))
    for frame in frames:
        rows, columns = _best(alignment[np.ix_(frame.truth, frame.result)] * frame.overlap)
        met = frame.overlap[rows, columns] >= ALPHAS[:, None] - _EPSILON
        matches[:, frame.truth[rows], frame.result[columns]] += met
    found = matches.sum(axis=(1, 2))
    share = matches / np.maximum(both - matches, 1)
    association = (matches * share).sum(axis=(1, 2)) / np.maximum(found, 1)
    detection = found / np.maximum(truth_count.sum() + result_count.sum() - found, 1)
    hota = np.sqrt(detection * association)
    return float(hota.mean()), float(detection.mean()), float(association.mean())


def _identity(frames: list[_Frame], people: tuple[int, int]) -> int:
    """Boxes that have the right identity when each truth person is given the one that suits best."""
    together = np.zeros(people)
    for frame in frames:
        together[np.ix_(frame.truth, frame.result)] += frame.overlap >= SAME_IOU
    rows, columns = _best(together)
    return int(together[rows, columns].sum())


def _clear(frames: list[_Frame], people: int) -> tuple[int, int, int]:
    """Hits, switches and fragmentations. Frames without truth or without result leave the memory as it is."""
    last = np.full(people, -1)
    before = np.full(people, -1)
    followed = np.zeros(people, int)
    hits = switches = 0
    for frame in frames:
        if not frame.overlap.size:
            continue
        truth, result = _met(frame, before)
        hits += len(truth)
        switches += int(((last[truth] >= 0) & (last[truth] != result)).sum())
        followed[truth] += before[truth] < 0
        last[truth] = result
        before[:] = -1
        before[truth] = result
    return hits, switches, int(np.maximum(followed - 1, 0).sum())


def _met(frame: _Frame, before: Ints) -> tuple[Ints, Ints]:
    """Truth and result people of a frame who are each other, given the last frame's pairs [T]."""
    gain = frame.overlap + _KEPT * (before[frame.truth][:, None] == frame.result[None])
    gain[frame.overlap < SAME_IOU - _EPSILON] = 0
    rows, columns = _best(gain)
    met = gain[rows, columns] > _EPSILON
    return frame.truth[rows[met]], frame.result[columns[met]]
