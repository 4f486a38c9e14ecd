"""A human body: its proportions, its named points and the volumes around them.

Lengths are in metres, axes of a body: forward, to its left, up. Proportions follow Drillis and Contini (1966)
with the spread of a crowd. Side 0 is the left one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from shared.skeleton import JOINTS
from workers.ingest.simulated.curves import Floats

# Beside the COCO joints: what a renderer needs, and the bottoms of bags that hang from the hands.
EXTRA_POINTS = (
    *("head", "head_top", "neck", "chest", "waist", "pelvis"),
    *("left_hand", "right_hand", "left_toe", "right_toe", "left_bag", "right_bag"),
)
POINTS = (*JOINTS, *EXTRA_POINTS)
POINT = {name: index for index, name in enumerate(POINTS)}

LEFT, RIGHT = 0, 1
SIDES = np.array([1.0, -1.0])


@dataclass(frozen=True)
class Volume:
    """A capsule between two points. `radius` is in body heights, for a person of usual girth."""

    start: int
    end: int
    radius: float


def _volume(start: str, end: str, radius: float) -> Volume:
    return Volume(POINT[start], POINT[end], radius)


def _both(start: str, end: str, radius: float) -> tuple[Volume, Volume]:
    return _volume(f"left_{start}", f"left_{end}", radius), _volume(f"right_{start}", f"right_{end}", radius)


# The flesh. What is carried has volumes too (LOADS); their radii are part of the motion.
VOLUMES = (
    _volume("head", "head", 0.058),
    _volume("neck", "head", 0.032),
    _volume("left_shoulder", "right_shoulder", 0.037),
    *_both("shoulder", "hip", 0.045),
    _volume("chest", "pelvis", 0.062),
    *_both("shoulder", "elbow", 0.027),
    *_both("elbow", "wrist", 0.021),
    *_both("wrist", "hand", 0.021),
    *_both("hip", "knee", 0.044),
    *_both("knee", "ankle", 0.030),
    *_both("ankle", "toe", 0.022),
)
LOADS = (
    _volume("left_wrist", "right_wrist", 0.0),
    _volume("left_hand", "left_bag", 0.0),
    _volume("right_hand", "right_bag", 0.0),
)


@dataclass(frozen=True)
class Body:
    """Lengths in metres, for one person (all of shape []) or for N (all [N])."""

    height: Floats
    girth: Floats  # a factor on all radii
    hip_width: Floats  # between the joints, as is the next
    shoulder_width: Floats
    spine: Floats  # hips to shoulders
    thigh: Floats
    shank: Floats
    ankle: Floats  # above the sole
    upper_arm: Floats
    forearm: Floats
    hand: Floats
    foot: Floats  # ankle to toe
    head: Floats  # a factor on the head's own sizes

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Body:
        """Somebody between 1.50 and 1.95 m."""
        height = float(np.clip(rng.normal(1.72, 0.09), 1.50, 1.95))
        broad = float(np.clip(rng.normal(1.0, 0.05), 0.88, 1.15))

        def share(of_height: float, spread: float) -> Floats:
            return np.asarray(height * of_height * float(np.clip(rng.normal(1, spread), 0.85, 1.15)))

        legs = float(np.clip(rng.normal(1.0, 0.02), 0.95, 1.05))
        arms = float(np.clip(rng.normal(1.0, 0.025), 0.94, 1.06))
        return cls(
            height=np.asarray(height),
            girth=np.asarray(broad * float(np.clip(rng.normal(1.08, 0.1), 0.85, 1.35))),
            hip_width=share(0.125 * broad, 0.04),
            shoulder_width=share(0.215 * broad, 0.03),
            # Longer legs mean a shorter trunk: the height is given.
            spine=np.asarray(height * (0.288 - 0.491 * (legs - 1))),
            thigh=np.asarray(height * 0.245 * legs),
            shank=np.asarray(height * 0.246 * legs),
            ankle=np.asarray(height * 0.039),
            upper_arm=np.asarray(height * 0.181 * arms),
            forearm=np.asarray(height * 0.149 * arms),
            hand=share(0.085, 0.03),
            foot=share(0.105, 0.03),
            head=np.asarray(height**-0.5 * 1.72**0.5 * float(np.clip(rng.normal(1, 0.03), 0.93, 1.07))),
        )

    @classmethod
    def stacked(cls, bodies: Sequence[Body]) -> Body:
        """One record of arrays [N]."""
        return cls(*(np.array([getattr(body, f.name) for body in bodies], float) for f in fields(cls)))

    @property
    def arm(self) -> Floats:
        """Shoulder to wrist, stretched."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> Floats:
        """Hip to ankle, stretched."""
        return self.thigh + self.shank

    @property
    def hip_height(self) -> Floats:
        """Of the hips above the floor, standing straight."""
        return self.leg + self.ankle
