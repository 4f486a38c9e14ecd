"""What one person does in a scene (or two, where that is the same thing).

Each takes the stage and how many people are still to come.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from workers.ingest.simulated import (
    ballgames,
    carrying,
    dancing,
    exercise,
    meetings,
    pair_casts,
    standing,
    together,
)
from workers.ingest.simulated.falls import Fall, fall
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import toward
from workers.ingest.simulated.stage import LEAD_S, Stage
from workers.ingest.simulated.visibility import Prop


def _come(stage: Stage, speed: float = 1.2) -> tuple[Figure, float]:
    """Somebody who is there already, or walks in; and when they have come to a place."""
    if stage.rng.random() < 0.6:
        return stage.cast(stage.spot()), -LEAD_S
    figure = stage.cast(stage.gate())
    goal = stage.spot()
    there = figure.walk(float(stage.rng.uniform(-LEAD_S, 0.15 * stage.seconds)), [goal], speed, straight=True)
    return figure, there


def _walk_about(stage: Stage, figure: Figure, start: float, low: float, high: float) -> None:
    """In and out of the image on ever new ways, all the time."""
    now = start
    while now < stage.seconds:
        speed = float(figure.rng.uniform(low, high))
        # Who runs is through a small image at once.
        bends = stage.rng.integers(1, 4) if low > 2 else stage.rng.integers(0, 3)
        places = [stage.spot(0.0) for _ in range(int(bends))]
        here = figure.where(now)
        gates = [stage.gate() for _ in range(6)]
        farthest = max(gates, key=lambda gate: float(np.hypot(*(gate - here))))
        now = figure.walk(now, [*places, farthest], speed, straight=now <= start)
        now += float(stage.rng.uniform(0.1, 1.2))


def walkers(low: float, high: float) -> Callable[[Stage, int], None]:
    """People who walk or run in and out of the image, metres a second from `low` to `high`."""

    def cast(stage: Stage, _left: int) -> None:
        rng = stage.rng
        if _left >= 2 and high < 2 and rng.random() < 0.3:
            _side_by_side(stage)
            return
        inside = rng.random() < 0.5
        figure = stage.cast(stage.spot(at=-LEAD_S) if inside else stage.gate())
        start = -LEAD_S if inside else float(rng.uniform(-LEAD_S, 0.2 * stage.seconds))
        _walk_about(stage, figure, start, low, high)

    return cast


def _side_by_side(stage: Stage) -> None:
    one, other = stage.gates_across()
    a = stage.cast(one)
    b = stage.cast(one + toward(float(stage.rng.uniform(-math.pi, math.pi))) * 0.7)
    start = float(stage.rng.uniform(-LEAD_S, 0.1 * stage.seconds))
    speed = float(stage.rng.uniform(0.9, 1.4))
    end = together.walk_together(a, b, start, [stage.spot(0.0), other], speed)
    for figure in (a, b):
        _walk_about(stage, figure, end + 0.5, 0.9, 1.5)


def crosser(stage: Stage, _left: int) -> None:
    """To and fro on a lane of one's own, before and behind the others."""
    rng, index = stage.rng, len(stage.figures)
    lanes = np.arange(-2, 3) * 0.72
    ends = stage.across(float(lanes[index % 5] + rng.uniform(-0.08, 0.08)))
    ends = ends if rng.random() < 0.5 else ends[::-1]
    speed = float(rng.uniform(0.8, 1.7))
    share = float(rng.uniform(0.0, 0.9))
    figure = stage.cast(ends[0] + share * (ends[1] - ends[0]))
    now, goal = -LEAD_S, 1
    while now < stage.seconds:
        now = figure.walk(now, [ends[goal]], speed * float(rng.uniform(0.9, 1.1)), straight=now <= -LEAD_S)
        now, goal = now + float(rng.uniform(0.0, 0.5)), 1 - goal


def stander(stage: Stage, left: int) -> None:
    """Somebody who stands about, or two who talk."""
    rng = stage.rng
    if left >= 2 and rng.random() < 0.35:
        _talkers(stage, float(rng.choice([0.8, 1.0, 1.8])))
        return
    figure, there = _come(stage)
    now = there
    leaves = stage.seconds + 2 if rng.random() < 0.7 else float(rng.uniform(0.6, 1.0)) * stage.seconds
    while now < min(leaves, stage.seconds):
        until = min(now + float(rng.uniform(5, 12)), leaves, stage.seconds + 1.5)
        if until - now < 2.0:
            break
        standing.stand(figure, now, until)
        chance = rng.random()
        if chance < 0.3:
            standing.phone(figure, now + 0.3, until)
        elif chance < 0.5:
            standing.gesture(figure, now + 0.3, until)
        elif chance < 0.58:
            standing.wave(figure, now + 0.3, min(now + 3.0, until))
        if rng.random() < 0.4:
            figure.turn(until - 1.0, float(rng.uniform(-math.pi, math.pi)))
        now = until
    pair_casts.leave(stage, figure, now)


def _talkers(stage: Stage, excited: float) -> None:
    place = stage.spot(1.2)
    angle = float(stage.rng.uniform(-math.pi, math.pi))
    a = stage.cast(place + 0.58 * toward(angle))
    b = stage.cast(place - 0.58 * toward(angle))
    for figure, other in ((a, b), (b, a)):
        figure.face(-LEAD_S - 1, other.where(0), 0.1)
    meetings.talk(a, b, -LEAD_S - 1, stage.seconds + 2, excited)


def sitter(stage: Stage, _left: int) -> None:
    """Somebody on a seat, who perhaps comes and goes."""
    rng = stage.rng
    place = stage.spot(1.3)
    facing = float(rng.uniform(-math.pi, math.pi))
    if rng.random() < 0.6:
        figure, now = stage.cast(place), -LEAD_S - 4
        figure.turn(-LEAD_S - 1, facing, 0.1)
    else:
        figure = stage.cast(stage.gate())
        now = figure.walk(float(rng.uniform(-LEAD_S, 1.0)), [place], 1.2, straight=True)
        now = figure.turn(now, facing)
    until = (
        stage.seconds + 6
        if rng.random() < 0.5
        else max(float(rng.uniform(0.5, 0.9)) * stage.seconds, now + 5)
    )
    standing.sit(figure, now, until)
    seat = place - 0.40 * float(figure.body.hip_height) / 0.91 * toward(facing) * 1.05
    stage.props.append(Prop("seat", (float(seat[0]), float(seat[1])), (0.42, 0.44, standing.SEAT_M), facing))
    pair_casts.leave(stage, figure, until)


def carrier(stage: Stage, left: int) -> None:
    """Somebody with a box or a bag, or two with something long."""
    rng = stage.rng
    if left >= 2 and rng.random() < 0.3:
        _carry_pair(stage)
        return
    inside = rng.random() < 0.6
    figure = stage.cast(stage.spot(at=-LEAD_S) if inside else stage.gate())
    now = -LEAD_S
    if rng.random() < 0.4:
        now = carrying.pick_up(figure, -LEAD_S + 1.2) - 0.9
    _walk_about(stage, figure, max(now, -LEAD_S), 0.7, 1.3)
    if rng.random() < 0.65:
        carrying.carry_box(figure, now, stage.seconds + 2)
    else:
        carrying.carry_bag(figure, now, stage.seconds + 2, int(rng.integers(2)))


def _carry_pair(stage: Stage) -> None:
    one, other = stage.gates_across()
    way = (other - one) / max(float(np.hypot(*(other - one))), 1e-6)
    a, b = stage.cast(one), stage.cast(one + 1.5 * way)
    end = together.carry_together(a, b, -LEAD_S, [stage.spot(0.0), other])
    for figure in (a, b):
        _walk_about(stage, figure, end + 0.5, 0.9, 1.4)


def dancer(stage: Stage, left: int) -> None:
    """Somebody who dances, or two together."""
    if left >= 2 and stage.rng.random() < 0.4:
        a, b = pair_casts.face_to_face(stage, 1.0)
        together.dance_together(a, b, -LEAD_S - 1, stage.seconds + 2)
        return
    figure = stage.cast(stage.spot(1.2))
    dancing.dance(figure, -LEAD_S - 1, stage.seconds + 2)


def athlete(stage: Stage, _left: int) -> None:
    """Somebody who exercises."""
    rng = stage.rng
    figure = stage.cast(stage.spot(1.5))
    choices = (
        *(exercise.jumping_jacks, exercise.squats, exercise.bends, exercise.run_on_the_spot),
        *(ballgames.play_ball, exercise.shadow_box),
    )
    now = -LEAD_S - 1.0
    while now < stage.seconds:
        until = now + float(rng.uniform(5, 10))
        choices[int(rng.integers(len(choices)))](figure, now, until)
        now = until + float(rng.uniform(0.2, 1.0))


def faller(stage: Stage, _left: int) -> None:
    """Somebody who falls, and perhaps gets up; or somebody who is there."""
    rng = stage.rng
    if len(stage.figures) and rng.random() < 0.5:
        bystander(stage)
        return
    kind = str(rng.choice(["trip", "slip", "faint"]))
    start = float(rng.uniform(0.15, 0.45)) * stage.seconds
    goal = stage.spot(1.5, far=2.0)
    figure = stage.cast(goal)
    if kind == "faint":
        standing.stand(figure, -LEAD_S, start)
    else:
        speed = float(rng.uniform(1.0, 1.7))
        figure.root[:] = goal + speed * 3.5 * toward(float(rng.uniform(-math.pi, math.pi)))
        # While still at full speed.
        start = figure.walk(start - 3.5, [goal], speed, straight=True) - 0.85
    lie_s, gets_up = float(rng.uniform(1.5, 4.0)), rng.random() < 0.7
    done = fall(figure, start, Fall.drawn(rng, kind), lie_s, gets_up)
    if gets_up:
        standing.stand(figure, done, done + 2.5)
        pair_casts.leave(stage, figure, done + 2.5, 0.9)


def bystander(stage: Stage) -> None:
    """Somebody who has nothing to do with it."""
    rng = stage.rng
    if rng.random() < 0.5:
        walkers(0.8, 1.6)(stage, 1)
    else:
        figure, there = _come(stage)
        figure.face(there, np.zeros(2))
        standing.stand(figure, there, stage.seconds + 2)


def passer(stage: Stage, left: int) -> None:
    """Somebody in a crowd."""
    (stander if stage.rng.random() < 0.5 else walkers(0.7, 1.6))(stage, left)
