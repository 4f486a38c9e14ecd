"""Fits images of any size into the net's input and carries points back. No I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 32
GREY = 114


@dataclass(frozen=True)
class Letterbox:
    """Where an image of `width` x `height` lies in an input of `input_width` x `input_height` pixels."""

    width: int
    height: int
    input_width: int
    input_height: int
    left: int
    top: int
    inner_width: int
    inner_height: int

    @classmethod
    def fit(cls, width: int, height: int, image_size: int) -> Letterbox:
        """The longer side becomes `image_size`; the other is padded to a multiple of 32, not to a square."""
        ratio = image_size / max(width, height)
        inner_width, inner_height = max(1, round(width * ratio)), max(1, round(height * ratio))
        input_width = math.ceil(inner_width / STRIDE) * STRIDE
        input_height = math.ceil(inner_height / STRIDE) * STRIDE
        left, top = (input_width - inner_width) // 2, (input_height - inner_height) // 2
        return cls(width, height, input_width, input_height, left, top, inner_width, inner_height)

    @property
    def input_shape(self) -> tuple[int, int]:
        """Height and width of the input."""
        return self.input_height, self.input_width

    def place(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input: [H, W, 3] uint8, the image resized into the middle of grey.

        `image` may be decoded at another scale than `width` x `height`.
        """
        placed = np.full((self.input_height, self.input_width, 3), GREY, np.uint8)
        inner = placed[self.top : self.top + self.inner_height, self.left : self.left + self.inner_width]
        if image.shape[:2] == inner.shape[:2]:
            inner[:] = image
        else:
            inner[:] = cv2.resize(
                image, (self.inner_width, self.inner_height), interpolation=cv2.INTER_LINEAR
            )
        return placed

    def points_back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """[..., 2] x, y of the input as pixels of the image."""
        scale = np.array([self.width / self.inner_width, self.height / self.inner_height], np.float32)
        return (points - np.array([self.left, self.top], np.float32)) * scale
