"""Hand-made features of a person and their partner, for a small, fast model.

What tells a fight from other movements between two people, as far as skeletons show it: speed of hands and
feet, towards whom they go, how close the other is, bodies that tilt, fall and are pushed. Each series is
summarised over the window by its mean, its peak and its spread.

Array letters: A people of a window, N of them judged, T frames, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.classify.due import Due
from workers.classify.motion import (
    ANKLES,
    ELBOWS,
    HEAD,
    HIPS,
    KNEES,
    SHOULDERS,
    SPEED_S,
    WRISTS,
    Motion,
    greatest,
    least,
    seen_places,
    weighted,
)  # fmt: skip
from workers.classify.pairs import Pairs, distances, paired

Floats = NDArray[np.floating[Any]]
Rows = NDArray[np.int64]

# Distance, in body heights, at which two people's energies count half as much as in contact; the best single
# feature that is known is energy times exp(-(distance / 0.6)^2).
_CONTACT = 0.6
_ARM = 1.0
_TARGETS_OF_HANDS = [0, *SHOULDERS, *HIPS]
_TARGETS_OF_FEET = [*SHOULDERS, *HIPS, *KNEES, *ANKLES]
_CROWD = (1.5, 3.0)


def interaction(pairs: Pairs) -> NDArray[np.float32]:
    """[N, F] features of everybody who is judged; NaN where unknown. `names()` gives their order."""
    if not len(pairs):
        return np.zeros((0, len(names())), np.float32)
    return np.stack(list(_features(pairs).values()), axis=1).astype(np.float32)


def names() -> tuple[str, ...]:
    """The features' names, in order."""
    return _NAMES


def _features(pairs: Pairs) -> dict[str, Floats]:
    due, motion, alone = pairs.due, pairs.motion, pairs.alone
    who, other = pairs.rows.T
    single = _summaries(_person(due, motion))
    single["moved"] = _moved(motion.place)
    single["filled"] = due.filled.mean(axis=1).astype(np.float32)
    pair = _summaries(_pair(motion, who, other))
    pair["synchrony"] = _synchrony(motion.energy[who], motion.energy[other])
    pair["together"] = (due.filled[who] & due.filled[other]).mean(axis=1).astype(np.float32)
    unknown = np.where(alone, np.float32(np.nan), np.float32(1))
    apart = _typical(distances(motion)[who])
    return {
        **{f"own {name}": values[who] for name, values in single.items()},
        **{f"other {name}": values[other] * unknown for name, values in single.items()},
        **{f"pair {name}": values * unknown for name, values in pair.items()},
        **{f"crowd {reach:g}": (apart < reach).sum(axis=1) - np.float32(1) for reach in _CROWD},
        "alone": alone.astype(np.float32),
        "height": np.log(motion.height[who]),
    }


def _person(due: Due, motion: Motion) -> dict[str, Floats]:
    """[A, T] series of single people."""
    upright = motion.shoulders - motion.hips
    tilt = np.arctan2(np.abs(upright[..., 0]), -upright[..., 1])
    heights_of_feet = seen_places(motion, ANKLES)[..., 1]
    heights_of_hands = seen_places(motion, WRISTS)[..., 1]
    confidence = due.keypoints[..., 2].clip(0, 1).mean(axis=-1)
    return {
        "energy": motion.energy,
        "hands": greatest(motion.speed[:, :, WRISTS]),
        "feet": greatest(motion.speed[:, :, ANKLES]),
        "elbows": greatest(motion.speed[:, :, ELBOWS]),
        "knees": greatest(motion.speed[:, :, KNEES]),
        "torso": np.sqrt((motion.torso**2).sum(axis=-1)),
        "head": weighted(motion.speed[:, :, HEAD, None], motion.sure[:, :, HEAD])[..., 0],
        "jerk": _jerk(motion.speed[:, :, [*ELBOWS, *WRISTS, *KNEES, *ANKLES]], due.fps),
        "tilt": tilt,
        "toppling": _rate(tilt, due.fps),
        "wide": motion.wide,
        "tall": motion.tall,
        "arm": greatest(_lengths(motion, SHOULDERS, WRISTS)),
        "leg": greatest(_lengths(motion, HIPS, ANKLES)),
        "step": greatest(heights_of_feet) - least(heights_of_feet),
        "raised": motion.shoulders[..., 1] - least(heights_of_hands),
        "confidence": np.where(due.filled, confidence, np.float32(np.nan)),
    }


def _pair(motion: Motion, who: Rows, other: Rows) -> dict[str, Floats]:
    """[N, T] series of two people, in the geometric mean of their body heights."""
    unit = np.sqrt(motion.height[who] * motion.height[other])
    own, others = (motion.height[rows] / unit for rows in (who, other))
    way = motion.place[other] * others[:, None, None] - motion.place[who] * own[:, None, None]
    apart = np.sqrt((way**2).sum(axis=-1))
    ahead = way / np.maximum(apart, 0.05)[..., None]
    contact, reach = np.exp(-((apart / _CONTACT) ** 2)), np.exp(-((apart / _ARM) ** 2))
    energies = np.stack([motion.energy[who], motion.energy[other]])
    drift = motion.torso[other] - motion.torso[who]
    return {
        "apart": apart,
        "contact": contact,
        "energy": _sum(energies) * contact,
        "mutual energy": energies.min(axis=0) * contact,
        "approach": -(drift * ahead).sum(axis=-1),
        "drift": np.sqrt((drift**2).sum(axis=-1)),
        "hands towards": _towards(motion, who, WRISTS, ahead) * reach,
        "hands received": _towards(motion, other, WRISTS, -ahead) * reach,
        "feet towards": _towards(motion, who, ANKLES, ahead) * reach,
        "feet received": _towards(motion, other, ANKLES, -ahead) * reach,
        "hands near": _nearest(motion, who, other, unit, WRISTS, _TARGETS_OF_HANDS),
        "other's hands near": _nearest(motion, other, who, unit, WRISTS, _TARGETS_OF_HANDS),
        "feet near": _nearest(motion, who, other, unit, ANKLES, _TARGETS_OF_FEET),
        "other's feet near": _nearest(motion, other, who, unit, ANKLES, _TARGETS_OF_FEET),
        "above": np.abs(way[..., 1]),
    }


def _towards(motion: Motion, who: Rows, joints: list[int], ahead: Floats) -> Floats:
    return greatest((motion.limbs[who][:, :, joints] * ahead[:, :, None]).sum(axis=-1))


def _nearest(
    motion: Motion, who: Rows, other: Rows, unit: Floats, joints: list[int], targets: list[int]
) -> Floats:
    """[N, T] smallest distance of one's joints to the other's."""
    mine = seen_places(motion, joints)[who] * (motion.height[who] / unit)[:, None, None, None]
    theirs = seen_places(motion, targets)[other] * (motion.height[other] / unit)[:, None, None, None]
    apart = np.sqrt(((mine[:, :, :, None] - theirs[:, :, None]) ** 2).sum(axis=-1))
    return least(apart.reshape(*apart.shape[:2], -1))


def _lengths(motion: Motion, starts: list[int], ends: list[int]) -> Floats:
    """[A, T, 2] from the left start to the left end, and on the right."""
    way = seen_places(motion, ends) - seen_places(motion, starts)
    return np.asarray(np.sqrt((way**2).sum(axis=-1)))


def _jerk(speed: Floats, fps: float) -> Floats:
    change = np.full(speed.shape, np.nan, np.float32)
    change[:, 1:] = np.abs(speed[:, 1:] - speed[:, :-1]) * np.float32(fps)
    return greatest(change)


def _rate(series: Floats, fps: float) -> Floats:
    steps = max(1, round(SPEED_S * fps))
    rate = np.full(series.shape, np.nan, np.float32)
    rate[:, steps:] = np.abs(series[:, steps:] - series[:, :-steps]) * np.float32(fps / steps)
    return rate


def _moved(place: Floats) -> Floats:
    """[A] diagonal of all places at which somebody was."""
    span = greatest(place.swapaxes(1, 2)) - least(place.swapaxes(1, 2))
    return np.asarray(np.sqrt((span**2).sum(axis=-1)), np.float32)


def _sum(values: Floats) -> Floats:
    """Sum over the first axis, unknown ones counting 0; NaN only where all are."""
    return np.where(np.isnan(values).all(axis=0), np.float32(np.nan), np.nansum(values, axis=0))


def _synchrony(one: Floats, other: Floats) -> Floats:
    """[N] correlation over time; NaN where one hardly changes or they share too little."""
    both = ~np.isnan(one) & ~np.isnan(other)
    count = np.maximum(both.sum(axis=1, keepdims=True), 1)
    a, b = (np.where(both, values, 0) for values in (one, other))
    a, b = (np.where(both, values - values.sum(axis=1, keepdims=True) / count, 0) for values in (a, b))
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    known = (both.sum(axis=1) > 5) & (spread > 1e-6)
    return np.asarray(np.where(known, (a * b).sum(axis=1) / np.maximum(spread, 1e-6), np.nan), np.float32)


def _typical(apart: Floats) -> Floats:
    """[N, A] mean distance over the frames that two share; infinite where they share none."""
    count = (~np.isnan(apart)).sum(axis=-1)
    return np.where(count > 0, np.nansum(apart, axis=-1) / np.maximum(count, 1), np.inf)


def _summaries(series: Mapping[str, Floats]) -> dict[str, Floats]:
    """[A] mean, peak and spread of each series [A, T]; NaN where a series is unknown throughout."""
    stacked = np.stack(list(series.values()))
    known = ~np.isnan(stacked)
    count = known.sum(axis=-1)
    filled = np.where(known, stacked, 0)
    mean = filled.sum(axis=-1) / np.maximum(count, 1)
    spread = np.sqrt((np.where(known, stacked - mean[..., None], 0) ** 2).sum(axis=-1) / np.maximum(count, 1))
    ordered = np.sort(np.where(known, stacked, -np.inf), axis=-1)[..., ::-1]
    # The mean of the highest tenth: one wrong joint in one frame is no blow.
    top = np.maximum(1, -(-count // 10))
    within = np.arange(ordered.shape[-1]) < top[..., None]
    peak = np.where(within & np.isfinite(ordered), ordered, 0).sum(axis=-1) / top
    result: dict[str, Floats] = {}
    for row, name in enumerate(series):
        unknown = np.where(count[row] > 0, np.float32(1), np.float32(np.nan))
        for kind, values in (("mean", mean), ("peak", peak), ("spread", spread)):
            result[f"{name} {kind}"] = (values[row] * unknown).astype(np.float32)
    return result


_NAMES = tuple(
    _features(
        paired(
            Due(
                fps=25.0,
                image_size=(1, 1),
                ids=np.arange(1),
                judged=np.arange(1),
                keypoints=np.zeros((1, 2, 17, 3), np.float32),
                boxes=np.zeros((1, 2, 4), np.float32),
                filled=np.ones((1, 2), bool),
                seen=np.ones((1, 2), bool),
                quality=np.zeros(1, np.float32),
                first_at=np.zeros(1),
                last_at=np.zeros(1),
            )
        )
    )
)
