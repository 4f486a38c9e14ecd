"""What is looked at: a Prometheus, a time, the variables' values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.dashboards.board import Board, Panel
from benchmarks.dashboards.page import WIDTH_PX, box_of
from benchmarks.dashboards.prometheus import Prometheus, QueryError, Series
from benchmarks.dashboards.substitute import Window, window


@dataclass(frozen=True)
class View:
    """A time on a Prometheus.

    Attributes:
        given: values of variables; others get what Grafana would choose first.
        end: Unix seconds.
        scrape_s: how often Prometheus scrapes, as Grafana is told.
    """

    prometheus: Prometheus
    given: Mapping[str, str]
    end: float
    span_s: float
    scrape_s: float

    @property
    def overall(self) -> Window:
        """The time of the whole dashboard."""
        return window(self.end, self.span_s, WIDTH_PX, self.scrape_s)

    def of(self, panel: Panel) -> Window:
        """The time that a panel shows; a step is at least a pixel wide."""
        points = panel.max_points or int(box_of(panel.at).w)
        return window(self.end, self.span_s, points, self.scrape_s)

    def variables(self, board: Board) -> tuple[dict[str, str], dict[str, str]]:
        """The values of a dashboard's variables, as queries take them and as people read them.

        Raises:
            QueryError: a variable has no value to take.
        """
        values, texts = {}, {}
        for variable in board.variables:
            if variable.name in self.given:
                values[variable.name] = texts[variable.name] = self.given[variable.name]
            elif variable.all_value is not None:
                values[variable.name], texts[variable.name] = variable.all_value, "All"
            else:
                found = self.prometheus.values(variable, self.overall)
                if not found:
                    raise QueryError(f"${variable.name}: no {variable.metric} in the time shown")
                values[variable.name] = texts[variable.name] = found[0]
        return values, texts

    def answers(self, panel: Panel, variables: Mapping[str, str]) -> list[Series]:
        """All series of a panel, in the order that Grafana has them."""
        series: list[Series] = []
        for target in panel.targets:
            found = self.prometheus.query(target, variables, self.of(panel))
            series += sorted(found, key=lambda one: one.name)
        return series
