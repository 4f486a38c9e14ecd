"""A page in pixels on which panels are drawn, in the colours of Grafana's dark theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image

WIDTH_PX = 1600
COLUMNS = 24
ROW_PX, GAP_PX, HEAD_PX, EDGE_PX = 30, 8, 52, 12
_DPI = 100

CANVAS, PANEL, BORDER = "#111217", "#181b1f", "#2a2d33"
TEXT, FAINT, GRID, LINK = "#d5d6dd", "#9a9ba4", "#2c2f36", "#6e9fff"
# Grafana's classic palette.
PALETTE = (
    *("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0"),
    *("#37872d", "#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"),
)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from the upper left corner."""

    x: float
    y: float
    w: float
    h: float

    def inset(self, left: float, top: float, right: float, bottom: float) -> Box:
        """What is left inside after a margin on each side."""
        return Box(self.x + left, self.y + top, self.w - left - right, self.h - top - bottom)


def box_of(at: tuple[int, int, int, int]) -> Box:
    """Where Grafana puts a panel of a grid position."""
    x, y, w, h = at
    column = (WIDTH_PX - 2 * EDGE_PX + GAP_PX) / COLUMNS
    row = ROW_PX + GAP_PX
    return Box(EDGE_PX + x * column, HEAD_PX + y * row, w * column - GAP_PX, h * row - GAP_PX)


class Page:
    """One picture; everything is placed in pixels from the upper left corner."""

    def __init__(self, rows: int) -> None:
        self.height_px = HEAD_PX + rows * (ROW_PX + GAP_PX) + EDGE_PX - GAP_PX
        self._figure = Figure(figsize=(WIDTH_PX / _DPI, self.height_px / _DPI), dpi=_DPI, facecolor=CANVAS)
        self._canvas = FigureCanvasAgg(self._figure)
        self._paper = self._figure.add_axes((0, 0, 1, 1), zorder=0)
        self._paper.set_xlim(0, WIDTH_PX)
        self._paper.set_ylim(self.height_px, 0)
        self._paper.axis("off")

    def width(self, text: str, size_px: float, *, bold: bool = False) -> float:
        """How wide a text will be."""
        font = FontProperties(size=_points(size_px), weight="bold" if bold else "normal")
        # A single $ is no formula here.
        measure = self._canvas.get_renderer().get_text_width_height_descent
        return float(measure(text, font, False)[0])

    def fitted(self, text: str, size_px: float, width_px: float, *, bold: bool = False) -> str:
        """The text, cut with an ellipsis where it is too wide."""
        if self.width(text, size_px, bold=bold) <= width_px:
            return text
        while text and self.width(f"{text}…", size_px, bold=bold) > width_px:
            text = text[:-1]
        return f"{text.rstrip()}…"

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size_px: float,
        color: str = TEXT,
        *,
        align: str = "left",
        bold: bool = False,
    ) -> None:
        """Writes a text whose middle is at height `y`."""
        self._paper.text(
            x,
            y,
            text,
            fontsize=_points(size_px),
            color=color,
            ha=align,
            va="center_baseline",
            weight="bold" if bold else "normal",
            parse_math=False,
            zorder=3,
        )

    def rectangle(self, box: Box, color: str, *, round_px: float = 0, edge: str = "none") -> None:
        """Fills a rectangle."""
        if round_px:
            shape: Rectangle | FancyBboxPatch = FancyBboxPatch(
                (box.x + round_px, box.y + round_px),
                max(box.w - 2 * round_px, 0.1),
                max(box.h - 2 * round_px, 0.1),
                boxstyle=f"round,pad={round_px},rounding_size={round_px}",
                facecolor=color,
                edgecolor=edge,
                linewidth=0.8,
                zorder=1,
            )
        else:
            shape = Rectangle(
                (box.x, box.y), box.w, box.h, facecolor=color, edgecolor=edge, zorder=2, linewidth=0
            )
        self._paper.add_patch(shape)

    def line(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        color: str,
        *,
        width_px: float = 1,
        dash: bool = False,
    ) -> None:
        """Draws a straight line."""
        self._paper.plot(
            (x0, x1),
            (y0, y1),
            color=color,
            linewidth=_points(width_px),
            linestyle=(0, (1.5, 0.8)) if dash else "-",
            solid_capstyle="butt",
            zorder=2,
        )

    def axes(self, box: Box) -> Axes:
        """Axes of a chart, bare but for their background."""
        axes = self._figure.add_axes(
            (
                box.x / WIDTH_PX,
                1 - (box.y + box.h) / self.height_px,
                box.w / WIDTH_PX,
                box.h / self.height_px,
            ),
            zorder=2,
        )
        axes.set_facecolor("none")
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def save(self, path: Path) -> None:
        """Writes the picture."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._canvas.draw()
        pixels = np.asarray(self._canvas.buffer_rgba())[..., :3].astype(int)
        # Every fourth shade is a third of a file less, and nothing that an eye would miss.
        Image.fromarray(np.minimum((pixels + 2) // 4 * 4, 255).astype(np.uint8)).save(path, optimize=True)


def readable_on(color: str) -> str:
    """The colour of a text on a coloured ground."""
    red, green, blue = (int(color[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return "#16181c" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "#ffffff"


def _points(size_px: float) -> float:
    return size_px * 72 / _DPI
