"""Panels with a time axis: lines and bars, heatmaps, states."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from benchmarks.dashboards.board import Panel, style_of
from benchmarks.dashboards.frames import buckets, on_grid
from benchmarks.dashboards.page import FAINT, GRID, PALETTE, TEXT, Box, Page, readable_on
from benchmarks.dashboards.prometheus import Series
from benchmarks.dashboards.substitute import Window
from benchmarks.dashboards.units import color_of, mark_texts, marks, shown, text_of

_TICK_PX, _LEGEND_PX, _LINE_PX = 11.5, 12, 20
_TIME_STEPS_S = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)

Array = NDArray[np.float64]


def timeseries(page: Page, panel: Panel, box: Box, series: Sequence[Series], window: Window) -> None:
    """Lines or bars over time, with a legend below."""
    times = np.arange(window.start, window.end + window.step_s / 2, window.step_s)
    names = [one.name for one in series]
    styles = [style_of(panel, name) for name in names]
    colors = [color_of(math.nan, style, PALETTE[i % len(PALETTE)]) for i, style in enumerate(styles)]
    dashes = [bool(style["custom"].get("lineStyle")) for style in styles]
    below = _legend(page, box, names, colors, dashes)
    rows = [on_grid(one, times) for one in series]
    tops = _stacked(rows) if "stacking" in panel.defaults.get("custom", {}) else rows
    axes = _framed(page, panel, box.inset(0, 0, 0, below), tops, window)
    for index, (style, color) in enumerate(zip(styles, colors, strict=True)):
        base = tops[index - 1] if tops is not rows and index else np.zeros(len(times))
        _draw(axes, times, base, tops[index], rows[index], style["custom"], color, window)


def heatmap(page: Page, panel: Panel, box: Box, series: Sequence[Series], window: Window) -> None:
    """How many observations lay in which bucket, over time."""
    times = np.arange(window.start, window.end + window.step_s / 2, window.step_s)
    own = buckets(series)
    counts = np.array([on_grid(one, times) for one in own])
    counts[~(counts > panel.options["filterValues"]["le"])] = np.nan
    names = [one.name for one in own]
    left = max(page.width(name, _TICK_PX) for name in names) + 10
    inner = box.inset(left, 4, 8, 44)
    axes = page.axes(inner)
    most = float(np.nanmax(counts)) if np.isfinite(counts).any() else 1.0
    colors = mpl.colormaps[panel.options["color"]["scheme"].lower()]
    edges = np.append(times, times[-1] + window.step_s) - window.step_s
    axes.pcolormesh(
        edges,
        np.arange(len(own) + 1),
        counts,
        cmap=colors,
        norm=Normalize(0, most),
        edgecolors="face",
        linewidth=0.2,
    )
    axes.set_xlim(window.start, window.end)
    axes.set_ylim(0, len(own))
    row = inner.h / len(own)
    every = math.ceil(15 / row)
    for index, name in enumerate(names):
        y = inner.y + inner.h - (index + 1) * row
        if index % every == (len(names) - 1) % every:
            page.text(inner.x - 6, y, name, _TICK_PX, FAINT, align="right")
        page.line(inner.x, y, inner.x + inner.w, y, GRID)
    _time_axis(page, inner, window)
    _color_scale(page, Box(inner.x, box.y + box.h - 16, 160, 9), colors, most)


def state_timeline(page: Page, panel: Panel, box: Box, series: Sequence[Series], window: Window) -> None:
    """Each series' state as a band, equal neighbours as one."""
    times = np.arange(window.start, window.end + window.step_s / 2, window.step_s)
    left = min(max(page.width(one.name, _TICK_PX) for one in series) + 12, box.w / 3)
    inner = box.inset(left, 4, 8, 24)
    row = inner.h / len(series)
    high = row * panel.options.get("rowHeight", 0.9)
    _time_axis(page, inner, window)
    for index, one in enumerate(series):
        y = inner.y + index * row + (row - high) / 2
        style = style_of(panel, one.name)
        page.text(
            inner.x - 8, y + high / 2, page.fitted(one.name, _TICK_PX, left - 10), _TICK_PX, align="right"
        )
        for start, end, value in _runs(times, on_grid(one, times), window):
            place = shown(value, style, FAINT)
            x0, x1 = (inner.x + (at - window.start) / window.span_s * inner.w for at in (start, end))
            page.rectangle(Box(x0, y, max(x1 - x0 - 1, 1), high), place.color)
            if x1 - x0 > page.width(place.text, _TICK_PX) + 12 and high > 12:
                page.text(x0 + 6, y + high / 2, place.text, _TICK_PX, readable_on(place.color))


def _runs(times: Array, values: Array, window: Window) -> list[tuple[float, float, float]]:
    """Begin, end and value of each stretch of equal values."""
    runs: list[tuple[float, float, float]] = []
    for at, value in zip(times, values, strict=True):
        end = min(at + window.step_s, window.end)
        if math.isnan(value) or end <= at:
            continue
        if runs and runs[-1][2] == value and runs[-1][1] >= at - 1e-6:
            runs[-1] = (runs[-1][0], end, value)
        else:
            runs.append((at, end, value))
    return runs


def _framed(page: Page, panel: Panel, box: Box, tops: Sequence[Array], window: Window) -> Axes:
    """Axes with marks that hold all values."""
    style = panel.defaults
    finite = np.concatenate([row[np.isfinite(row)] for row in tops] or [np.zeros(1)])
    high = max(float(style.get("max", finite.max(initial=-np.inf))), -np.inf)
    low = float(style.get("min", finite.min(initial=np.inf)))
    if not math.isfinite(high) or high <= low:
        high, low = (low if math.isfinite(low) else 0.0) + 1.0, low if math.isfinite(low) else 0.0
    most = max(2, int((box.h - 24) / 34))
    whole = style.get("decimals") == 0
    ticks = marks(low, high, style["unit"], most, whole)
    labels = mark_texts(ticks, style["unit"])
    left = max(page.width(label, _TICK_PX) for label in labels) + 12
    inner = box.inset(left, 8, 10, 24)
    axes = page.axes(inner)
    bottom, top = min(ticks[0], low), style.get("max", ticks[-1])
    axes.set_xlim(window.start, window.end)
    axes.set_ylim(bottom, top)
    for tick, label in zip(ticks, labels, strict=True):
        if tick > top + 1e-12:
            continue
        y = inner.y + inner.h * (1 - (tick - bottom) / (top - bottom))
        page.line(inner.x, y, inner.x + inner.w, y, GRID)
        page.text(inner.x - 6, y, label, _TICK_PX, FAINT, align="right")
    _time_axis(page, inner, window)
    return axes


def _draw(
    axes: Axes,
    times: Array,
    base: Array,
    top: Array,
    values: Array,
    custom: dict[str, Any],
    color: str,
    window: Window,
) -> None:
    opacity = custom.get("fillOpacity", 0) / 100
    base = np.nan_to_num(base)
    if custom.get("drawStyle") == "bars":
        drawn = np.nan_to_num(values) > 0
        axes.bar(
            times[drawn] - window.step_s / 2,
            (top - base)[drawn],
            0.8 * window.step_s,
            base[drawn],
            color=color,
            alpha=max(opacity, 0.1),
            linewidth=0,
        )
        return
    dash = custom.get("lineStyle", {}).get("dash")
    stepped = "steps-post" if custom.get("lineInterpolation") == "stepAfter" else "default"
    axes.plot(
        times,
        top,
        color=color,
        linewidth=1.1,
        drawstyle=stepped,
        clip_on=False,
        linestyle=(0, tuple(part / 2 for part in dash)) if dash else "-",
    )
    alone = (
        np.isfinite(top)
        & ~np.isfinite(np.append(top[1:], np.nan))
        & ~np.isfinite(np.append(np.nan, top[:-1]))
    )
    axes.plot(times[alone], top[alone], ".", color=color, markersize=4, clip_on=False)
    if opacity:
        axes.fill_between(
            times,
            base,
            top,
            color=color,
            alpha=opacity,
            linewidth=0,
            step="post" if stepped != "default" else None,
        )


def _stacked(rows: Sequence[Array]) -> list[Array]:
    tops: list[Array] = []
    for row in rows:
        below = tops[-1] if tops else np.zeros(len(row))
        tops.append(np.nan_to_num(below) + np.nan_to_num(row))
    return tops


def _legend(
    page: Page, box: Box, names: Sequence[str], colors: Sequence[str], dashes: Sequence[bool]
) -> float:
    """Writes the names below a chart in as many lines as they need; returns their height."""
    lines: list[list[int]] = [[]]
    used = 0.0
    widths = [page.width(page.fitted(name, _LEGEND_PX, box.w - 60), _LEGEND_PX) + 34 for name in names]
    for index, width in enumerate(widths):
        if used + width > box.w - 12 and lines[-1]:
            lines.append([])
            used = 0.0
        lines[-1].append(index)
        used += width
    below = len(lines) * _LINE_PX + 2
    for row, line in enumerate(lines):
        x, y = box.x + 8, box.y + box.h - below + row * _LINE_PX + _LINE_PX / 2
        for index in line:
            page.line(x, y, x + 15, y, colors[index], width_px=3, dash=dashes[index])
            page.text(x + 19, y, page.fitted(names[index], _LEGEND_PX, box.w - 60), _LEGEND_PX, TEXT)
            x += widths[index]
    return below


def _time_axis(page: Page, inner: Box, window: Window) -> None:
    """The hours and minutes below a chart, in this machine's time zone."""
    step = next((s for s in _TIME_STEPS_S if window.span_s / s * 80 <= inner.w), _TIME_STEPS_S[-1])
    offset = time.localtime(window.end).tm_gmtoff
    at = (math.floor((window.start + offset) / step) + 1) * step - offset
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    while at <= window.end:
        x = inner.x + (at - window.start) / window.span_s * inner.w
        text = time.strftime(form, time.localtime(at))
        if inner.x <= x <= inner.x + inner.w - page.width(text, _TICK_PX) / 2 + 8:
            page.line(x, inner.y, x, inner.y + inner.h, GRID)
            page.text(x, inner.y + inner.h + 12, text, _TICK_PX, FAINT, align="center")
        at += step


def _color_scale(page: Page, box: Box, colors: mpl.colors.Colormap, most: float) -> None:
    axes = page.axes(box)
    axes.imshow(np.linspace(0, 1, 256)[None, :], aspect="auto", cmap=colors)
    page.text(box.x - 6, box.y + box.h / 2, "0", _TICK_PX, FAINT, align="right")
    page.text(
        box.x + box.w + 6,
        box.y + box.h / 2,
        text_of(most, "short", None if most < 10 else 0),
        _TICK_PX,
        FAINT,
    )
