"""A person of a scene while it is being composed: where they go, how they stand, what they do when.

First everybody's way over the floor is laid out (`walk`, `turn`, `move`) and actions are noted; then
`compose` makes feet, gait and actions into `Controls`. K is the number of knots.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.body import Body
from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.curves import RATE, Floats, ease, pulse, smooth, waves
from workers.ingest.simulated.manner import Manner
from workers.ingest.simulated.paths import Path

ACTIONS = (
    *("stand", "gesture", "phone", "walk", "run", "sit", "carry", "dance", "exercise", "throw", "kick_ball"),
    *("fall", "lie", "get_up", "handshake", "hug", "talk", "play", "carry_together", "dance_together"),
    *("strike", "kick", "shove", "guard", "grapple", "struck"),
)
ACTION = {name: index for index, name in enumerate(ACTIONS)}


@dataclass(frozen=True)
class Anchor:
    """A place on somebody: metres in the axes of their chest, head or pelvis."""

    person: int
    frame: str
    place: tuple[float, float, float]


@dataclass(frozen=True)
class Reach:
    """A hand that goes to the middle of some anchors, of its owner or of others.

    `weight` [k] says how far the hand follows, on the knots from `start` on; `shift` [k, 3] is added, metres
    in the world. `height` puts the goal at a height above the floor.
    """

    side: int
    start: float
    weight: Floats
    anchors: tuple[Anchor, ...]
    elbow: tuple[float, float, float]
    shift: Floats | None = None
    height: float | None = None


# Writes to the controls of some knots, whose times are given.
Clip = Callable[[Controls, Floats], None]


@dataclass
class Figure:
    """One record a person, grown while a scene is composed.

    Attributes:
        index: the person's row in the scene.
        t: [K] seconds.
        root, yaw: [K, 2], [K] the way over the floor.
        width, stagger: [K] half the distance between the feet, and how far the left one is ahead, in metres.
        tempo: [K] how much faster than usual steps are.
        held: [K] where nobody may push the person aside.
        clips: actions, applied to the controls in this order.
    """

    index: int
    body: Body
    manner: Manner
    rng: np.random.Generator
    t: Floats
    root: Floats
    yaw: Floats
    width: Floats
    stagger: Floats
    tempo: Floats
    action: NDArray[np.int8]
    fighting: NDArray[np.bool_]
    held: NDArray[np.bool_]
    clips: list[tuple[float, float, Clip]] = field(default_factory=list)
    reaches: list[Reach] = field(default_factory=list)

    @classmethod
    def placed(
        cls, index: int, body: Body, manner: Manner, rng: np.random.Generator, t: Floats, where: Floats
    ) -> Figure:
        """Somebody who stands at `where` [2] all the time, facing anywhere."""
        count, scale = len(t), float(body.height) / 1.72
        return cls(
            index=index,
            body=body,
            manner=manner,
            rng=rng,
            t=t,
            root=np.tile(np.asarray(where, np.float64), (count, 1)),
            yaw=np.full(count, rng.uniform(-math.pi, math.pi)),
            width=np.full(count, 0.1 * scale * manner.step_width),
            stagger=np.zeros(count),
            tempo=np.ones(count),
            action=np.zeros(count, np.int8),
            fighting=np.zeros(count, bool),
            held=np.zeros(count, bool),
        )

    @property
    def first(self) -> float:
        """The time of the first knot."""
        return float(self.t[0])

    def knot(self, at: float) -> int:
        """The knot at or just after a time, within the scene."""
        return int(np.clip(math.ceil((at - self.first) * RATE - 1e-6), 0, len(self.t) - 1))

    def span(self, start: float, end: float) -> slice:
        """The knots from a time to another."""
        return slice(self.knot(start), self.knot(end) + 1)

    def moments(self, start: float, end: float) -> Floats:
        """[k] the times of those knots."""
        return self.t[self.span(start, end)]

    def label(self, start: float, end: float, action: str, fighting: bool | None = None) -> None:
        """Say what the person does."""
        self.action[self.span(start, end)] = ACTION[action]
        if fighting is not None:
            self.fighting[self.span(start, end)] = fighting

    def clip(self, start: float, end: float, apply: Clip) -> None:
        """Note an action that is to change the controls from `start` to `end`."""
        if end > self.first and start < self.t[-1]:
            self.clips.append((start, end, apply))

    def where(self, at: float) -> Floats:
        """[2] the root at a time, as laid out so far."""
        return np.array(self.root[self.knot(at)])

    def facing(self, at: float) -> float:
        """The yaw at a time, as laid out so far."""
        return float(self.yaw[self.knot(at)])

    def turn(self, start: float, yaw: float, seconds: float | None = None) -> float:
        """Turn on the spot, the short way; returns when it is done."""
        way = math.remainder(yaw - self.facing(start), 2 * math.pi)
        seconds = 0.25 + 0.35 * abs(way) if seconds is None else seconds
        self.spin(start, way, seconds)
        return start + seconds

    def spin(self, start: float, angle: float, seconds: float) -> None:
        """Turn by an angle, from then on."""
        self.yaw += angle * ease((self.t - start) / seconds)

    def face(self, start: float, place: Floats, seconds: float | None = None) -> float:
        """Turn towards a place; returns when it is done."""
        way = np.asarray(place) - self.where(start)
        return self.turn(start, math.atan2(way[1], way[0]), seconds)

    def move(self, start: float, seconds: float, by: Floats) -> None:
        """Shift the root by `by` [2] without turning, from then on."""
        self.root += ease((self.t - start) / seconds)[:, None] * by

    def stance(
        self, start: float, end: float, width: float, stagger: float = 0.0, tempo: float = 1.0
    ) -> None:
        """Stand with the feet `width` metres apart (half of it) and one of them ahead, for a while."""
        share = np.clip((self.t - start) / 0.4, 0, 1) * np.clip((end - self.t) / 0.4, 0, 1)
        self.width += share * (width - self.width)
        self.stagger += share * (stagger - self.stagger)
        self.tempo += share * (tempo - self.tempo)

    def walk(
        self, start: float, places: list[Floats], speed: float, label: str = "", straight: bool = False
    ) -> float:
        """Walk or run through places [2] and stop at the last one, from then on; returns when it is reached.

        Args:
            start: when the first turn or step is made.
            places: where to; the way bends through them.
            speed: metres a second, once under way.
            label: what it is called; by speed if empty.
            straight: face the way at once, as somebody who comes into the scene.
        """
        here = self.knot(start)
        path = Path.through(np.array([self.root[here], *places], np.float64))
        if path.length < 0.05:
            return start
        turn = math.remainder(float(path.yaw[min(4, len(path.yaw) - 1)]) - self.facing(start), 2 * math.pi)
        if straight:
            self.spin(start - 1, turn, 1e-3)
        elif abs(turn) > 0.9:
            start = self.turn(start, self.facing(start) + turn) - 0.25
            here = self.knot(start)
        since = self.t[here:] - self.t[here]
        gone, seconds = path.walked(since, speed)
        under_way = pulse(since, 0.0, 2.0, seconds, 2.0) * min(1.0, path.length / 4)
        gone += 0.06 * waves(self.rng, self.t[here:], 0.1, 0.4) * under_way
        self.root[here:] = path.at(gone)
        self._look_along(here, path, gone)
        end = start + seconds
        self.label(start, end, label or ("run" if speed > 2.2 else "walk"))
        return end

    def _look_along(self, here: int, path: Path, gone: Floats) -> None:
        ahead = np.interp(gone + 0.2, path.gone, path.yaw)
        first = float(self.yaw[here])
        ahead += first + math.remainder(float(ahead[0]) - first, 2 * math.pi) - float(ahead[0])
        turn_in = ease((self.t[here:] - self.t[here]) / 0.6)
        self.yaw[here:] = first + turn_in * (ahead - first)

    def settle(self) -> None:
        """Round off corners of the way, once it is laid out."""
        self.root = smooth(self.root, 0.08)
        self.yaw = smooth(self.yaw, 0.12)
