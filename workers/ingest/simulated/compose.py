"""Makes the controls of everybody, once their ways and actions are laid out."""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.controls import Controls, put_hand, steady_elbows
from workers.ingest.simulated.curves import Floats
from workers.ingest.simulated.figure import Anchor, Figure, Reach
from workers.ingest.simulated.gait import walked
from workers.ingest.simulated.posture import Trunk, shoulder_of, trunk_of, turned

# Nearer than this two people would walk through each other, in metres.
_APART_M = 0.62


def composed(figures: list[Figure]) -> list[Controls]:
    """[N] controls on the knots, from ways, gaits, actions and at last hands that reach for others."""
    make_way(figures)
    for figure in figures:
        figure.settle()
    people = [walked(figure) for figure in figures]
    for figure, controls in zip(figures, people, strict=True):
        for start, end, apply in figure.clips:
            span = figure.span(start, end)
            apply(controls.on(span), figure.t[span])
    for figure, controls in zip(figures, people, strict=True):
        for reach in figure.reaches:
            _follow(reach, figure, controls, figures, people)
        steady_elbows(controls)
    return people


def make_way(figures: list[Figure]) -> None:
    """Bend the ways of people who would run into each other, a little to the side they pass on."""
    for one in figures:
        for other in figures[: one.index]:
            _make_way(one, other)


def _make_way(one: Figure, other: Figure) -> None:
    gap = one.root - other.root
    near = (np.hypot(*gap.T) < _APART_M) & ~(one.held & other.held)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(np.int8)))
    for low, high in edges.reshape(-1, 2):
        middle = low + int(np.argmin(np.hypot(*gap[low:high].T)))
        back, on = max(middle - 20, 0), min(middle + 20, len(gap) - 1)
        way = gap[on] - gap[back]
        across = np.array([-way[1], way[0]]) / max(float(np.hypot(*way)), 1e-6)
        if not np.any(across):
            across = np.array([0.0, 1.0])
        passed = float(gap[middle] @ across)
        push = (np.sign(passed) or 1.0) * max(_APART_M + 0.05 - abs(passed), 0.0) * across
        start, end = one.t[low], one.t[high - 1]
        held = one.held[low:high].any(), other.held[low:high].any()
        share = 0.0 if held[0] else 1.0 if held[1] else 0.5
        around = _around(one.t, float(start), float(end))[:, None]
        one.root += around * push * share
        other.root -= around * push * (0.0 if held[1] else 1 - share)


def _around(t: Floats, start: float, end: float) -> Floats:
    """[K] 1 from start to end, and a slow way there and back."""
    outside = np.maximum(np.maximum(start - t, t - end), 0.0)
    return np.exp(-0.5 * (outside / 0.5) ** 2)


def _follow(
    reach: Reach, figure: Figure, own: Controls, figures: list[Figure], people: list[Controls]
) -> None:
    low = figure.knot(reach.start)
    span = slice(low, min(low + len(reach.weight), len(figure.t)))
    weight = reach.weight[: span.stop - low]
    mine = own.on(span)
    trunk = trunk_of(figure.body, mine)
    goal = np.mean([_place(anchor, figures, people, span) for anchor in reach.anchors], axis=0)
    if reach.shift is not None:
        goal = goal + reach.shift[: span.stop - low]
    if reach.height is not None:
        goal[:, 2] = reach.height
    away = goal - shoulder_of(figure.body, trunk, reach.side)
    local = turned(np.swapaxes(trunk.chest_axes, -1, -2), away) / float(figure.body.arm)
    local[:, 1] *= 1 - 2 * reach.side
    put_hand(mine, reach.side, weight, local, np.array(reach.elbow))


def _place(anchor: Anchor, figures: list[Figure], people: list[Controls], span: slice) -> Floats:
    """[k, 3] where an anchor is on some knots."""
    trunk = trunk_of(figures[anchor.person].body, people[anchor.person].on(span))
    origin, axes = _frame(trunk, anchor.frame)
    return origin + turned(axes, np.broadcast_to(np.array(anchor.place), origin.shape))


def _frame(trunk: Trunk, name: str) -> tuple[Floats, Floats]:
    frames = {
        "pelvis": (trunk.pelvis, trunk.pelvis_axes),
        "chest": (trunk.chest, trunk.chest_axes),
        "head": (trunk.neck, trunk.head_axes),
    }
    return frames[name]
