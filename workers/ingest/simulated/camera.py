"""A camera on a wall: from metres in the world to pixels.

World axes: x and y on the floor, z up. An image's x goes right, y down. Agrees with OpenCV's pinhole model
with radial distortion k1, k2 (`cv2.projectPoints`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.curves import Floats

# What is nearer than this, or behind, is taken to be this far ahead; metres.
_NEAR_M = 0.1
_USUAL_HEIGHT_M = 1.72
_AIM_M = 0.9
_STEEPEST = math.radians(38)
_NEAREST_M = 2.0


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with radial distortion; angles in radians.

    Attributes:
        position: metres.
        pan: where it looks, a yaw in the world.
        tilt: how far down it looks.
        roll: how far it is turned clockwise about its axis, as seen from behind it.
        focal_px: focal length.
        frame_size: width and height of the image.
        distortion: k1, k2; negative k1 is a barrel.
    """

    position: tuple[float, float, float]
    pan: float
    tilt: float
    roll: float
    focal_px: float
    frame_size: tuple[int, int]
    distortion: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def mounted(
        cls,
        rng: np.random.Generator,
        frame_size: tuple[int, int] = (1280, 720),
        height_px: float | None = None,
    ) -> Self:
        """A typical camera that looks at the world's origin.

        2.5 to 5 m up, a lens of 60 to 110 degrees, looking down. Somebody of 1.72 m at the origin is
        `height_px` high, if given. Where that would need to look down steeply, the lens is a longer one.
        """
        width, height = frame_size
        if height_px is None:
            height_px = height * float(rng.uniform(0.22, 0.5))
        field_of_view = math.radians(rng.uniform(60, 110))
        pan, up = float(rng.uniform(-math.pi, math.pi)), float(rng.uniform(2.5, 5.0))
        barrel = -float(rng.uniform(0.0, 0.09)) * (field_of_view / math.radians(110)) ** 2
        camera = cls(
            position=(0.0, 0.0, up),
            pan=pan,
            tilt=0.0,
            roll=math.radians(float(np.clip(rng.normal(0, 1.2), -4, 4))),
            focal_px=width / 2 / math.tan(field_of_view / 2),
            frame_size=frame_size,
            distortion=(barrel, 0.0),
        )
        return camera._moved_back(height_px)

    def _moved_back(self, height_px: float) -> Self:
        """At the distance at which people at the origin are `height_px` high."""
        nearest = max(_NEAREST_M, (self.position[2] - _AIM_M) / math.tan(_STEEPEST))
        low, high = math.log(nearest), math.log(200.0)
        for _ in range(40):
            middle = (low + high) / 2
            if self._from(math.exp(middle)).height_px(0.0, 0.0) > height_px:
                low = middle
            else:
                high = middle
        camera = self._from(math.exp(low))
        return replace(camera, focal_px=camera.focal_px * height_px / camera.height_px(0.0, 0.0))

    def _from(self, distance: float) -> Self:
        up = self.position[2]
        place = (-distance * math.cos(self.pan), -distance * math.sin(self.pan), up)
        return replace(self, position=place, tilt=math.atan2(up - _AIM_M, distance))

    @property
    def field_of_view(self) -> float:
        """Horizontal, without distortion."""
        return 2 * math.atan(self.frame_size[0] / 2 / self.focal_px)

    @property
    def axes(self) -> Floats:
        """[3, 3] rows: the image's right, its down, and the way the camera looks, in the world."""
        cp, sp, ct, st = math.cos(self.pan), math.sin(self.pan), math.cos(self.tilt), math.sin(self.tilt)
        ahead = np.array([cp * ct, sp * ct, -st])
        right = np.array([sp, -cp, 0.0])
        down = np.cross(ahead, right)
        c, s = math.cos(self.roll), math.sin(self.roll)
        return np.stack([c * right + s * down, c * down - s * right, ahead])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Pixels [..., 2] and depths [...] in metres along the axis; what is behind has a depth below 0."""
        local = (points - np.array(self.position)) @ self.axes.T
        depth = local[..., 2]
        flat = local[..., :2] / np.maximum(depth, _NEAR_M)[..., None]
        square = (flat * flat).sum(-1)
        square = np.minimum(square, self._bends_until())
        k1, k2 = self.distortion
        bent = flat * (1 + k1 * square + k2 * square * square)[..., None]
        return bent * self.focal_px + np.array(self.frame_size) / 2, depth

    def _bends_until(self) -> float:
        """The squared radius from which on distortion stays the same: a barrel must not fold back."""
        k1, k2 = self.distortion
        squares = np.linspace(0, 25, 501)
        growing = 1 + 3 * k1 * squares + 5 * k2 * squares**2 > 0.05
        return float(squares[np.argmin(growing)]) if not growing.all() else 25.0

    def height_px(self, x: float, y: float, height_m: float = _USUAL_HEIGHT_M) -> float:
        """Pixels that somebody who stands on the floor at x, y spans."""
        pixels, _ = self.project(np.array([[x, y, 0.0], [x, y, height_m]]))
        return float(np.hypot(*(pixels[1] - pixels[0])))

    def sees(self, points: Floats, margin: float = 0.0) -> NDArray[np.bool_]:
        """[...] whether points are in the image, `margin` (a share of it) or more from its edges."""
        pixels, depth = self.project(points)
        size = np.array(self.frame_size)
        inside = (pixels >= margin * size) & (pixels <= (1 - margin) * size)
        return np.asarray(inside.all(-1) & (depth > _NEAR_M))
