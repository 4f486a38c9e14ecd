"""Answers as tables and histograms, with Grafana's transformations as far as the dashboards use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dashboards.board import Panel
from benchmarks.dashboards.prometheus import Series

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Columns in their order, and rows by column; a row lacks what it has no value for."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def table(panel: Panel, series: Sequence[Series]) -> Table:
    """A table panel's answers, merged, organized and sorted as it says."""
    tables = []
    several = len({one.ref for one in series}) > 1
    for target in panel.targets:
        value = f"Value #{target.ref}" if several else "Value"
        rows = [
            {**one.labels, value: one.last, "Time": float(one.times[-1])}
            for one in series
            if one.ref == target.ref
        ]
        tables.append(Table(tuple(dict.fromkeys(key for row in rows for key in row)), tuple(rows)))
    result = _merged(tables)
    for step in panel.transformations:
        if step["id"] == "organize":
            result = _organized(result, step["options"])
        elif step["id"] == "sortBy":
            order = step["options"]["sort"][0]
            result = _sorted(result, order["field"], bool(order.get("desc")))
        elif step["id"] != "merge":
            raise ValueError(f"{panel.title}: transformation '{step['id']}' is not known here")
    return result


def buckets(series: Sequence[Series]) -> list[Series]:
    """Cumulative buckets as each bucket's own count, lowest first."""
    ordered = sorted(series, key=lambda one: float(one.labels["le"]))
    own, below = [], None
    for one in ordered:
        values = one.values if below is None else np.maximum(one.values - below, 0.0)
        own.append(Series(one.ref, one.name, one.labels, one.times, values))
        below = one.values
    return own


def on_grid(one: Series, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """A series' values at the given times, not a number where it has none."""
    values = np.full(len(times), np.nan)
    step = times[1] - times[0] if len(times) > 1 else 1.0
    index = np.rint((one.times - times[0]) / step).astype(int)
    inside = (index >= 0) & (index < len(times))
    values[index[inside]] = one.values[inside]
    values[np.isinf(values)] = np.nan
    return values


def _merged(tables: Sequence[Table]) -> Table:
    """Rows that agree in every column that they share become one."""
    merged: list[Row] = []
    for part in tables:
        for row in part.rows:
            partner = next(
                (old for old in merged if all(old.get(key, row[key]) == row[key] for key in row)), None
            )
            if partner is None:
                merged.append(dict(row))
            else:
                partner.update(row)
    return Table(tuple(dict.fromkeys(name for part in tables for name in part.columns)), tuple(merged))


def _organized(given: Table, options: Mapping[str, Any]) -> Table:
    order, names = options.get("indexByName", {}), options.get("renameByName", {})
    excluded = {name for name, out in options.get("excludeByName", {}).items() if out}
    kept = [name for name in given.columns if name not in excluded]
    kept.sort(key=lambda name: order.get(name, len(order)))
    rows = ({names.get(name, name): row[name] for name in kept if name in row} for row in given.rows)
    return Table(tuple(names.get(name, name) for name in kept), tuple(rows))


def _sorted(given: Table, column: str, descending: bool) -> Table:
    known = sorted((row for row in given.rows if column in row), key=itemgetter(column), reverse=descending)
    return Table(given.columns, (*known, *(row for row in given.rows if column not in row)))
