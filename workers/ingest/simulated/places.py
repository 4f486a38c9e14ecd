"""The places of the simulated site: what stands there, what lights it, where cameras hang.

World axes: x away from the first camera, y to its left, z up; people move around the origin, metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.picture import textures
from workers.ingest.simulated.picture.backdrop import Quad, box, floor, wall
from workers.ingest.simulated.picture.lights import Lamp, Lights
from workers.ingest.simulated.picture.sensor import Sensor

FRAME_SIZE = (640, 360)
_AIM_M = 0.95


@dataclass(frozen=True)
class Place:
    """Somewhere people are.

    Attributes:
        name: as in an address.
        quads: what stands there; the first is the floor.
        ground: x, y of two corners of where people may be.
        cameras: its views; people come and go outside of what any of them sees.
        lights, sensor: by "day" and "night".
    """

    name: str
    quads: tuple[Quad, ...]
    ground: tuple[float, float, float, float]
    cameras: tuple[Camera, ...]
    lights: dict[str, Lights]
    sensor: dict[str, Sensor]


def hung(angle: float, distance: float, up: float, view: float, bend: float = -0.03) -> Camera:
    """A camera that looks at the origin; angle of its way and of its view in degrees, metres."""
    pan = math.radians(angle)
    width = FRAME_SIZE[0]
    return Camera(
        position=(-distance * math.cos(pan), -distance * math.sin(pan), up),
        pan=pan,
        tilt=math.atan2(up - _AIM_M, distance),
        roll=math.radians(0.4),
        focal_px=width / 2 / math.tan(math.radians(view) / 2),
        frame_size=FRAME_SIZE,
        distortion=(bend, 0.0),
    )


def place(name: str) -> Place:
    """The place of a name, one of `PLACES`."""
    return PLACES[name]()


def _plaza() -> Place:
    stone, sandstone = (0.36, 0.34, 0.31), (0.42, 0.33, 0.23)
    quads = [
        floor(40.0, textures.slabs(stone, 0.8)),
        wall((9.0, 14.0), (9.0, -14.0), 10.0, textures.facade(textures.plaster(sandstone, 0.7), 0.08)),
        wall((-6.0, 9.0), (9.0, 9.0), 8.0, textures.brick((0.30, 0.13, 0.09))),
        wall((9.0, -9.5), (-6.0, -9.5), 7.0, textures.facade(textures.plaster((0.34, 0.36, 0.36)), 0.05)),
        *box((7.6, 4.6), (0.9, 3.0, 0.55), 0.0, textures.plaster((0.30, 0.29, 0.28))),
        *box((7.6, 4.6), (0.8, 2.8, 0.65), 0.0, textures.leaves((0.06, 0.14, 0.035)), 0.5),
        *box((7.6, -4.6), (0.9, 3.0, 0.55), 0.0, textures.plaster((0.30, 0.29, 0.28))),
        *box((7.6, -4.6), (0.8, 2.8, 0.65), 0.0, textures.leaves((0.06, 0.14, 0.035)), 0.5),
        *box((7.4, 0.0), (0.55, 1.9, 0.08), 0.0, textures.wood((0.28, 0.15, 0.07)), 0.42),
        *box((7.4, 0.7), (0.45, 0.08, 0.42), 0.0, textures.plain((0.08, 0.08, 0.09))),
        *box((7.4, -0.7), (0.45, 0.08, 0.42), 0.0, textures.plain((0.08, 0.08, 0.09))),
        *box((5.9, 7.2), (0.14, 0.14, 4.2), 0.0, textures.plain((0.05, 0.06, 0.06))),
        *box((-2.6, -2.9), (0.8, 0.8, 0.5), 0.3, textures.plaster((0.26, 0.25, 0.24))),
        *box((-2.6, -2.9), (0.66, 0.66, 0.55), 0.3, textures.leaves((0.07, 0.16, 0.04)), 0.45),
    ]
    sun = Lamp.sun((-0.55, 0.5, 0.75), (0.95, 0.86, 0.70))
    street = Lamp((5.9, 7.2, 4.3), (0.75, 0.50, 0.24), 5.0)
    door = Lamp((8.2, -2.0, 3.2), (0.55, 0.50, 0.40), 4.0)
    return Place(
        "plaza",
        tuple(quads),
        (-7.0, -9.0, 4.2, 8.5),
        (hung(0.0, 4.7, 3.0, 64.0), hung(62.0, 4.9, 3.2, 62.0)),
        {
            "day": Lights((0.42, 0.46, 0.52), (0.20, 0.18, 0.15), (sun,)),
            "night": Lights((0.055, 0.06, 0.08), (0.03, 0.03, 0.03), (street, door), _NIGHT_SKY),
        },
        {"day": _DAY, "night": _NIGHT},
    )


def _lobby() -> Place:
    quads = [
        floor(30.0, textures.slabs((0.44, 0.41, 0.37), 0.6, 0.008, 0.06)),
        wall((6.6, 9.0), (6.6, -9.0), 3.4, textures.panels((0.36, 0.22, 0.12))),
        wall((-6.0, 7.5), (6.6, 7.5), 3.4, textures.plaster((0.58, 0.57, 0.54), 0.14)),
        wall(
            (6.6, -7.5),
            (-6.0, -7.5),
            3.4,
            textures.facade(textures.plaster((0.50, 0.50, 0.48)), 0.3, 1.7, 3.4),
        ),
        Quad((-8.0, -9.0, 3.4), (16.0, 0.0, 0.0), (0.0, 18.0, 0.0), textures.slabs((0.62, 0.62, 0.60), 1.2)),
        Quad(
            (1.0, -1.2, 3.38), (0.5, 0.0, 0.0), (0.0, 2.4, 0.0), textures.plain((1.4, 1.35, 1.25)), glows=True
        ),
        *box((5.3, 3.4), (0.8, 3.2, 1.08), 0.0, textures.panels((0.24, 0.15, 0.09), 0.8, 1.1)),
        *box((5.3, 3.4), (0.95, 3.4, 0.06), 0.0, textures.plain((0.55, 0.54, 0.52)), 1.08),
        *box((5.9, -4.2), (0.5, 0.5, 0.5), 0.2, textures.plain((0.50, 0.48, 0.45))),
        *box((5.9, -4.2), (0.8, 0.8, 1.0), 0.2, textures.leaves((0.05, 0.13, 0.04)), 0.5),
        *box((6.1, -1.4), (0.7, 1.8, 0.42), 0.0, textures.plain((0.06, 0.09, 0.14))),
        *box((6.45, -1.4), (0.2, 1.8, 0.85), 0.0, textures.plain((0.06, 0.09, 0.14))),
        *box((-2.3, 3.0), (0.36, 0.36, 3.4), 0.0, textures.plaster((0.60, 0.59, 0.57), 0.2)),
    ]
    lamps = (
        Lamp((-1.0, 1.2, 3.3), (0.40, 0.38, 0.33), 3.0),
        Lamp((2.6, -2.2, 3.3), (0.34, 0.32, 0.28), 3.0),
        Lamp((4.6, 3.2, 3.3), (0.30, 0.28, 0.24), 2.6),
    )
    dim = tuple(Lamp(lamp.place, (0.10, 0.095, 0.08), lamp.reach) for lamp in lamps[:2])
    return Place(
        "lobby",
        tuple(quads),
        (-6.0, -7.2, 3.4, 7.2),
        (hung(-4.0, 4.4, 2.9, 67.0, -0.05), hung(-70.0, 4.6, 2.9, 66.0, -0.05)),
        {
            "day": Lights((0.36, 0.36, 0.35), (0.26, 0.24, 0.21), lamps),
            "night": Lights((0.06, 0.06, 0.07), (0.04, 0.04, 0.04), dim, _NIGHT_SKY),
        },
        {"day": Sensor(0.014, 1.0, 2.4), "night": _NIGHT},
    )


def _yard() -> Place:
    steel, blue = (0.20, 0.21, 0.22), (0.035, 0.10, 0.22)
    quads = [
        floor(40.0, textures.asphalt((0.115, 0.115, 0.12), first=1.8)),
        wall((8.5, 14.0), (8.5, -14.0), 5.5, textures.brick((0.28, 0.15, 0.11))),
        wall((-6.0, 9.5), (8.5, 9.5), 4.0, textures.panels(steel, 1.0, 4.0)),
        wall((8.5, -9.5), (-6.0, -9.5), 3.0, textures.panels((0.16, 0.18, 0.16), 0.5, 3.0)),
        *box((7.0, 4.9), (2.3, 4.6, 2.5), 0.0, textures.panels(blue, 0.28, 2.5)),
        *box((7.7, -2.4), (0.7, 1.2, 1.15), 0.1, textures.plain((0.05, 0.12, 0.06))),
        *box((7.7, -3.9), (0.7, 1.2, 1.15), -0.05, textures.plain((0.20, 0.16, 0.03))),
        *box((7.2, -7.0), (1.1, 1.1, 0.9), 0.4, textures.wood((0.30, 0.19, 0.09))),
        *box((-2.5, 2.7), (0.2, 0.2, 0.95), 0.0, textures.plain((0.55, 0.42, 0.04))),
        *box((-2.2, -3.1), (0.2, 0.2, 0.95), 0.0, textures.plain((0.55, 0.42, 0.04))),
    ]
    over_door = Lamp((7.9, -0.6, 4.4), (1.0, 0.74, 0.42), 4.6)
    pole = Lamp((-4.6, 4.2, 5.0), (0.62, 0.66, 0.72), 5.0)
    return Place(
        "yard",
        tuple(quads),
        (-7.0, -9.0, 4.2, 9.0),
        (hung(3.0, 4.8, 3.3, 64.0), hung(118.0, 5.0, 3.4, 64.0)),
        {
            "day": Lights(
                (0.40, 0.43, 0.47), (0.16, 0.16, 0.15), (Lamp.sun((-0.3, -0.7, 0.8), (0.7, 0.66, 0.58)),)
            ),
            "night": Lights((0.055, 0.062, 0.078), (0.03, 0.03, 0.032), (over_door, pole), _NIGHT_SKY),
        },
        {"day": _DAY, "night": Sensor(0.028, 1.5, 4.5)},
    )


def _passage() -> Place:
    quads = [
        floor(30.0, textures.slabs((0.27, 0.27, 0.26), 0.4, 0.012, 0.10)),
        wall((9.0, 5.2), (-8.0, 5.2), 3.2, textures.slabs((0.52, 0.54, 0.50), 0.3, 0.012, 0.05)),
        wall((-8.0, -5.2), (9.0, -5.2), 3.2, textures.slabs((0.52, 0.54, 0.50), 0.3, 0.012, 0.05)),
        wall((9.0, 6.0), (9.0, -6.0), 3.2, textures.plaster((0.36, 0.37, 0.36), 0.3)),
        Quad((-8.0, -6.0, 3.2), (18.0, 0.0, 0.0), (0.0, 12.0, 0.0), textures.plaster((0.36, 0.36, 0.35))),
        wall((8.95, 1.4), (8.95, -1.4), 2.4, textures.plain((0.05, 0.06, 0.07))),
        Quad(
            (8.9, -3.6, 1.2), (0.0, 1.2, 0.0), (0.0, 0.0, 1.6), textures.plain((0.75, 0.8, 0.85)), glows=True
        ),
        Quad(
            (-3.0, -0.1, 3.18),
            (11.0, 0.0, 0.0),
            (0.0, 0.2, 0.0),
            textures.plain((1.4, 1.45, 1.4)),
            glows=True,
        ),
        *box((6.6, 4.8), (1.6, 0.5, 0.45), 0.0, textures.wood((0.26, 0.16, 0.08))),
        *box((4.6, -4.9), (0.45, 0.45, 0.9), 0.0, textures.plain((0.07, 0.08, 0.08))),
    ]
    lamps = (
        Lamp((-1.4, 0.0, 3.1), (0.36, 0.38, 0.36), 2.8),
        Lamp((3.0, 0.0, 3.1), (0.36, 0.38, 0.36), 2.8),
        Lamp((7.0, 0.0, 3.1), (0.32, 0.34, 0.32), 2.8),
    )
    return Place(
        "passage",
        tuple(quads),
        (-7.5, -4.8, 4.6, 4.8),
        (hung(2.0, 4.6, 2.8, 66.0, -0.04), hung(34.0, 4.8, 2.8, 66.0, -0.04)),
        {
            "day": Lights((0.30, 0.31, 0.30), (0.20, 0.20, 0.19), lamps),
            "night": Lights((0.17, 0.18, 0.18), (0.11, 0.11, 0.11), lamps[:2], _NIGHT_SKY),
        },
        {"day": Sensor(0.016, 1.0, 2.6), "night": Sensor(0.022, 1.1, 3.5)},
    )


_NIGHT_SKY = ((0.03, 0.032, 0.045), (0.008, 0.01, 0.018))
_DAY = Sensor(0.008, 1.0, 1.8)
_NIGHT = Sensor(0.026, 1.5, 4.5)

PLACES: dict[str, Callable[[], Place]] = {
    "plaza": _plaza,
    "lobby": _lobby,
    "yard": _yard,
    "passage": _passage,
}
