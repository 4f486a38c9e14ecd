"""A window of one camera that is due to be judged.

Array letters: A people of a window, N of them judged, T cells of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_HEIGHT_PERCENTILE = 90


@dataclass(frozen=True, kw_only=True)
class Due:
    """The window that became due with one frame: everybody who was in it, and who of them gets a verdict.

    Copies, safe in other threads. Those who were there too briefly to be judged still count as somebody's
    opponent; those who were lost a moment ago are judged: fighters who fall or are tangled are not found.

    Attributes:
        fps: cells a second.
        image_size: width and height of the last frame's image, in pixels.
        ids: [A] track ids, ascending.
        judged: [N] rows, ascending.
        keypoints: [A, T, 17, 3] pixels and confidence; zero where a cell is empty.
        boxes: [A, T, 4] pixels.
        filled: [A, T] cells that are not empty.
        seen: [A, T] cells that lie between two detections of neighbouring frames.
        quality: [A] mean over the window, empty cells counting as 0.
        first_at, last_at: [A] times of the first and last filled cell, seconds.
    """

    fps: float
    image_size: tuple[int, int]
    ids: Integers
    judged: Integers
    keypoints: Floats
    boxes: Floats
    filled: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    quality: Floats
    first_at: NDArray[np.float64]
    last_at: NDArray[np.float64]

    def __len__(self) -> int:
        """How many are judged."""
        return len(self.judged)


def body_heights(due: Due) -> Floats:
    """Height of each person in pixels: a high percentile, since bodies bend and boxes are cut.

    Returns:
        [A] pixels of the published image.
    """
    heights = np.where(due.filled, due.boxes[..., 3] - due.boxes[..., 1], np.nan)
    if not len(heights):
        return np.zeros(0, np.float32)
    return np.nanpercentile(heights, _HEIGHT_PERCENTILE, axis=1).astype(np.float32)
