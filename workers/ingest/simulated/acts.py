"""An act of the simulated site: who comes, what they do, and that all are gone again at its end.

A site goes on for ever, act after act. Nobody is in the image when one begins or ends, so that acts join.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workers.ingest.simulated import carrying, dancing, exercise, meetings, standing
from workers.ingest.simulated.curves import RATE, Floats
from workers.ingest.simulated.fights import Bout, Temper
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.places import Place
from workers.ingest.simulated.scene import scene_of
from workers.ingest.simulated.stage import Stage, StageOptions
from workers.ingest.simulated.truth import Scene

ACT_S = 60.0
# In the first seconds all come, in the last all go.
_GONE_S = 1.5
_LEAVING_S, _CROSSING_S = 11.0, 20.0
_FIRST_EVENT_S, _LAST_EVENT_S = 8.0, 34.0
_SPEED = (1.0, 1.5)
# Who waits outside may be pushed aside by others who do.
_MARGIN = 0.16


@dataclass(frozen=True)
class Cast:
    """Who comes in each act.

    Attributes:
        people: who walk, stand about, carry things or do exercises.
        fights, hugs, dances: how many; each of two more people, or one who dances.
    """

    people: int = 3
    fights: int = 0
    hugs: int = 0
    dances: int = 0


def act(place: Place, view: int, cast: Cast, seed: int, number: int) -> Scene:
    """The act of a number, `ACT_S` long, as a view of a place sees it; the same in all its views."""
    home, *others = place.cameras
    options = StageOptions(home.frame_size, ground=place.ground, others=tuple(others), margin=_MARGIN)
    stage = Stage((seed, number, *place.name.encode()), ACT_S, home, options)
    # Fights first: whoever watches a demonstration waits for one.
    events: list[Callable[[Stage, float], None]] = [
        *[_fight] * cast.fights,
        *[_hug] * cast.hugs,
        *[_dance] * cast.dances,
    ]
    for event, at in zip(events, _moments(len(events)), strict=True):
        event(stage, at)
    for _ in range(cast.people):
        _ONES[int(stage.rng.choice(len(_ONES), p=_CHANCES))](stage)
    return replace(scene_of(stage, "site"), camera=place.cameras[view])


def _moments(count: int) -> Floats:
    """When events begin, spread over the act."""
    if count < 2:
        return np.full(count, _FIRST_EVENT_S)
    return np.linspace(_FIRST_EVENT_S, _LAST_EVENT_S, count)


def _leave(stage: Stage, figure: Figure, start: float) -> None:
    """Go out of the image by the nearest way; faster if the act is nearly over."""
    here = figure.where(start)
    gates = [stage.gate() for _ in range(24)]
    gate = min(gates, key=lambda one: float(np.hypot(*(one - here))))
    left = max(ACT_S - _GONE_S - 2.0 - start, 1.5)
    needed = float(np.hypot(*(gate - here))) / left
    figure.walk(start, [gate], max(float(figure.rng.uniform(*_SPEED)), 1.25 * needed))


def _two_meet(stage: Stage, at: float, distance: float) -> tuple[Figure, Figure, float]:
    """Two who come from outside, so that they stand before each other at about a time; and when they do."""
    place = stage.spot(1.6, at, far=1.6)
    a, b = stage.cast(stage.gate()), stage.cast(stage.gate())
    speed = float(stage.rng.uniform(1.2, 1.5))
    longest = max(float(np.hypot(*(figure.where(0.0) - place))) for figure in (a, b))
    now = meetings.meet(a, b, max(at - longest / speed - 1.0, 0.0), place, speed, distance)
    return a, b, now


def _fight(stage: Stage, at: float) -> None:
    rng = stage.rng
    a, b, now = _two_meet(stage, at, 1.25)
    quarrel = float(rng.uniform(1.0, 3.0))
    meetings.talk(a, b, now, now + quarrel + 0.4, 2.0)
    now += quarrel
    temper = replace(Temper.drawn(rng), gets_up=True)
    over = Bout(a, b, temper, rng).laid_out(now, now + float(rng.uniform(8.0, 12.0)))
    for figure in (a, b):
        # Who was knocked down lies a while first.
        free = _free(figure, over + 0.5)
        standing.stand(figure, free, free + 1.5)
        _leave(stage, figure, free + 1.5)


def _free(figure: Figure, since: float) -> float:
    """When somebody is up again and may go."""
    held = np.flatnonzero(figure.held[figure.knot(since) :])
    return since if not len(held) else since + float(held[-1] + 1) / RATE


def _hug(stage: Stage, at: float) -> None:
    a, b, now = _two_meet(stage, at, 1.0)
    meetings.talk(a, b, now, now + 2.5, 0.9)
    until = now + 2.5 + float(stage.rng.uniform(3.5, 5.5))
    meetings.hug(a, b, now + 2.5, until)
    meetings.talk(a, b, until, until + 4.0, 0.9)
    for figure in (a, b):
        _leave(stage, figure, until + 4.0)


def _dance(stage: Stage, at: float) -> None:
    figure, now = _comes(stage, at - 5.0)
    until = now + float(stage.rng.uniform(9.0, 14.0))
    dancing.dance(figure, now, until)
    _leave(stage, figure, until + 0.5)


def _comes(stage: Stage, start: float) -> tuple[Figure, float]:
    """Somebody who walks in to a place of their own, and when they are there."""
    figure = stage.cast(stage.gate())
    goal = stage.spot(1.2, start + 6.0)
    return figure, figure.walk(max(start, 0.0), [goal], float(stage.rng.uniform(*_SPEED)), straight=True)


def _walks(stage: Stage) -> None:
    """In and out on ever new ways."""
    rng = stage.rng
    figure = stage.cast(stage.gate())
    now = float(rng.uniform(0.0, 12.0))
    while now < ACT_S - _CROSSING_S:
        places = [stage.spot(0.0, now + 4.0) for _ in range(int(rng.integers(0, 2)))]
        now = _crosses(stage, figure, now, places, _SPEED) + float(rng.uniform(1.0, 6.0))


def _crosses(
    stage: Stage, figure: Figure, now: float, places: list[Floats], speed: tuple[float, float]
) -> float:
    """Walk through the image, by some places, to somewhere outside on another side; returns when."""
    here = figure.where(now)
    farthest = max((stage.gate() for _ in range(6)), key=lambda gate: float(np.hypot(*(gate - here))))
    return figure.walk(now, [*places, farthest], float(figure.rng.uniform(*speed)), straight=True)


def _stands(stage: Stage) -> None:
    """Comes, stands about with a phone or without, and goes."""
    rng = stage.rng
    figure, now = _comes(stage, float(rng.uniform(0.0, 10.0)))
    leaves = float(rng.uniform(max(now + 6.0, 25.0), ACT_S - _LEAVING_S))
    while now < leaves - 3.0:
        until = min(now + float(rng.uniform(5.0, 11.0)), leaves)
        standing.stand(figure, now, until)
        chance = rng.random()
        if chance < 0.35:
            standing.phone(figure, now + 0.3, until)
        elif chance < 0.55:
            standing.gesture(figure, now + 0.3, until)
        if rng.random() < 0.5:
            figure.turn(until - 1.0, float(rng.uniform(-math.pi, math.pi)))
        now = until
    _leave(stage, figure, now)


def _carries(stage: Stage) -> None:
    """Walks through with a box or a bag."""
    rng = stage.rng
    figure = stage.cast(stage.gate())
    now = start = float(rng.uniform(0.0, 20.0))
    while now < ACT_S - 1.3 * _CROSSING_S:
        now = _crosses(stage, figure, now, [], (0.9, 1.2)) + 2.0
    if rng.random() < 0.6:
        carrying.carry_box(figure, start, ACT_S + 1)
    else:
        carrying.carry_bag(figure, start, ACT_S + 1, int(rng.integers(2)))


def _exercises(stage: Stage) -> None:
    """Comes, does exercises, and goes."""
    rng = stage.rng
    figure, now = _comes(stage, float(rng.uniform(0.0, 14.0)))
    chosen = (exercise.jumping_jacks, exercise.squats, exercise.bends)
    for _ in range(int(rng.integers(1, 3))):
        until = min(now + float(rng.uniform(6.0, 10.0)), ACT_S - _LEAVING_S)
        if until - now > 3.0:
            chosen[int(rng.integers(len(chosen)))](figure, now, until)
            now = until + 0.5
    _leave(stage, figure, now)


_ONES = (_walks, _stands, _carries, _exercises)
_CHANCES = (0.45, 0.3, 0.15, 0.1)
