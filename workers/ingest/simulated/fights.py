"""A fight of two: approach, blows, dodges and clinches, breaks, and how it ends.

It is laid out move by move: every move changes where both stand, so who strikes steps in and who is hit is
driven back, and both stay within reach of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workers.ingest.simulated import strikes
from workers.ingest.simulated.clinch import CLINCH_M, clinch
from workers.ingest.simulated.curves import Floats, smooth, waves
from workers.ingest.simulated.falls import Fall, fall
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.meetings import gap

PUNCH_M, KICK_M, SHOVE_M, GUARD_M = 0.84, 1.02, 0.64, 1.25
# What fighters do: chances of punches, a kick, a shove, a clinch, circling.
STYLES = {
    "boxing": (0.62, 0.06, 0.05, 0.05, 0.22),
    "brawl": (0.50, 0.14, 0.12, 0.16, 0.08),
    "kicking": (0.30, 0.42, 0.08, 0.04, 0.16),
    "shoving": (0.18, 0.05, 0.52, 0.13, 0.12),
    "wrestling": (0.18, 0.05, 0.12, 0.55, 0.10),
}
_MOVES = ("punches", "kick", "shove", "clinch", "circle")


@dataclass(frozen=True)
class Temper:
    """How a fight goes.

    Attributes:
        style: one of STYLES.
        skill: 0 to 1, each one's.
        leads: how often the first one attacks.
        pace: moves follow each other this much faster than usual.
        downed: whether one goes down in the end.
        gets_up: whether that one gets up again; None: by chance.
    """

    style: str
    skill: tuple[float, float]
    leads: float
    pace: float
    downed: bool
    gets_up: bool | None = None

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Temper:
        """Any fight."""
        return cls(
            style=str(rng.choice(list(STYLES))),
            skill=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
            leads=float(rng.choice([0.5, 0.65, 0.9])),
            pace=float(rng.uniform(0.9, 1.7)),
            downed=bool(rng.random() < 0.45),
        )


class Bout:
    """The two of a fight while it is laid out, from `start` until `end` or until one is down."""

    def __init__(self, a: Figure, b: Figure, temper: Temper, rng: np.random.Generator) -> None:
        self.a, self.b = a, b
        self._temper = temper
        self._rng = rng
        self._home: Floats = np.zeros(2)

    def laid_out(self, start: float, end: float) -> float:
        """Let them fight; returns when it is over."""
        self._home = (self.a.where(start) + self.b.where(start)) / 2
        for figure, skill in ((self.a, self._temper.skill[0]), (self.b, self._temper.skill[1])):
            ahead = float(self._rng.choice([-1, 1])) * float(self._rng.uniform(0.12, 0.34))
            figure.stance(start - 0.2, end + 0.3, 0.15, ahead, 1.5)
            figure.held[figure.span(start, end + 0.5)] = True
            figure.label(start, end, "guard", fighting=True)
            strikes.guard(figure, start - 0.2, end + 0.4, skill)
        now = start + 0.1
        last = end - (2.0 if self._temper.downed else 0.9)
        while now < last:
            now = self._move(now, last)
        over = self._knock_down(now, end) if self._temper.downed else self._part(now)
        self._eyes_on_each_other(start, now)
        return over

    def _move(self, now: float, last: float) -> float:
        rng = self._rng
        attacker, defender = (self.a, self.b) if rng.random() < self._temper.leads else (self.b, self.a)
        kind = str(rng.choice(_MOVES, p=STYLES[self._temper.style]))
        if kind == "punches":
            now = self._punches(now, attacker, defender)
        elif kind == "kick":
            now = self._kick(now, attacker, defender)
        elif kind == "shove":
            now = self._shove(now, attacker, defender)
        elif kind == "clinch" and last - now > 2.0:
            now = self._step_in(now, self.a, self.b, CLINCH_M)
            until = min(now + float(rng.uniform(1.6, 4.0)), last)
            now = clinch(self.a, self.b, now, until, self._home, rng)
        else:
            now = self._circle(now)
        return now + float(rng.uniform(0.0, 0.35)) / self._temper.pace

    def _step_in(self, now: float, attacker: Figure, defender: Figure, distance: float) -> float:
        """Come within reach; returns when. Who is too near gives way."""
        # Where earlier moves, not yet at their ends, will have brought both.
        way, apart = gap(attacker, defender, now + 0.4)
        over = apart - distance
        if abs(over) < 0.06:
            return now + 0.05
        seconds = 0.18 + 0.30 * abs(over) / self._temper.pace
        attacker.move(now, seconds, (0.85 if over > 0 else 0.5) * over * way)
        defender.move(now, seconds, (-0.15 if over > 0 else -0.5) * over * way)
        return now + seconds

    def _punches(self, now: float, attacker: Figure, defender: Figure) -> float:
        rng = self._rng
        count, side = int(rng.integers(1, 6)), int(rng.integers(2))
        reach = PUNCH_M * (0.5 + 0.5 * float(attacker.body.arm) / 0.57)
        lands = self._step_in(now, attacker, defender, reach) + 0.30
        for number in range(count):
            kind = str(rng.choice(["jab", "cross", "hook", "swing", "uppercut", "body"]))
            if number == 0:
                kind = str(rng.choice(["jab", "cross", "swing"]))
            force = float(rng.uniform(0.75, 1.25))
            strikes.punch(attacker, defender, lands, kind, side, force)
            driven = self._suffer(lands, defender, attacker, kind, side, force)
            if number < count - 1 and driven > 0.05:
                attacker.move(lands + 0.08, 0.34, 0.95 * driven * gap(attacker, defender, lands)[0])
            side = 1 - side
            lands += float(rng.uniform(0.38, 0.60)) / min(self._temper.pace, 1.1)
        return lands + 0.05

    def _suffer(self, lands: float, who: Figure, by: Figure, kind: str, side: int, force: float) -> float:
        """A blow hits, is blocked or misses; returns how far it drives back, in metres."""
        rng, chance = self._rng, self._rng.random()
        twist = 1.0 if side == 0 else -1.0
        skill = self._temper.skill[0 if who is self.a else 1]
        if chance < 0.10 + 0.18 * skill:
            strikes.block(who, lands)
            driven = float(rng.uniform(0.02, 0.10))
        elif chance < 0.22 + 0.30 * skill:
            strikes.dodge(who, lands, twist)
            driven = float(rng.uniform(0.05, 0.2))
        else:
            strikes.hit(who, lands, "belly" if kind == "body" else "head", twist, min(force, 1.1))
            driven = float(rng.uniform(0.08, 0.30)) * force
            if force > 1.1 and rng.random() < 0.4:
                driven = float(rng.uniform(0.45, 0.8))
                strikes.stagger_back(who, lands + 0.05, 0.6, force)
        self._drive_back(lands + 0.02, who, by, driven)
        return driven

    def _drive_back(self, start: float, who: Figure, by: Figure, metres: float) -> None:
        way, _ = gap(by, who, start)
        across = float(self._rng.normal(0, 0.25)) * metres * np.array([-way[1], way[0]])
        who.move(start, 0.34 + 0.35 * metres, metres * way + across)

    def _kick(self, now: float, attacker: Figure, defender: Figure) -> float:
        rng = self._rng
        now = self._step_in(now, attacker, defender, KICK_M * float(attacker.body.leg) / 0.85)
        kind, side = str(rng.choice(["front", "round", "low"])), int(rng.integers(2))
        lands, force = now + 0.42, float(rng.uniform(0.8, 1.2))
        _, apart = gap(attacker, defender, lands)
        strikes.kick(attacker, lands, kind, side, apart, force)
        if rng.random() < 0.75:
            strikes.hit(defender, lands, "belly", 0.0, force if kind == "front" else 0.5 * force)
            driven = float(rng.uniform(0.2, 0.7)) * (1.0 if kind == "front" else 0.4)
            if driven > 0.4:
                strikes.stagger_back(defender, lands + 0.05, 0.6, force)
            self._drive_back(lands + 0.02, defender, attacker, driven)
        else:
            self._drive_back(lands - 0.3, defender, attacker, 0.3)
        return lands + 0.62

    def _shove(self, now: float, attacker: Figure, defender: Figure) -> float:
        rng, force = self._rng, float(self._rng.uniform(0.7, 1.2))
        lands = self._step_in(now, attacker, defender, SHOVE_M) + 0.32
        strikes.shove(attacker, defender, lands, force)
        metres = float(rng.uniform(0.35, 0.85)) * force
        strikes.stagger_back(defender, lands, 0.5, force)
        way, _ = gap(attacker, defender, lands)
        defender.move(lands - 0.02, 0.45 + 0.35 * metres, metres * way)
        attacker.move(lands - 0.1, 0.5, 0.25 * metres * way)
        return lands + 0.6 + 0.25 * metres

    def _circle(self, now: float) -> float:
        """A break: apart, sideways around each other, back towards where it began."""
        rng, seconds = self._rng, float(self._rng.uniform(0.6, 1.4)) / self._temper.pace
        way, apart = gap(self.a, self.b, now)
        across = np.array([-way[1], way[0]]) * float(rng.uniform(-0.35, 0.35))
        back = 0.4 * (self._home - (self.a.where(now) + self.b.where(now)) / 2)
        back *= min(1.0, 0.5 / max(float(np.hypot(*back)), 1e-6))
        more = (GUARD_M + float(rng.uniform(-0.15, 0.25)) - apart) / 2
        self.a.move(now, seconds, -more * way + across + back)
        self.b.move(now, seconds, more * way - across + back)
        return now + seconds

    def _part(self, now: float) -> float:
        """Both step back."""
        way, _ = gap(self.a, self.b, now)
        self.a.move(now, 0.9, -0.35 * way)
        self.b.move(now, 0.9, 0.35 * way)
        for figure in (self.a, self.b):
            figure.fighting[figure.knot(now + 0.4) :] = False
            figure.label(now + 0.6, now + 2.0, "stand")
        return now + 0.9

    def _knock_down(self, now: float, end: float) -> float:
        """A last blow sends one to the floor; sometimes the other goes on."""
        rng = self._rng
        winner, loser = (self.a, self.b) if rng.random() < self._temper.leads else (self.b, self.a)
        if rng.random() < 0.6:
            reach = PUNCH_M * (0.5 + 0.5 * float(winner.body.arm) / 0.57)
            lands = self._step_in(now, winner, loser, reach) + 0.40
            strikes.punch(winner, loser, lands, str(rng.choice(["cross", "swing", "hook"])), 1, 1.25)
            strikes.hit(loser, lands, "head", -1.0, 1.1)
        else:
            lands = self._step_in(now, winner, loser, SHOVE_M) + 0.32
            strikes.shove(winner, loser, lands, 1.2)
        over = lands + 0.9
        how = Fall.drawn(rng, "knocked")
        by_chance = bool(rng.random() < 0.5)
        gets_up = by_chance if self._temper.gets_up is None else self._temper.gets_up
        lie_s = float(rng.uniform(2.0, 5.0))
        self._drive_back(lands, loser, winner, 0.25)
        fall(loser, lands + 0.10, how, lie_s, gets_up)
        if rng.random() < 0.5:
            over = self._kick_down(lands + how.seconds + 0.1, winner, loser)
        for figure in (self.a, self.b):
            figure.fighting[figure.knot(lands) : figure.knot(over)] = True
            figure.fighting[figure.knot(over) :] = False
        winner.label(over, max(end, over + 0.5), "stand")
        return over

    def _kick_down(self, now: float, winner: Figure, loser: Figure) -> float:
        rng = self._rng
        for _ in range(int(rng.integers(1, 4))):
            way, apart = gap(winner, loser, now)
            winner.move(now, 0.4, (apart - 0.72) * way)
            winner.face(now, loser.where(now), 0.4)
            lands = now + 0.75
            strikes.kick(winner, lands, str(rng.choice(["low", "stomp"])), int(rng.integers(2)), 0.72)
            strikes.hit(loser, lands, "belly", 0.0, 0.4)
            loser.label(lands, lands + 0.5, "lie")
            now = lands + 0.55
        return now

    def _eyes_on_each_other(self, start: float, end: float) -> None:
        """Turn both to face each other all the while, not quite exactly."""
        low, high = self.a.knot(start), self.a.knot(end)
        between = self.b.root - self.a.root
        angle = np.unwrap(np.arctan2(between[:, 1], between[:, 0]))
        for figure, turned in ((self.a, 0.0), (self.b, math.pi)):
            wanted = smooth(angle, 0.12) + turned + 0.10 * waves(figure.rng, figure.t, 0.2, 0.8)
            first = math.remainder(float(wanted[low] - figure.yaw[low]), 2 * math.pi)
            wanted = wanted + (figure.yaw[low] + first - wanted[low])
            share = np.clip((figure.t - start) / 0.4, 0, 1)
            kept = figure.yaw[high:] - figure.yaw[high]
            figure.yaw[low:] += (share * (wanted - figure.yaw))[low:]
            figure.yaw[high:] = figure.yaw[high] + kept
