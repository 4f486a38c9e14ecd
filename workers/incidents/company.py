"""Who belongs together: people by their track ids, places by the distance of boxes.

Trackers lose and swap people just when they fight, so neither alone would do: an id may change while the
place stays, a place may move while the ids stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.messages import Verdict
from workers.incidents.config import IncidentsConfig

Box = tuple[float, float, float, float]

# What a group remembers is bounded, whatever happens: the people seen longest ago are forgotten first.
MAX_PEOPLE = 64
MAX_PLACES = 16


@dataclass(slots=True)
class Place:
    """Where somebody was when their group was last violent: `box` in pixels, `height_px` their body's."""

    track_id: int
    at: float
    box: Box
    height_px: float


@dataclass(slots=True, eq=False)
class Company:
    """The people of a group and the places of its violence.

    Attributes:
        people: track ids, the one seen longest ago first.
        places: the last one of each person, the oldest first.
    """

    people: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def knows(self, verdict: Verdict) -> bool:
        """Whether the verdict is about one of its people, or about somebody beside one of them."""
        return verdict.track_id in self.people or verdict.partner_id in self.people

    def is_near(self, verdict: Verdict, rules: IncidentsConfig, since: float) -> bool:
        """Whether the verdict's person is at one of the places where there was violence since then."""
        height_px = _height_px(verdict)
        return any(
            is_near(verdict.box, height_px, place.box, place.height_px, rules.merge_distance)
            for place in self.places
            if place.at >= since
        )

    def meet(self, track_id: int) -> bool:
        """Adds a person; tells whether they are new."""
        new = track_id not in self.people
        if not new:
            self.people.remove(track_id)
        self.people.append(track_id)
        del self.people[:-MAX_PEOPLE]
        return new

    def join(self, verdict: Verdict, at: float) -> bool:
        """Adds a verdict's person and their place; tells whether they are new."""
        self._take_place(Place(verdict.track_id, at, verdict.box, _height_px(verdict)))
        return self.meet(verdict.track_id)

    def absorb(self, other: Company) -> bool:
        """Takes over all of another company; tells whether that brought anybody new."""
        new = [self.meet(track_id) for track_id in other.people]
        mine = {place.track_id: place.at for place in self.places}
        for place in other.places:
            if place.at >= mine.get(place.track_id, -math.inf):
                self._take_place(place)
        self.places.sort(key=lambda place: (place.at, place.track_id))
        return any(new)

    def _take_place(self, taken: Place) -> None:
        self.places = [place for place in self.places if place.track_id != taken.track_id]
        self.places.append(taken)
        del self.places[:-MAX_PLACES]


def is_near(one: Box, one_height_px: float, other: Box, other_height_px: float, distance: float) -> bool:
    """Whether the gap between two boxes is at most `distance` of the two people's mean body height."""
    across = max(0.0, one[0] - other[2], other[0] - one[2])
    down = max(0.0, one[1] - other[3], other[1] - one[3])
    return math.hypot(across, down) <= distance * (one_height_px + other_height_px) / 2


def without_far_partners(verdicts: Sequence[Verdict], distance: float) -> list[Verdict]:
    """The verdicts, their partner taken away where that one's own verdict shows them to be far off.

    Whoever is closest to somebody may still be at the other end of the picture, in another fight.
    """
    by_track = {verdict.track_id: verdict for verdict in verdicts}
    kept = []
    for verdict in verdicts:
        partner = by_track.get(verdict.partner_id) if verdict.partner_id is not None else None
        near = partner is None or is_near(
            verdict.box, _height_px(verdict), partner.box, _height_px(partner), distance
        )
        kept.append(verdict if near else verdict.model_copy(update={"partner_id": None}))
    return kept


def around(boxes: Iterable[Box | None]) -> Box | None:
    """The smallest box that holds all of them; None for none."""
    found = [box for box in boxes if box is not None]
    if not found:
        return None
    lefts, tops, rights, bottoms = zip(*found, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _height_px(verdict: Verdict) -> float:
    """The person's body height, or their box's where nobody could tell."""
    return verdict.body_height_px or max(0.0, verdict.box[3] - verdict.box[1])
