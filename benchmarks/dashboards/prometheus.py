"""Asks a Prometheus over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dashboards.board import Target, Variable
from benchmarks.dashboards.substitute import Window, legend, substituted

_ANSWER_S = 30.0


class QueryError(RuntimeError):
    """A question that Prometheus could not answer, with what it says."""


@dataclass(frozen=True)
class Series:
    """One series of an answer; an instant query's has one value."""

    ref: str
    name: str
    labels: Mapping[str, str]
    times: NDArray[np.float64]
    values: NDArray[np.float64]

    @property
    def last(self) -> float:
        """The newest value."""
        return float(self.values[-1])


@dataclass(frozen=True)
class Prometheus:
    """A running server, by its URL."""

    url: str

    def ask(self, path: str, **parameters: object) -> Any:
        """The data of an answer.

        Raises:
            QueryError: it refuses, or does not answer.
        """
        place = f"{self.url.rstrip('/')}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(place, timeout=_ANSWER_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            told = error.read().decode(errors="replace")
            raise QueryError(_reason(told) or str(error)) from error
        except (OSError, ValueError) as error:
            raise QueryError(f"{self.url}: {getattr(error, 'reason', error)}") from error

    def values(self, variable: Variable, shown: Window) -> list[str]:
        """The values that a variable may take."""
        found: list[str] = self.ask(
            f"label/{variable.label}/values",
            **{"match[]": variable.metric, "start": shown.start, "end": shown.end},
        )
        return sorted(found)

    def query(self, target: Target, variables: Mapping[str, str], shown: Window) -> list[Series]:
        """A panel's query, over the time shown or at its end."""
        expr = substituted(target.expr, variables, shown)
        if target.instant:
            data = self.ask("query", query=expr, time=shown.end)
        else:
            data = self.ask("query_range", query=expr, start=shown.start, end=shown.end, step=shown.step_s)
        if data["resultType"] == "scalar":
            data = {"result": [{"metric": {}, "value": data["result"]}]}
        series = []
        for item in data["result"]:
            points = np.array(item.get("values") or [item["value"]], dtype=np.float64)
            name = legend(target.legend, item["metric"])
            series.append(Series(target.ref, name, item["metric"], points[:, 0], points[:, 1]))
        return series


def _reason(told: str) -> str:
    try:
        return str(json.loads(told)["error"])
    except (ValueError, KeyError):
        return ""
