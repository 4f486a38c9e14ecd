"""Where everybody's head is, so that it can be made unrecognisable. Pure.

Better too much than too little: every detection counts, however weak, and who is lost for a moment is taken
to be where the moments before and after say. Whoever is detected at no moment near has no head here.

Ellipses are [K, 4]: the middle x, y and the half axes, in pixels of the tracks' image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.messages import Tracks
from shared.skeleton import JOINTS

Floats = NDArray[np.float64]

_FACE = slice(0, 5)
_NOSE, _EYES, _EARS = JOINTS.index("nose"), (1, 2), (3, 4)
_SHOULDERS, _HIPS = (5, 6), (11, 12)
_SURE, _GUESSED = 0.3, 0.05
# Half a head's height, 11.5 cm, in terms of what can be measured: eyes are 6.3 cm apart, ears 15, nose and
# ear 12, shoulders 36; shoulders and hips are 50 apart, and a body is 170 high.
_OF_EYES, _OF_EARS, _OF_NOSE_TO_EAR, _OF_SHOULDERS, _OF_TORSO, _OF_BODY = 1.83, 0.77, 0.96, 0.32, 0.23, 0.068
# Hair, hats and errors of the detector.
_GENEROUS = 1.5
# Face points lie low in a head that is seen from above: the middle is so much further up, in half heads.
_CROWN = 0.35
# Where the face was not seen: the head is somewhere above the shoulders, or in the upper part of the box.
_UNSURE = 1.3
_NECK = 1.9
# What a head may have moved, in its own sizes, between two detections without a track in common, and in a
# second on top of that.
_REACH, _REACH_EACH_S = 1.2, 6.0


@dataclass(frozen=True)
class Heads:
    """Of one moment. `track_ids` has the track of each ellipse, 0 where there is none."""

    ellipses: Floats
    track_ids: NDArray[np.int64]


def heads_of(tracks: Tracks) -> Heads:
    """The heads of all detections, and of those people who were predicted."""
    found: list[tuple[Floats, int]] = []
    rows = zip(tracks.detection_boxes, tracks.detection_keypoints, tracks.detection_tracks, strict=True)
    for box, keypoints, track_id in rows:
        found += [(one, int(track_id)) for one in _person(box, keypoints)]
    for row in np.flatnonzero(tracks.detection < 0):
        person = _person(tracks.boxes[row], tracks.keypoints[row])
        found += [(one, int(tracks.track_ids[row])) for one in person]
    return Heads(
        np.array([ellipse for ellipse, _ in found], float).reshape(-1, 4),
        np.array([track_id for _, track_id in found], np.int64),
    )


def bridged(times: Sequence[float], heads: Sequence[Heads], bridge_s: float) -> list[Floats]:
    """The ellipses of each moment, with those of people who are not detected just then.

    Args:
        times: of the moments, rising, seconds.
        heads: of each.
        bridge_s: a head stays for so long before it is first seen and after it was last seen, and gaps of
            twice as long are filled.

    Returns:
        Of each moment [K, 4].
    """
    shown = [list(one.ellipses) for one in heads]
    for chain in _chains(times, heads, 2 * bridge_s):
        places = [place for place, _ in chain]
        known_at = np.array([times[place] for place in places])
        known = np.array([ellipse for _, ellipse in chain])
        first = np.searchsorted(times, known_at[0] - bridge_s, side="left")
        last = np.searchsorted(times, known_at[-1] + bridge_s, side="right")
        seen = set(places)
        for place in range(int(first), int(last)):
            if place not in seen:
                at = times[place]
                between = np.array([np.interp(at, known_at, column) for column in known.T])
                # The longer it was not seen, the less is known of where it is.
                away_s = float(np.abs(known_at - at).min())
                between[2:] *= 1 + min(1.0, away_s / bridge_s / 2)
                shown[place].append(between)
    return [np.array(one, float).reshape(-1, 4) for one in shown]


def _chains(
    times: Sequence[float], heads: Sequence[Heads], longest_gap_s: float
) -> list[list[tuple[int, Floats]]]:
    """The same head from moment to moment: by its track, else by its place."""
    done: list[list[tuple[int, Floats]]] = []
    going: list[tuple[int, list[tuple[int, Floats]]]] = []
    for place, (at, now) in enumerate(zip(times, heads, strict=True)):
        still = [(track, chain) for track, chain in going if at - times[chain[-1][0]] <= longest_gap_s]
        done += [chain for _, chain in going if at - times[chain[-1][0]] > longest_gap_s]
        free = list(range(len(still)))
        fresh: list[tuple[int, list[tuple[int, Floats]]]] = []
        for ellipse, track in zip(now.ellipses, now.track_ids.tolist(), strict=True):
            which = _same(free, still, ellipse, track, at, times)
            if which is None:
                fresh.append((track, [(place, ellipse)]))
            else:
                free.remove(which)
                still[which][1].append((place, ellipse))
                still[which] = (track or still[which][0], still[which][1])
        going = still + fresh
    return done + [chain for _, chain in going]


def _same(
    free: Sequence[int],
    going: Sequence[tuple[int, list[tuple[int, Floats]]]],
    ellipse: Floats,
    track: int,
    at: float,
    times: Sequence[float],
) -> int | None:
    """Which of the chains that go on is this head's; None if it is a new one."""
    best, nearest = None, 1.0
    for which in free:
        other, chain = going[which]
        place, last = chain[-1]
        size = max(ellipse[2:].max(), last[2:].max())
        reach = size * (_REACH + _REACH_EACH_S * (at - times[place]))
        share = float(np.hypot(*(ellipse[:2] - last[:2]))) / max(reach, 1e-6)
        if track and track == other:
            # One of two ellipses of a person, of which the nearer is meant.
            share = min(share, 1.0) / 2
        if share < nearest:
            best, nearest = which, share
    return best


def _person(box: NDArray[Any], keypoints: NDArray[Any]) -> list[Floats]:
    """The ellipses of one person's head: one where the face was seen, else all places where it may be."""
    points, confidence = np.asarray(keypoints[:, :2], float), keypoints[:, 2]
    left, top, right, bottom = (float(side) for side in box)
    width, height = max(right - left, 1.0), max(bottom - top, 1.0)
    size = min(_head_size(points, confidence, max(width, height)), 0.6 * max(width, height))
    face = confidence[_FACE] >= _SURE
    if face.any():
        return [_raised(_around(points[_FACE][face], size * _GENEROUS), points, confidence, size)]
    found = []
    guessed = confidence[_FACE] >= _GUESSED
    if guessed.any():
        wide = _around(points[_FACE][guessed], size * _GENEROUS * _UNSURE)
        found.append(_raised(wide, points, confidence, size))
    shoulders = [joint for joint in _SHOULDERS if confidence[joint] >= _SURE]
    if shoulders:
        middle = points[shoulders].mean(axis=0)
        reach = size * _GENEROUS * (_UNSURE if len(shoulders) == 2 else _UNSURE**2)
        found.append(np.array([*(middle + _up(points, confidence, middle) * _NECK * size), reach, reach]))
    elif height >= width:
        found.append(np.array([(left + right) / 2, top + size, max(width / 2, 2 * size), 2.2 * size]))
    else:
        # Somebody who lies: nobody knows at which end the head is.
        found.append(np.array([(left + right) / 2, (top + bottom) / 2, 0.75 * width, 0.75 * height]))
    return found


def _around(points: Floats, radius: float) -> Floats:
    """A circle around the middle of points, wide enough for all of them."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = (high - low) / 2
    return np.array([*(low + high) / 2, max(radius, 1.3 * half[0]), max(radius, 1.3 * half[1])])


def _raised(ellipse: Floats, points: Floats, confidence: NDArray[Any], size: float) -> Floats:
    """The ellipse further up the head, away from the shoulders."""
    shoulders = [joint for joint in _SHOULDERS if confidence[joint] >= _SURE]
    up = np.array([0.0, -1.0])
    if shoulders:
        way = ellipse[:2] - points[shoulders].mean(axis=0)
        up = way / max(float(np.hypot(*way)), 1e-6)
    return np.array([*(ellipse[:2] + up * _CROWN * size), *ellipse[2:]])


def _head_size(points: Floats, confidence: NDArray[Any], longest_px: float) -> float:
    """Half a head's height in pixels: the largest that anything speaks for."""
    sizes = [_OF_BODY * longest_px]

    def add(one: int, other: int, share: float) -> None:
        if min(confidence[one], confidence[other]) >= _SURE:
            sizes.append(share * float(np.hypot(*(points[one] - points[other]))))

    add(*_EYES, _OF_EYES)
    add(*_EARS, _OF_EARS)
    for ear in _EARS:
        add(_NOSE, ear, _OF_NOSE_TO_EAR)
    add(*_SHOULDERS, _OF_SHOULDERS)
    for shoulder, hip in zip(_SHOULDERS, _HIPS, strict=True):
        add(shoulder, hip, _OF_TORSO)
    return max(sizes)


def _up(points: Floats, confidence: NDArray[Any], shoulders: Floats) -> Floats:
    """The direction from hips to shoulders; the image's up where no hip was seen."""
    hips = [joint for joint in _HIPS if confidence[joint] >= _SURE]
    if hips:
        way = shoulders - points[hips].mean(axis=0)
        length = float(np.hypot(*way))
        if length > 1.0:
            return np.asarray(way / length)
    return np.array([0.0, -1.0])
