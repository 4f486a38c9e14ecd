"""Numbers as Grafana writes them, and the marks of an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SHORT = ("", " K", " Mil", " Bil", " Tri")
# From which value on, one of the unit in seconds, the unit.
_TIMES = ((86_400, 86_400, "day"), (3600, 3600, "hour"), (60, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms"))
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Shown:
    """A value's text and colour."""

    text: str
    color: str


def text_of(value: float, unit: str, decimals: int | None = None) -> str:
    """A number with its unit.

    Args:
        value: in the unit's own measure: seconds, bytes, a ratio for `percentunit`.
        unit: as Grafana names it; `suffix:TEXT` appends the text.
        decimals: digits after the point; None chooses by size.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if unit == "percentunit":
        return f"{_number(value * 100, decimals)}%"
    if unit == "s":
        return _time(value, decimals)
    if unit in ("bytes", "Bps"):
        base = 1024 if unit == "bytes" else 1000
        names = _BYTES if unit == "bytes" else ("B/s", "kB/s", "MB/s", "GB/s")
        return " ".join(_scaled(value, base, names, decimals))
    if unit == "short":
        return "".join(_scaled(value, 1000, _SHORT, decimals))
    if unit.startswith("suffix:"):
        return f"{_number(value, decimals)} {unit.removeprefix('suffix:')}"
    if unit == "none":
        return _number(value, decimals)
    raise ValueError(f"unit '{unit}' is not known here: teach it to benchmarks/dashboards/units.py")


def shown(value: float | str | None, style: Mapping[str, Any], palette: str) -> Shown:
    """A value as a field's settings want it: mapped, else as text or number; its colour.

    Args:
        value: None or not a number where there is none.
        style: the field's settings.
        palette: the colour where the settings name none.
    """
    if value is None or value != value:
        return Shown(str(style.get("noValue", "")), color_of(math.nan, style, palette))
    for mapping in style.get("mappings", ()):
        options, result = mapping["options"], None
        if mapping["type"] == "value":
            result = options.get(value if isinstance(value, str) else f"{value:g}")
        elif not isinstance(value, str) and options["from"] <= value <= options["to"]:
            result = options["result"]
        if result is not None:
            return Shown(result["text"], result.get("color", palette))
    if isinstance(value, str):
        return Shown(value, palette)
    return Shown(text_of(value, style["unit"], style.get("decimals")), color_of(value, style, palette))


def color_of(value: float, style: Mapping[str, Any], palette: str) -> str:
    """The colour that a field's settings give a value."""
    color = style.get("color", {})
    if color.get("mode") == "fixed":
        return str(color["fixedColor"])
    if color.get("mode") != "thresholds":
        return palette
    steps = style.get("thresholds", {}).get("steps", ())
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return str(reached[-1]["color"]) if reached else palette


def marks(low: float, high: float, unit: str, most: int, whole: bool = False) -> list[float]:
    """Round values for an axis from `low` to `high`, the last one at or above `high`.

    Args:
        low: what the axis must hold,
        high: from here to there.
        unit: as Grafana names it; bytes are round in KiB, MiB.
        most: at most this many steps.
        whole: only whole numbers.
    """
    rough = max((high - low) / most, 1e-12)
    if unit == "bytes":
        step = 2.0 ** math.ceil(math.log2(rough))
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(nice * power for nice in _NICE if nice * power >= rough * 0.999)
    if whole:
        step = max(1.0, float(math.ceil(step)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def mark_texts(values: Sequence[float], unit: str) -> list[str]:
    """The texts of an axis' marks, with as many decimals as they need; all alike where they have one unit."""
    needed = [_decimals_needed(value, unit) for value in values]
    if unit not in ("s", "bytes", "Bps", "short"):
        needed = [max(needed)] * len(needed)
    return [text_of(value, unit, decimals) for value, decimals in zip(values, needed, strict=True)]


def _decimals_needed(value: float, unit: str) -> int:
    exact = float(text_of(value, unit, 6).split()[0].rstrip("%"))
    return next((digits for digits in range(4) if abs(round(exact, digits) - exact) < 1e-6), 3)


def _number(value: float, decimals: int | None) -> str:
    if decimals is None:
        whole = value == 0 or abs(value - round(value)) < 1e-9
        decimals = 0 if whole else max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _time(value_s: float, decimals: int | None) -> str:
    for least, one, name in _TIMES:
        if abs(value_s) >= least:
            return f"{_number(value_s / one, decimals)} {name}"
    return f"{_number(value_s * 1e6, decimals)} µs" if value_s else f"{_number(0, decimals)} s"


def _scaled(value: float, base: int, names: Sequence[str], decimals: int | None) -> tuple[str, str]:
    power = min(int(math.log(abs(value), base)), len(names) - 1) if abs(value) >= 1 else 0
    return _number(value / base**power, decimals), names[power]
