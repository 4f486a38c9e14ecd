"""Pictures of people in a place, as a camera takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.body import Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.picture.backdrop import Quad, seen_by
from workers.ingest.simulated.picture.lights import Lights
from workers.ingest.simulated.picture.looks import Outfit
from workers.ingest.simulated.picture.people import painted, shadows
from workers.ingest.simulated.picture.sensor import Developer, Picture, Sensor

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# What moves by more pixels than this while the shutter is open is looked at twice, or three times.
_BLURS_PX = (2.5, 6.0)
# When, in shares of the exposure around its middle.
_MOMENTS = np.array([-1 / 3, 0.0, 1 / 3])
_LOOKS = ((1,), (0, 2), (0, 1, 2))


@dataclass(frozen=True)
class Crowd:
    """People of a scene: N bodies, what they wear, and where their points are.

    Attributes:
        body: of N people.
        outfits: of N people.
        posed: from times [T] to where points are [T, N, P, 3] and how thick carried things are [T, N, 3],
            metres.
    """

    body: Body
    outfits: list[Outfit]
    posed: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]


class Painter:
    """Takes pictures of one place from one camera. What stands still is traced once, at the start.

    Args:
        camera: where it hangs.
        quads: the place; the first is its floor.
        lights: what lights it.
        sensor: how pictures come out.
        seed: of the sensor's noise.
    """

    def __init__(self, camera: Camera, quads: list[Quad], lights: Lights, sensor: Sensor, seed: int) -> None:
        self._camera = camera
        self._lights = lights
        self._sensor = sensor
        self._backdrop = seen_by(camera, quads, lights)
        self._developer = Developer(sensor, self._backdrop.light, seed)

    def picture(self, crowd: Crowd | None, at: float, number: int) -> Picture:
        """[H, W, 3] BGR at a time of the scene, seconds; `number` decides its noise."""
        if crowd is None or not crowd.outfits:
            return self._developer.picture(number)
        points, loads = crowd.posed(at + self._sensor.exposure_s * _MOMENTS)
        here = self._near(points[1])
        if not len(here):
            return self._developer.picture(number)
        points, loads = points[:, here], loads[:, here].astype(np.float32)
        scale = (crowd.body.height * crowd.body.girth)[here].astype(np.float32)
        outfits = [crowd.outfits[person] for person in here.tolist()]
        ground = self._backdrop.light.copy()
        touched = [shadows(ground, self._backdrop, self._camera, self._lights, points[1], scale)]
        looks = _LOOKS[int(np.searchsorted(_BLURS_PX, self._moved_px(points)))]
        lights = []
        for look in looks:
            light = ground.copy() if len(looks) > 1 else ground
            people = (points[look], scale, loads[look])
            touched.append(painted(light, self._backdrop, self._camera, self._lights, people, outfits))
            lights.append(light.reshape(-1, 3))
        pixels = self._union(touched)
        mean = sum(light[pixels] for light in lights) / np.float32(len(looks))
        return self._developer.picture(number, pixels, np.asarray(mean, np.float32))

    def _union(self, parts: list[Integers]) -> Integers:
        width, height = self._camera.frame_size
        among = np.zeros(width * height, bool)
        for part in parts:
            among[part] = True
        return np.flatnonzero(among)

    def _near(self, points: NDArray[np.float64]) -> Integers:
        """Rows of people who are in the image, or whose shadows might be."""
        pixels, depth = self._camera.project(points)
        size = np.array(self._camera.frame_size)
        near = (pixels > -0.35 * size) & (pixels < 1.35 * size) & (depth > 0.3)[..., None]
        return np.flatnonzero(near.all(-1).any(-1))

    def _moved_px(self, points: NDArray[np.float64]) -> float:
        """How far anything in the image moves while the shutter is open."""
        pixels, depth = self._camera.project(points[[0, 2]])
        moved = 1.5 * np.hypot(*np.moveaxis(pixels[1] - pixels[0], -1, 0))
        size = np.array(self._camera.frame_size)
        inside = ((pixels > 0) & (pixels < size)).all(-1).any(axis=0) & (depth > 0.3).all(axis=0)
        return float(np.max(moved, where=inside, initial=0.0))
