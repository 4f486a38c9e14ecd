"""What Grafana puts in the place of variables in a query, and the step that it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# The steps that Grafana rounds to, seconds.
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::\w+)?\}|([A-Za-z_]\w*))")


@dataclass(frozen=True)
class Window:
    """The time that is shown: begin and end as Unix seconds, and the distance of two values."""

    start: float
    end: float
    step_s: float
    scrape_s: float

    @property
    def span_s(self) -> float:
        """How long it is."""
        return self.end - self.start

    @property
    def rate_interval_s(self) -> float:
        """Grafana's $__rate_interval: long enough for a rate at every step."""
        return max(self.step_s + self.scrape_s, 4 * self.scrape_s)


def window(end: float, span_s: float, points: int, scrape_s: float) -> Window:
    """The time up to `end`, with at most about `points` values, and none closer than scrapes are."""
    wanted_s = max(span_s / max(points, 1), scrape_s)
    step_s = next((step for step in _STEPS_S if step >= wanted_s - 1e-9), _STEPS_S[-1])
    aligned = end - end % step_s
    return Window(aligned - span_s, aligned, step_s, scrape_s)


def seconds(duration: str) -> float:
    """A duration as Prometheus writes it, `15m`, in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", duration)
    if found is None:
        raise ValueError(f"'{duration}' is no duration: use 30s, 15m or 2h")
    return float(found[1]) * _UNITS_S[found[2]]


def substituted(expr: str, values: Mapping[str, str], shown: Window) -> str:
    """A query with its variables replaced.

    Raises:
        ValueError: a variable has no value.
    """
    built_in = {
        "__rate_interval": _duration(shown.rate_interval_s),
        "__interval": _duration(shown.step_s),
        "__range": _duration(shown.span_s),
    }

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        known = built_in.get(name) or values.get(name)
        if known is None:
            raise ValueError(f"variable ${name} has no value: {expr}")
        return known

    return _VARIABLE.sub(value, expr)


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """A series' name: `{{label}}` becomes the label's value."""
    if not pattern:
        return ", ".join(f"{key}={value}" for key, value in labels.items() if key != "__name__") or "value"
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), pattern)


def _duration(value_s: float) -> str:
    return f"{value_s:g}s" if value_s >= 1 else f"{value_s * 1000:.0f}ms"
