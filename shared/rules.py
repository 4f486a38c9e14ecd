"""The rules that a camera's people are judged by, which may change while the fleet runs.

Thresholds, zones and shadow mode of one camera form a small document that never changes: another rule makes
another document. Ingest writes the document's digest on every frame, each stage passes it on and follows the
document that its record names. So a change takes effect at one frame, in every stage, after any restart, and
work that is done again is done by the rules of then.

No I/O: `shared.rulebook` finds documents.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.config import Section
from shared.hours import HOURS_WORDS, Hours, Timezone, clock, hold
from shared.messages import MAX_ZONES, Message, ZoneName

MAX_CORNERS = 64
# Less than this share of the picture is a slip of the hand.
_SMALLEST_AREA = 1e-4

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Corner = tuple[Share, Share]
Probability = Annotated[float, Field(gt=0, lt=1)]
Point = tuple[float, float]


class Zone(Section):
    """A part of the picture, where people are watched, left alone or not looked for."""

    name: ZoneName = Field(description="Letters, digits, spaces, - and _; at most 40.")
    kind: Literal["include", "exclude", "mask"] = Field(
        "include",
        description="include: only who stands in such a zone makes an incident, once there is one. exclude: "
        "who stands there makes none. mask: nobody is looked for there.",
    )
    polygon: tuple[Corner, ...] = Field(
        max_length=MAX_CORNERS,
        description="Corners [x, y] in order, as shares of the picture's width and height, from upper left.",
    )
    hours: tuple[Hours, ...] = Field(
        (), max_length=32, description=f"When it counts, {HOURS_WORDS}. Always where absent."
    )

    @model_validator(mode="after")
    def _is_an_area(self) -> Self:
        if len(self.polygon) < 3:
            raise ValueError(f"zone '{self.name}' has {len(self.polygon)} corners: an area needs at least 3")
        if _crosses_itself(self.polygon):
            raise ValueError(f"zone '{self.name}' crosses itself: give its corners in order around it")
        if _area(self.polygon) < _SMALLEST_AREA:
            raise ValueError(f"zone '{self.name}' has no area: its corners are on one line")
        return self

    def holds(self, point: Point) -> bool:
        """Whether a point, in shares of the picture, is inside (even-odd rule)."""
        x, y = point
        inside = False
        for (x1, y1), (x2, y2) in _sides(self.polygon):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


class RulesOptions(Section):
    """What the site file says of one camera's rules."""

    primary_threshold: Probability | None = Field(
        None, description="This camera's, instead of that of the section classify."
    )
    veto_threshold: Probability | None = Field(
        None, description="This camera's, instead of that of the section classify."
    )
    scene_threshold: Probability | None = Field(
        None, description="This camera's, instead of that of the section classify."
    )
    shadow: bool = Field(
        False,
        description="Everything is recorded and nobody is alerted; vetoes are asked always, so that "
        "thresholds can be chosen from what was recorded.",
    )
    zones: tuple[Zone, ...] = Field(
        (), max_length=MAX_ZONES, description="Parts of the picture; people are where their feet are."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [zone.name for zone in self.zones]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"zone '{twice}' stands twice: each needs a name of its own")
        return self


class Rules(RulesOptions):
    """All rules of one camera; a threshold of None is the one that the classify worker was started with."""

    timezone: Timezone = Field("UTC", description="By which the hours of zones are meant.")

    @functools.cached_property
    def digest(self) -> str:
        """The document's name: 16 hexadecimal digits of its content."""
        return hashlib.blake2b(self.document.encode(), digest_size=8).hexdigest()

    @functools.cached_property
    def document(self) -> str:
        """The rules as JSON; equal rules give equal text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def masked(self, points: Sequence[Point], captured_at: float) -> list[bool]:
        """Of each point, in shares of the picture, whether it lies where nobody is looked for."""
        masks = self._active("mask", captured_at)
        return [any(mask.holds(point) for mask in masks) for point in points]

    def zones_at(self, point: Point, captured_at: float) -> tuple[str, ...] | None:
        """The zones that somebody at a point is in; None where nobody who stands there counts."""
        if any(zone.holds(point) for zone in self._active("exclude", captured_at)):
            return None
        names = tuple(zone.name for zone in self._active("include", captured_at) if zone.holds(point))
        limited = any(zone.kind == "include" for zone in self.zones)
        return None if limited and not names else names

    def _active(self, kind: str, captured_at: float) -> list[Zone]:
        found = [zone for zone in self.zones if zone.kind == kind]
        if not any(zone.hours for zone in found):
            return found
        moment = datetime.fromtimestamp(captured_at, clock(self.timezone))
        return [zone for zone in found if not zone.hours or any(hold(hours, moment) for hours in zone.hours)]


RulesOf = Callable[[Message], Rules]


def as_started(_message: Message) -> Rules:
    """No rules but what a worker was started with: for who looks at recordings."""
    return _NONE


def feet(box: Sequence[float], width: int, height: int) -> Point:
    """Where the person in a box stands, in shares of the picture.

    Args:
        box: left, top, right, bottom in pixels; its lower edge is cut off at the picture's.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    left, _, right, bottom = (float(side) for side in box)
    return (left + right) / 2 / width, min(bottom / height, 1.0)


def _sides(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(pairwise((*polygon, polygon[0])))


def _area(polygon: Sequence[Point]) -> float:
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _sides(polygon))) / 2


def _crosses_itself(polygon: Sequence[Point]) -> bool:
    sides = _sides(polygon)
    return any(
        _cross(*one, *other) for n, one in enumerate(sides) for other in sides[n + 2 : len(sides) - (n == 0)]
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether a-b and c-d have a point in common other than by touching with an end."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


_NONE = Rules()
