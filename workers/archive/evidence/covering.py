"""Makes heads unrecognisable, and covers the parts of a picture at which nobody is to look. Pure.

Images are [H, W, 3] uint8 and changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Polygon = Sequence[tuple[float, float]]

# So many values are left across a head, and those are mixed with their neighbours: too few to make a face of,
# also for who puts the pictures of a clip together.
_ACROSS = 5
_COVER = (16, 16, 16)
# Coordinates are drawn to a sixteenth of a pixel.
_SHIFT = 4


def blur_heads(image: Image, ellipses: Iterable[NDArray[np.float64]]) -> None:
    """Leave of what is inside ellipses no more than its colours.

    What is left is less than `_ACROSS` values in each direction, whatever the head's size, and nothing of the
    picture itself shines through at the edge.

    Args:
        image: changed.
        ellipses: [K, 4] middle x, y and half axes, in its pixels.
    """
    height, width = image.shape[:2]
    # Wild coordinates would overflow; what is so far outside is not seen anyway.
    most = 4.0 * max(width, height)
    for ellipse in ellipses:
        x, y, half_x, half_y = np.clip(ellipse, (-most, -most, 1.0, 1.0), most).tolist()
        left, right = _ends(x, half_x, width)
        top, bottom = _ends(y, half_y, height)
        if right <= left or bottom <= top:
            continue
        part = image[top:bottom, left:right]
        across = (_ACROSS * (right - left) / (2 * half_x), _ACROSS * (bottom - top) / (2 * half_y))
        middle, axes = _fine(x - left, y - top), _fine(half_x, half_y)
        inside = np.zeros(part.shape[:2], np.uint8)
        cv2.ellipse(inside, middle, axes, 0, 0, 360, 255, -1, cv2.LINE_8, _SHIFT)
        cv2.copyTo(_smoothed(part, across), inside, part)


def cover(image: Image, polygons: Iterable[Polygon], above_px: int) -> None:
    """Paint over polygons, and over what is right above them: who stands inside reaches so far up.

    Args:
        image: changed.
        polygons: corners in shares of its width and height.
        above_px: how far up.
    """
    height, width = image.shape[:2]
    inside = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        corners = np.rint(np.array(polygon, float) * (width, height)).astype(np.int32)
        cv2.fillPoly(inside, [corners], 255)
    if above_px > 0 and inside.any():
        reach = min(above_px, height)
        # A column of ones, of which the upper end is the pixel that is asked about.
        inside = cv2.dilate(inside, np.ones((reach + 1, 1), np.uint8), anchor=(0, 0)).astype(np.uint8)
    image[inside > 0] = _COVER


def _smoothed(part: Image, across: tuple[float, float]) -> Image:
    """The same with so many values in each direction, each mixed with its neighbours."""
    height, width = part.shape[:2]
    size = min(max(1, round(across[0])), width), min(max(1, round(across[1])), height)
    few = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    few = cv2.GaussianBlur(few, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _ends(middle: float, half: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(middle - half))), min(size, int(np.ceil(middle + half)) + 1)


def _fine(x: float, y: float) -> tuple[int, int]:
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
