"""Puts a dashboard's panels on a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.dashboards import charts, tiles
from benchmarks.dashboards.board import Board, Panel
from benchmarks.dashboards.page import (
    BORDER,
    EDGE_PX,
    FAINT,
    HEAD_PX,
    LINK,
    PANEL,
    WIDTH_PX,
    Box,
    Page,
    box_of,
)
from benchmarks.dashboards.prometheus import Series
from benchmarks.dashboards.substitute import Window
from benchmarks.dashboards.view import View

_TITLE_PX = 14
_OVER_TIME: Mapping[str, Callable[[Page, Panel, Box, Sequence[Series], Window], None]] = {
    "timeseries": charts.timeseries,
    "heatmap": charts.heatmap,
    "state-timeline": charts.state_timeline,
}
_AT_ONCE: Mapping[str, Callable[[Page, Panel, Box, Sequence[Series]], None]] = {
    "stat": tiles.stat,
    "table": tiles.rows,
    "bargauge": tiles.bars,
}


def draw(board: Board, view: View) -> Page:
    """The dashboard as it looked then.

    Raises:
        QueryError: Prometheus could not answer.
    """
    page = Page(max(panel.at[1] + panel.at[3] for panel in board.panels))
    variables, texts = view.variables(board)
    _head(page, board, texts, view.overall)
    for panel in board.panels:
        draw_panel(page, panel, box_of(panel.at), view.answers(panel, variables), view.of(panel))
    return page


def draw_panel(page: Page, panel: Panel, box: Box, series: Sequence[Series], shown: Window) -> None:
    """One panel with its frame and title."""
    page.rectangle(box, PANEL, round_px=3, edge=BORDER)
    page.text(
        box.x + 10,
        box.y + 17,
        page.fitted(panel.title, _TITLE_PX, box.w - 20, bold=True),
        _TITLE_PX,
        bold=True,
    )
    inner = box.inset(8, 32, 8, 6)
    if not series or not any(np.isfinite(one.values).any() for one in series):
        tiles.nothing(page, panel, inner)
    elif panel.kind in _OVER_TIME:
        _OVER_TIME[panel.kind](page, panel, inner, series, shown)
    else:
        _AT_ONCE[panel.kind](page, panel, inner, series)


def _head(page: Page, board: Board, texts: Mapping[str, str], shown: Window) -> None:
    page.text(EDGE_PX + 2, HEAD_PX / 2, board.title, 19, bold=True)
    x = EDGE_PX + 2 + page.width(board.title, 19, bold=True) + 24
    for name, text in texts.items():
        told = f"{name.capitalize()}: {text}"
        width = page.width(told, 13) + 20
        page.rectangle(Box(x, HEAD_PX / 2 - 13, width, 26), PANEL, round_px=3, edge=BORDER)
        page.text(x + 10, HEAD_PX / 2, told, 13)
        x += width + 10
    begin, end = (time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) for at in (shown.start, shown.end))
    told = f"{begin} to {end.split()[1]}"
    page.text(WIDTH_PX - EDGE_PX - 2, HEAD_PX / 2, told, 13, FAINT, align="right")
    x = WIDTH_PX - EDGE_PX - 2 - page.width(told, 13) - 30
    for link in reversed(board.links):
        page.text(x, HEAD_PX / 2, link, 13, LINK, align="right")
        x -= page.width(link, 13) + 22
