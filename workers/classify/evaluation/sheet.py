"""Contact sheets: a few moments of each clip, with the skeletons that were judged.

Array letters: P people of a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from shared.skeleton import BONES

# Who is told apart by colour and by width: the person that the score is about, the partner, everybody else.
PERSON, PARTNER, OTHER = "#d55e00", "#0072b2", "#7a7a7a"
WIDTHS = {PERSON: 1.9, PARTNER: 1.9, OTHER: 0.9}
SEEN = 0.3
_CELL_INCHES, _TALLEST_INCHES = 3.1, 2.6


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One moment.

    Attributes:
        size: width and height in pixels.
        picture: [height, width, 3] RGB; None for a plain ground.
        keypoints: [P, 17, 3] x, y in pixels, confidence.
        colours: [P] of their skeletons.
    """

    size: tuple[int, int]
    picture: NDArray[np.uint8] | None
    keypoints: NDArray[np.float32]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Strip:
    """One clip: what is written above it, and its moments."""

    title: str
    cells: tuple[Cell, ...]


def draw_sheet(title: str, strips: Sequence[Strip], path: Path) -> Path:
    """Draw one PNG with a row for each clip; at least one.

    Raises:
        OSError: it cannot be written.
    """
    columns = max(len(strip.cells) for strip in strips)
    heights = [_height(strip) for strip in strips]
    figure = Figure(
        figsize=(0.2 + columns * (_CELL_INCHES + 0.1), 0.7 + sum(heights) + 0.32 * len(strips)),
        dpi=110,
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    grid = figure.add_gridspec(len(strips), columns, height_ratios=heights)
    for row, strip in enumerate(strips):
        for column, cell in enumerate(strip.cells):
            axes = figure.add_subplot(grid[row, column])
            draw_cell(axes, cell)
            if column == 0:
                axes.set_title(strip.title, fontsize=9, loc="left")
    figure.savefig(path)
    return path


def draw_cell(axes: Axes, cell: Cell) -> None:
    """One moment in a place of its own."""
    width, height = cell.size
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[], aspect="equal", facecolor="#f4f4f2")
    if cell.picture is not None:
        axes.imshow(cell.picture, extent=(0, width, height, 0), interpolation="antialiased")
    for side in axes.spines.values():
        side.set(color="0.7", linewidth=0.6)
    order = np.argsort([colour != OTHER for colour in cell.colours], kind="stable")
    for p in order:
        draw_skeleton(axes, cell.keypoints[p], cell.colours[p], WIDTHS[cell.colours[p]])


def draw_skeleton(axes: Axes, keypoints: NDArray[np.float32], colour: str, width: float) -> None:
    """Bones between joints that are seen, on a light rim, so that they show on any picture."""
    bones = [keypoints[[a, b], :2] for a, b in BONES if keypoints[a, 2] >= SEEN and keypoints[b, 2] >= SEEN]
    for paint, wider in (("white", 1.6), (colour, 0.0)):
        lines = LineCollection(bones, colors=paint, linewidths=width + wider, capstyle="round", clip_on=True)
        axes.add_collection(lines, autolim=False)


def _height(strip: Strip) -> float:
    width, height = strip.cells[0].size if strip.cells else (4, 3)
    return min(_CELL_INCHES * height / width, _TALLEST_INCHES)
