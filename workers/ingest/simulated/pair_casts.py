"""Scenes of two: how they meet, what they do, how they part."""

from __future__ import annotations

import math

from workers.ingest.simulated import meetings, standing
from workers.ingest.simulated.curves import Floats
from workers.ingest.simulated.fights import Bout, Temper
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.gait import toward
from workers.ingest.simulated.stage import LEAD_S, Stage
from workers.ingest.simulated.together import horseplay


def leave(stage: Stage, figure: Figure, start: float, speed: float = 1.2) -> None:
    """Walk out of the image, if there is time."""
    if start < stage.seconds - 1.0:
        figure.walk(start, [stage.gate()], speed)


def face_to_face(stage: Stage, distance: float) -> tuple[Figure, Figure]:
    """Two who stand before each other from the beginning."""
    place, angle = stage.spot(1.6, far=1.5), float(stage.rng.uniform(-math.pi, math.pi))
    a = stage.cast(place - distance / 2 * toward(angle))
    b = stage.cast(place + distance / 2 * toward(angle))
    for figure, other in ((a, b), (b, a)):
        figure.face(-LEAD_S - 1, other.where(0), 0.1)
    return a, b


def met(stage: Stage, distance: float) -> tuple[Figure, Figure, float]:
    """Two who stand before each other, or come from two sides; and since when they do."""
    rng = stage.rng
    if rng.random() < 0.35:
        a, b = face_to_face(stage, distance)
        return a, b, -LEAD_S
    place: Floats = stage.spot(1.6, far=1.0)
    inside = rng.random() < 0.7
    first = stage.spot(1.5, at=-LEAD_S) if inside else stage.gate()
    a = stage.cast(first)
    b = stage.cast(stage.spot(1.5, at=-LEAD_S) if rng.random() < 0.6 else stage.gate())
    speed = float(rng.uniform(1.1, 1.6))
    return a, b, meetings.meet(a, b, -LEAD_S + float(rng.uniform(0, 1.0)), place, speed, distance)


def part(stage: Stage, a: Figure, b: Figure, now: float) -> None:
    """After it, both go their ways or stand about."""
    for figure in (a, b):
        later = now + float(stage.rng.uniform(0.3, 2.0))
        if later < stage.seconds - 1.5 and stage.rng.random() < 0.6:
            standing.stand(figure, now, later)
            leave(stage, figure, later)
        else:
            standing.stand(figure, now, max(now + 1.5, stage.seconds + 2))


def hug(stage: Stage) -> None:
    """Hugs, with talk between."""
    a, b, now = met(stage, 1.0)
    while now < stage.seconds - 3:
        until = now + float(stage.rng.uniform(3.0, 6.0))
        meetings.hug(a, b, now, until)
        if stage.rng.random() < 0.4:
            part(stage, a, b, until)
            return
        now = until + float(stage.rng.uniform(2.0, 5.0))
        meetings.talk(a, b, until, now, 0.9)
    part(stage, a, b, now)


def meeting(stage: Stage) -> None:
    """A greeting and a talk, or a quarrel in words."""
    a, b, now = met(stage, 1.1)
    rng = stage.rng
    if rng.random() < 0.7:
        meetings.shake_hands(a, b, now, now + 2.4)
        now += 2.4
    else:
        now = meetings.high_five(a, b, now)
    until = max(now + 2.0, stage.seconds * float(rng.uniform(0.5, 1.0)))
    meetings.talk(a, b, now, until, float(rng.choice([0.8, 1.0, 2.0])))
    part(stage, a, b, until)


def horse_about(stage: Stage) -> None:
    """Friends who shove each other."""
    a, b, now = met(stage, 1.1)
    until = max(now + 4.0, stage.seconds * float(stage.rng.uniform(0.5, 0.9)))
    horseplay(a, b, now, until)
    part(stage, a, b, until)


def fight(stage: Stage) -> None:
    """A quarrel in half of the cases, then a fight, then its end."""
    rng = stage.rng
    a, b, now = met(stage, 1.25)
    if rng.random() < 0.5:
        quarrel = min(float(rng.uniform(1.0, 4.0)), 0.2 * stage.seconds)
        meetings.talk(a, b, now, now + quarrel + 0.4, 2.0)
        now += quarrel
    until = min(now + float(rng.uniform(0.35, 0.75)) * stage.seconds, stage.seconds - 0.5)
    if until - now < 2.5:
        until = now + 2.5
    over = Bout(a, b, Temper.drawn(rng), rng).laid_out(now, until)
    for figure in (a, b):
        if figure.held[figure.knot(over + 1.0) :].any():
            continue
        standing.stand(figure, over + 0.5, over + 2.5)
        leave(stage, figure, over + 2.5, float(rng.uniform(1.1, 3.2)))
