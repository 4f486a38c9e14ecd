"""What people look like: the shapes of a body, and clothes by which a small net can tell joints and sides.

Everybody wears a motion-capture suit: the left limbs have blue-green panels, the right ones orange ones, and
light bands mark the joints. A net that is trained in an afternoon then sees left and right in the colour
instead of having to work them out from the posture. Skin, hair, suit and shoes differ from person to person.

Colours are linear RGB. P points of `body.POINTS`, V shapes of a body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.body import LOADS, POINT

Floats = NDArray[np.float32]

LEFT_PANEL, RIGHT_PANEL = (0.015, 0.42, 0.50), (0.95, 0.23, 0.02)
BAND = (0.85, 0.85, 0.80)

_SKINS = ((0.66, 0.42, 0.30), (0.52, 0.30, 0.19), (0.33, 0.17, 0.10), (0.14, 0.07, 0.045), (0.72, 0.50, 0.39))
_HAIRS = (
    *((0.012, 0.010, 0.009), (0.05, 0.028, 0.015), (0.12, 0.06, 0.025), (0.35, 0.22, 0.08)),
    *((0.30, 0.29, 0.28), (0.16, 0.045, 0.015)),
)
_SUITS = (
    *((0.045, 0.05, 0.065), (0.10, 0.11, 0.13), (0.035, 0.055, 0.13), (0.11, 0.035, 0.045)),
    *((0.05, 0.085, 0.055), (0.16, 0.14, 0.11), (0.075, 0.045, 0.105)),
)
_SHOES = ((0.02, 0.02, 0.022), (0.55, 0.54, 0.52), (0.09, 0.045, 0.02))
_LOAD = (0.30, 0.19, 0.09)


@dataclass(frozen=True)
class Shape:
    """A rounded cone between two points; radii in body heights, bands as shares of its length."""

    start: int
    end: int
    radius: tuple[float, float]
    what: str
    bands: tuple[float, float] = (0.0, 0.0)


def _shape(start: str, end: str, radius: tuple[float, float], what: str, *bands: float) -> Shape:
    marks = (bands[0], bands[1]) if bands else (0.0, 0.0)
    return Shape(POINT[start], POINT[end], radius, what, marks)


def _limbs(side: str) -> tuple[Shape, ...]:
    """An arm and a leg: bands around shoulder, elbow, wrist, hip, knee and ankle."""

    def one(start: str, end: str, radius: tuple[float, float], what: str, *bands: float) -> Shape:
        return _shape(f"{side}_{start}", f"{side}_{end}", radius, what, *bands)

    return (
        one("shoulder", "elbow", (0.031, 0.026), f"{side} panel", 0.0, 0.13),
        one("elbow", "wrist", (0.026, 0.019), f"{side} panel", 0.13, 0.16),
        one("wrist", "hand", (0.020, 0.022), "skin"),
        one("hip", "knee", (0.052, 0.036), f"{side} panel", 0.0, 0.11),
        one("knee", "ankle", (0.037, 0.024), f"{side} panel", 0.11, 0.14),
        one("ankle", "toe", (0.027, 0.024), "shoe"),
        one("shoulder", "shoulder", (0.036, 0.036), "band"),
        one("shoulder", "hip", (0.050, 0.050), "suit"),
        one("eye", "eye", (0.0105, 0.0105), "eye"),
        one("ear", "ear", (0.016, 0.016), "skin"),
    )


SHAPES = (
    *_limbs("left"),
    *_limbs("right"),
    _shape("head", "head", (0.058, 0.058), "head"),
    _shape("head", "head_top", (0.056, 0.046), "head"),
    _shape("nose", "nose", (0.0125, 0.0125), "skin"),
    _shape("neck", "head", (0.030, 0.032), "skin"),
    _shape("left_shoulder", "right_shoulder", (0.037, 0.037), "suit"),
    _shape("chest", "waist", (0.068, 0.060), "suit"),
    _shape("waist", "pelvis", (0.060, 0.066), "suit"),
    _shape("left_hip", "right_hip", (0.050, 0.050), "suit"),
    # Their radii are part of the motion.
    *(Shape(load.start, load.end, (0.0, 0.0), "load") for load in LOADS),
)
STARTS, ENDS = (np.array([getattr(shape, end) for shape in SHAPES]) for end in ("start", "end"))
RADII = np.array([shape.radius for shape in SHAPES], np.float32)
BANDS = np.array([shape.bands for shape in SHAPES], np.float32)
HEADS = np.flatnonzero([shape.what == "head" for shape in SHAPES])
CARRIED = np.flatnonzero([shape.what == "load" for shape in SHAPES])


@dataclass(frozen=True)
class Outfit:
    """One person's colours.

    Attributes:
        colours: [V, 3] of the shapes.
        hair: [3] colour.
        length: how far hair reaches down the back of the head, -1 (to the neck) to 1 (bald).
    """

    colours: Floats
    hair: Floats
    length: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Outfit:
        """Anybody's."""

        def one(of: tuple[tuple[float, float, float], ...], spread: float) -> Floats:
            colour = np.array(of[int(rng.integers(len(of)))], np.float32)
            return np.asarray(colour * np.float32(np.exp(rng.normal(0, spread))), np.float32)

        worn = np.float32(rng.uniform(0.75, 1.15))
        colour_of = {
            "skin": (skin := one(_SKINS, 0.08)),
            "head": skin,
            "suit": one(_SUITS, 0.15),
            "shoe": one(_SHOES, 0.1),
            "left panel": np.array(LEFT_PANEL, np.float32) * worn,
            "right panel": np.array(RIGHT_PANEL, np.float32) * worn,
            "band": np.array(BAND, np.float32),
            "eye": np.array([0.02, 0.018, 0.018], np.float32),
            "load": np.array(_LOAD, np.float32) * np.float32(rng.uniform(0.5, 1.6)),
        }
        colours = np.stack([colour_of[shape.what] for shape in SHAPES])
        return cls(
            colours, one(_HAIRS, 0.15), float(rng.choice([-0.6, -0.2, 0.1, 0.9], p=[0.3, 0.4, 0.2, 0.1]))
        )


def outfits_of(seed: int, people: int) -> list[Outfit]:
    """What so many people of a scene wear."""
    return [Outfit.drawn(np.random.default_rng([seed, 79, person])) for person in range(people)]
