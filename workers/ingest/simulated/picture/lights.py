"""What lights a place: the sky or the ceiling from above, the sun, lamps.

Colours are linear RGB; 1 is what a white surface shows at the picture's brightest. Places are in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A light that shines from a place.

    Attributes:
        place: metres in the world; the sun is a lamp very far away.
        colour: of a white surface that faces it, at a distance of `reach`.
        reach: metres; light falls with the square of the distance, but is not endless near the lamp.
    """

    place: tuple[float, float, float]
    colour: Colour
    reach: float

    @classmethod
    def sun(cls, towards: tuple[float, float, float], colour: Colour) -> Lamp:
        """Light from a direction (to the sun), as strong everywhere."""
        x, y, z = (1e4 * part for part in towards)
        return cls((x, y, z), colour, float(np.linalg.norm([x, y, z])))

    def at(self, points: Any) -> tuple[Floats, Floats]:
        """For points [..., 3]: unit vectors [..., 3] to the lamp, and light [...] as a share of `colour`."""
        way = np.array(self.place, np.float32) - np.asarray(points, np.float32)
        square = (way * way).sum(-1)
        to = way / np.sqrt(square)[..., None]
        return to, np.asarray(1.6 / (0.6 + square / np.float32(self.reach) ** 2), np.float32)


@dataclass(frozen=True)
class Lights:
    """All the light of a place.

    Attributes:
        above, below: what surfaces that look up, or down, get from everywhere.
        lamps: the first casts the strongest shadows.
        sky: colour of what has nothing behind it, at the horizon and overhead.
    """

    above: Colour
    below: Colour
    lamps: tuple[Lamp, ...]
    sky: tuple[Colour, Colour] = ((0.55, 0.62, 0.70), (0.25, 0.38, 0.60))

    def around(self, up: Floats) -> Floats:
        """[..., 3] light from everywhere, for surfaces whose normals point so far up [...] (-1 to 1)."""
        share = (np.float32(0.5) + np.float32(0.5) * up)[..., None]
        below, above = np.array(self.below, np.float32), np.array(self.above, np.float32)
        return np.asarray(below + share * (above - below), np.float32)
