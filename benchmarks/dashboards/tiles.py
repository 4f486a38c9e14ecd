"""Panels of single values: tiles, tables, bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.dashboards.board import Panel, Style, style_of
from benchmarks.dashboards.frames import buckets, table
from benchmarks.dashboards.page import BORDER, FAINT, GRID, LINK, PALETTE, TEXT, Box, Page, readable_on
from benchmarks.dashboards.prometheus import Series
from benchmarks.dashboards.units import color_of, shown, text_of

_CELL_PX, _ROW_PX, _HEAD_PX = 13, 34, 30


def stat(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    """Large values side by side; their names above them where there are several."""
    width = box.w / len(series)
    cells = []
    for index, one in enumerate(series):
        cells.append((one.name, shown(one.last, style_of(panel, one.name), PALETTE[index % len(PALETTE)])))
    size = 44.0
    while size > 14 and any(page.width(place.text, size) > width - 20 for _, place in cells):
        size -= 1
    several = len(cells) > 1
    for index, (name, place) in enumerate(cells):
        x = box.x + (index + 0.5) * width
        middle = box.y + box.h / 2 - 4
        if several:
            page.text(
                x, middle - size / 2 - 6, page.fitted(name, _CELL_PX, width - 8), _CELL_PX, align="center"
            )
        page.text(x, middle + (12 if several else 0), place.text, size, place.color, align="center")


def rows(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    """A table."""
    given = table(panel, series)
    styles = {name: style_of(panel, name) for name in given.columns}
    fixed = {name: style["custom"].get("width") for name, style in styles.items()}
    free = [name for name in given.columns if not fixed[name]]
    share = (box.w - sum(width for width in fixed.values() if width)) / max(len(free), 1)
    shown_rows = given.rows[: int((box.h - _HEAD_PX) / _ROW_PX)]
    x = box.x
    for name in given.columns:
        width = fixed[name] or share
        head = page.fitted(name, _CELL_PX, width - 12, bold=True)
        page.text(x + 8, box.y + _HEAD_PX / 2, head, _CELL_PX, LINK, bold=True)
        for index, row in enumerate(shown_rows):
            cell = Box(x, box.y + _HEAD_PX + index * _ROW_PX, width, _ROW_PX)
            _cell(page, cell, row.get(name), styles[name])
        x += width
    for index in range(len(shown_rows) + 1):
        y = box.y + _HEAD_PX + index * _ROW_PX
        page.line(box.x, y, box.x + box.w, y, GRID)


def _cell(page: Page, cell: Box, value: float | str | None, style: Style) -> None:
    how = style["custom"].get("cellOptions", {}).get("type", "auto")
    place = shown(value, style, TEXT)
    color = LINK if style.get("links") else TEXT
    if how == "color-text" and value is not None:
        color = place.color
    elif how == "color-background" and value is not None:
        page.rectangle(cell.inset(1, 1, 1, 1), place.color)
        color = readable_on(place.color)
    text = page.fitted(place.text, _CELL_PX, cell.w - 12)
    page.text(cell.x + 8, cell.y + cell.h / 2, text, _CELL_PX, color)


def bars(page: Page, panel: Panel, box: Box, series: Sequence[Series]) -> None:
    """Horizontal bars with the name before and the value behind each."""
    if panel.targets[0].shape == "heatmap":
        series = buckets(series)
    styles = [style_of(panel, one.name) for one in series]
    low = float(panel.defaults.get("min", min(one.last for one in series)))
    high = float(panel.defaults.get("max", max(one.last for one in series)))
    texts = [
        text_of(one.last, style["unit"], style.get("decimals"))
        for one, style in zip(series, styles, strict=True)
    ]
    left = min(max(page.width(one.name, _CELL_PX) for one in series) + 16, box.w / 2)
    right = max(page.width(text, _CELL_PX, bold=True) for text in texts) + 16
    row = min((box.h - 8) / len(series), 44)
    for index, (one, style, text) in enumerate(zip(series, styles, texts, strict=True)):
        middle = box.y + 4 + (index + 0.5) * row
        bar = Box(box.x + left, middle - row * 0.36, box.w - left - right, row * 0.72)
        share = (
            0.0 if high <= low or math.isnan(one.last) else min(max((one.last - low) / (high - low), 0), 1)
        )
        color = color_of(one.last, style, PALETTE[0])
        page.rectangle(bar, BORDER)
        page.rectangle(Box(bar.x, bar.y, max(bar.w * share, 2 if one.last else 0), bar.h), color)
        page.text(
            box.x + left - 8, middle, page.fitted(one.name, _CELL_PX, left - 12), _CELL_PX, align="right"
        )
        page.text(box.x + box.w - 8, middle, text, _CELL_PX, color, align="right", bold=True)


def nothing(page: Page, panel: Panel, box: Box) -> None:
    """What a panel without data says."""
    large = panel.kind == "stat"
    size = 44.0 if large else 16.0
    while size > 14 and page.width(panel.no_value, size) > box.w - 16:
        size -= 1
    color = color_of(math.nan, panel.defaults, FAINT) if large else FAINT
    page.text(box.x + box.w / 2, box.y + box.h / 2 - 4, panel.no_value, size, color, align="center")
