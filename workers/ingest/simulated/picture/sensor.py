"""From light to the picture that a camera gives: exposure, lens, noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
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
    """Makes pictures of one size from light. The same frame number gives the same noise."""

    def __init__(self, sensor: Sensor, size: tuple[int, int], seed: int) -> None:
        width, height = size
        self._sensor = sensor
        rng = np.random.default_rng([seed, 77])
        levels = np.linspace(0, _BRIGHTEST, _STEPS)
        shown = (levels * sensor.gain).clip(0)
        # A shoulder instead of burnt-out whites.
        shown = np.where(shown > 0.7, 0.7 + 0.3 * np.tanh((shown - 0.7) / 0.45), shown)
        self._curve = (255 * shown ** (1 / 2.2)).round().clip(0, 255).astype(np.uint8)
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
        self._vignette = np.asarray(1 - 0.16 * (x * x + y * y)[..., None] / 2, np.float32)
        shape = (height + _PLATE_MARGIN, width + _PLATE_MARGIN)
        self._plates = []
        for _ in range(_PLATES):
            grain = rng.normal(0, 1, (*shape, 3)) * 0.5 + rng.normal(0, 1, (*shape, 1))
            # Sensors' colours are interpolated and their noise filtered: grains are larger than a pixel.
            soft = cv2.GaussianBlur(grain.astype(np.float32), (3, 3), 0.7)
            self._plates.append((soft / soft.std() * sensor.noise).round().astype(np.int16))

    def picture(self, light: Floats, number: int) -> Picture:
        """[H, W, 3] BGR of linear RGB light [H, W, 3], the frame of this number."""
        exposed = (light * self._vignette) * np.float32((_STEPS - 1) / _BRIGHTEST)
        image = self._curve[exposed.clip(0, _STEPS - 1).astype(np.uint16)]
        height, width = image.shape[:2]
        draw = np.random.default_rng([number, 78]).integers(_PLATE_MARGIN, size=3)
        grain = self._plates[int(draw[2]) % _PLATES][draw[0] : draw[0] + height, draw[1] : draw[1] + width]
        noisy = (image.astype(np.int16) + grain).clip(0, 255).astype(np.uint8)
        if self._sensor.grey:
            noisy = np.repeat(cv2.cvtColor(noisy, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)
            return np.asarray(noisy, np.uint8)
        return np.ascontiguousarray(noisy[..., ::-1])
