"""What a dashboard's file says: panels, their queries, and how each field is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.dashboards.substitute import seconds

GRAFANA = Path(__file__).resolve().parents[2] / "configs" / "grafana"
BOARDS = ("site", "camera", "workers", "verdicts", "operating")

Style = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    ref: str
    expr: str
    legend: str
    instant: bool
    shape: str


@dataclass(frozen=True)
class Panel:
    """One panel; `at` is x, y, w, h in the grid of 24 columns."""

    kind: str
    title: str
    at: tuple[int, int, int, int]
    targets: tuple[Target, ...]
    transformations: Sequence[Mapping[str, Any]]
    defaults: Style
    overrides: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]
    max_points: int | None

    @property
    def no_value(self) -> str:
        """What stands in for data that is not there."""
        return str(self.defaults.get("noValue", "No data"))


@dataclass(frozen=True)
class Variable:
    """One variable: whose values are those of a label of a metric."""

    name: str
    metric: str
    label: str
    all_value: str | None


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    name: str
    title: str
    span_s: float
    variables: tuple[Variable, ...]
    links: tuple[str, ...]
    panels: tuple[Panel, ...]


def load(name: str) -> Board:
    """The dashboard `name` of configs/grafana."""
    data = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return Board(
        name,
        data["title"],
        seconds(data["time"]["from"].removeprefix("now-")),
        tuple(_variable(item) for item in data["templating"]["list"]),
        tuple(link["title"] for link in data["links"]),
        tuple(_panel(item) for item in data["panels"]),
    )


def style_of(panel: Panel, name: str) -> dict[str, Any]:
    """A field's settings: the panel's, and what overrides them for a field of this name."""
    style: dict[str, Any] = {**panel.defaults, "custom": dict(panel.defaults.get("custom", {}))}
    for override in panel.overrides:
        matcher = override["matcher"]
        if matcher["id"] == "byName":
            matches = matcher["options"] == name
        else:
            matches = re.search(matcher["options"].strip("/"), name) is not None
        for given in override["properties"] if matches else ():
            section, _, key = given["id"].partition(".")
            if key:
                style[section][key] = given["value"]
            else:
                style[section] = given["value"]
    return style


def _variable(item: Mapping[str, Any]) -> Variable:
    found = re.fullmatch(r"label_values\((\w+), (\w+)\)", item["query"])
    if found is None:
        raise ValueError(f"variable {item['name']}: only label_values(METRIC, LABEL) is known here")
    everything = item.get("allValue") if item.get("includeAll") else None
    return Variable(item["name"], found[1], found[2], everything)


def _panel(item: Mapping[str, Any]) -> Panel:
    place = item["gridPos"]
    return Panel(
        item["type"],
        item["title"],
        (place["x"], place["y"], place["w"], place["h"]),
        tuple(
            Target(
                target["refId"],
                target["expr"],
                target.get("legendFormat", ""),
                target.get("instant", False),
                target.get("format", "time_series"),
            )
            for target in item["targets"]
        ),
        item.get("transformations", ()),
        item["fieldConfig"]["defaults"],
        item["fieldConfig"]["overrides"],
        item.get("options", {}),
        item.get("maxDataPoints"),
    )
