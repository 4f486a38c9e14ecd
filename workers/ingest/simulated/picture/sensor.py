"""From light to the picture that a camera gives: exposure, lens, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Picture = NDArray[np.uint8]

_STEPS = 4096
_BRIGHTEST = 1.5
# As many noise pictures as are made; each frame takes one, shifted and mirrored by its number.
_PLATES = 6
_PLATE_MARGIN = 64


@dataclass(frozen=True)
class Sensor:
    """How a camera takes pictures.

    Attributes:
        exposure_s: how long the shutter is open.
        gain: brightness is multiplied by it.
        noise: of a pixel, in grey levels (standard deviation).
        grey: night pictures without colour.
    """

    exposure_s: float = 0.01
    gain: float = 1.0
    noise: float = 2.0
    grey: bool = False


class Developer:
    """Makes pictures from light. The same frame number gives the same noise.

    Args:
        sensor: how pictures come out.
        still: [H, W, 3] linear RGB light of what stands still; it is developed once.
        seed: of the noise.
    """

    def __init__(self, sensor: Sensor, still: Floats, seed: int) -> None:
        height, width = still.shape[:2]
        self._sensor = sensor
        rng = np.random.default_rng([seed, 77])
        levels = np.linspace(0, _BRIGHTEST, _STEPS)
        shown = (levels * sensor.gain).clip(0)
        # A shoulder instead of burnt-out whites.
        shown = np.where(shown > 0.7, 0.7 + 0.3 * np.tanh((shown - 0.7) / 0.45), shown)
        self._curve = (255 * shown ** (1 / 2.2)).round().clip(0, 255).astype(np.uint8)
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        vignette = 1 - 0.16 * (x * x + y * y) / 2
        self._steps = (vignette * (_STEPS - 1) / _BRIGHTEST).reshape(-1, 1).astype(np.float32)
        self._still = self._developed(still.reshape(-1, 3), self._steps).reshape(height, width, 3)
        shape = (height + _PLATE_MARGIN, width + _PLATE_MARGIN)
        self._plates = []
        for _ in range(_PLATES):
            grain = rng.normal(0, 1, (*shape, 3)) * 0.5 + rng.normal(0, 1, (*shape, 1))
            # Sensors' colours are interpolated and their noise filtered: grains are larger than a pixel.
            soft = cv2.GaussianBlur(grain.astype(np.float32), (3, 3), 0.7)
            self._plates.append((soft / soft.std() * sensor.noise).round().astype(np.int16))

    def picture(self, number: int, pixels: Integers | None = None, light: Floats | None = None) -> Picture:
        """[H, W, 3] BGR, the frame of this number; pixels [n] get light [n, 3] in place of the still's."""
        image = self._still
        height, width = image.shape[:2]
        if pixels is not None and light is not None:
            image = image.copy()
            image.reshape(-1, 3)[pixels] = self._developed(light, self._steps[pixels])
        draw = np.random.default_rng([number, 78]).integers(_PLATE_MARGIN, size=3)
        grain = self._plates[int(draw[2]) % _PLATES][draw[0] : draw[0] + height, draw[1] : draw[1] + width]
        noisy = cv2.add(image, grain, dtype=cv2.CV_8U)
        if self._sensor.grey:
            noisy = cv2.cvtColor(cv2.cvtColor(noisy, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        return np.asarray(noisy, np.uint8)

    def _developed(self, light: Floats, steps: Floats) -> Picture:
        """[n, 3] BGR of light [n, 3]; steps [n, 1] of the curve are what light of 1 comes to."""
        return self._curve[(light[:, ::-1] * steps).clip(0, _STEPS - 1).astype(np.uint16)]
