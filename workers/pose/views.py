"""What the net is shown of an image: the whole at several sizes, overlapping tiles, mirror images. No I/O.

n people found in one view.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import FLIP
from workers.pose.letterbox import Letterbox

MAX_TILES = 12
# Neighbouring tiles share this much of a side: who is narrower is whole in one of them.
OVERLAP = 0.2
# A box that ends this near to a tile's inner edge, in pixels of the net's input, goes on beyond it.
_EDGE_PX = 3.0
_USUAL_ASPECT = 16 / 9
# Mean OKS of YOLO26n-pose by a person's height in pixels of its input (benchmarks/recall_by_height.py).
_HEIGHTS = (32, 50, 75, 110, 165, 250, 545, 770)
_QUALITY = (0.05, 0.24, 0.66, 0.83, 0.89, 0.91, 0.91, 0.8)


@dataclass(frozen=True)
class View:
    """One input of the net.

    Attributes:
        width, height: of the image, in pixels.
        left, top: where the part that is shown begins in it.
        box: how that part lies in the input.
        flipped: left and right are swapped in the input.
    """

    width: int
    height: int
    left: int
    top: int
    box: Letterbox
    flipped: bool = False

    @classmethod
    def whole(cls, width: int, height: int, image_size: int, flipped: bool = False) -> View:
        """The whole image, its longer side `image_size` pixels of the input."""
        return cls(width, height, 0, 0, Letterbox.fit(width, height, image_size), flipped)

    def place(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The input: [H, W, 3] uint8; `image` may be decoded at another scale than the view's own."""
        across, down = image.shape[1] / self.width, image.shape[0] / self.height
        left, right = round(self.left * across), round((self.left + self.box.width) * across)
        top, bottom = round(self.top * down), round((self.top + self.box.height) * down)
        placed = self.box.place(image[top:bottom, left:right])
        return np.ascontiguousarray(placed[:, ::-1]) if self.flipped else placed

    def boxes_back(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 4] x1 y1 x2 y2 of the input as pixels of the image, inside the image."""
        corners = self._points_back(boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        if self.flipped:
            corners = corners[:, [2, 1, 0, 3]]
        limit = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.clip(corners, 0, limit)

    def keypoints_back(self, keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, 17, 3] of the input as pixels of the image; a mirror image's left is right again."""
        carried = keypoints.copy()
        carried[..., :2] = self._points_back(keypoints[..., :2])
        return carried[:, FLIP] if self.flipped else carried

    def _points_back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.flipped:
            points = points * np.array([-1, 1], np.float32) + np.array([self.box.input_width, 0], np.float32)
        return self.box.points_back(points) + np.array([self.left, self.top], np.float32)

    @property
    def scale(self) -> float:
        """Pixels of the input for one of the image."""
        return self.box.inner_width / self.box.width

    def quality(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n] in (0, 1]: how well the net sees people of such boxes, in pixels of the image, in this view."""
        heights = (boxes[:, 3] - boxes[:, 1]) * self.scale
        found: NDArray[np.float32] = np.interp(heights, _HEIGHTS, _QUALITY).astype(np.float32)
        return found

    def cut(self, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """[n]: which boxes, in pixels of the image, end at an edge of the view inside the image."""
        near = _EDGE_PX / self.scale
        right, bottom = self.left + self.box.width, self.top + self.box.height
        found: NDArray[np.bool_] = (
            ((boxes[:, 0] < self.left + near) & (self.left > 0))
            | ((boxes[:, 1] < self.top + near) & (self.top > 0))
            | ((boxes[:, 2] > right - near) & (right < self.width))
            | ((boxes[:, 3] > bottom - near) & (bottom < self.height))
        )
        return found


@dataclass(frozen=True)
class ViewPlan:
    """Which views a camera's images get.

    Attributes:
        sizes: longer sides of the inputs that show the whole image; the first also of those with a tile.
        tiles: `none`, `auto` or columns x rows (`2x1`).
        flip_test: every view also as its mirror image.
    """

    sizes: tuple[int, ...]
    tiles: str = "none"
    flip_test: bool = False

    def views(self, width: int, height: int) -> tuple[View, ...]:
        """The views of an image of `width` x `height` pixels."""
        shown = [View.whole(width, height, size) for size in self.sizes]
        columns, rows = _grid(self.tiles, width, height)
        if columns * rows > 1:
            for top, bottom in _spans(height, rows):
                for left, right in _spans(width, columns):
                    box = Letterbox.fit(right - left, bottom - top, self.sizes[0])
                    shown.append(View(width, height, left, top, box))
        if self.flip_test:
            shown += [View(v.width, v.height, v.left, v.top, v.box, flipped=True) for v in shown]
        return tuple(shown)

    @property
    def least_width(self) -> int:
        """Width in pixels that an image of 16:9 needs to fill every view."""
        return sharpest_size(self.views(16_000, 9_000))[0]

    @property
    def work(self) -> float:
        """Pixels of all inputs for an image of 16:9, as a multiple of one look at 640; cost follows them."""
        shapes = [view.box.input_shape for view in self.views(16_000, 9_000)]
        return sum(height * width for height, width in shapes) / (640 * 384)


def sharpest_size(views: Sequence[View]) -> tuple[int, int]:
    """Width and height in pixels that an image needs so that no view has to enlarge it."""
    return (
        max(math.ceil(view.width * view.box.inner_width / view.box.width) for view in views),
        max(math.ceil(view.height * view.box.inner_height / view.box.height) for view in views),
    )


def parse_tiles(text: str) -> tuple[int, int] | None:
    """Columns and rows of `2x1`; 1 and 1 of `none`; None of `auto`.

    Raises:
        ValueError: neither of them, or more than 12 tiles.
    """
    if text == "auto":
        return None
    if text == "none":
        return 1, 1
    found = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", text)
    if found is None:
        raise ValueError("write none, auto, or columns x rows as 2x1")
    columns, rows = int(found[1]), int(found[2])
    if columns * rows > MAX_TILES:
        raise ValueError(f"{text} are {columns * rows} tiles: at most {MAX_TILES}")
    return columns, rows


def _grid(tiles: str, width: int, height: int) -> tuple[int, int]:
    """Columns and rows; `auto` cuts a very wide or tall image into parts of about 16:9."""
    chosen = parse_tiles(tiles)
    if chosen is not None:
        return chosen
    across = max(1, round(width / height / _USUAL_ASPECT))
    down = max(1, round(height / width / _USUAL_ASPECT))
    return min(across, MAX_TILES), min(down, MAX_TILES)


def _spans(length: int, count: int) -> Sequence[tuple[int, int]]:
    """Begin and end of `count` overlapping spans that cover `length` pixels."""
    span = min(length, math.ceil(length / (count - (count - 1) * OVERLAP)))
    begins = np.linspace(0, length - span, count).round().astype(int)
    return [(int(begin), int(begin) + span) for begin in begins]
