"""The picture of a calibration: what is found and what is false at each pair of thresholds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from workers.cli.calibration.outcome import Outcome
from workers.cli.calibration.thresholds import Pair
from workers.cli.calibration.told import Calibration

Values = NDArray[np.floating]

# Light is good in both: everything found, nothing false.
_FOUND, _FALSE = "cividis", "inferno_r"
_NOW, _PROPOSAL = "#1f77d0", "#e0218a"


def draw(found: Calibration, path: Path) -> None:
    """Draw a PNG.

    Raises:
        OSError: it cannot be written.
    """
    grid = found.grid
    figure = Figure(figsize=(11, 5.2), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    of = max(grid.fights, 1)
    _map(figure, left, found, 100 * grid.found / of, _FOUND, f"fights found of {grid.fights}, %")
    if found.days:
        counted = [[one.false - one.false_labelled for one in row] for row in grid.outcomes]
        _map(figure, right, found, np.array(counted) / found.days, _FALSE, "false incidents a camera-day")
    else:
        _map(figure, right, found, grid.false.astype(float), _FALSE, "incidents labelled false that remain")
    left.set_ylabel("threshold of the primary")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path)


def _map(figure: Figure, axes: Axes, found: Calibration, values: Values, colours: str, title: str) -> None:
    grid = found.grid
    most = float(values.max()) or 1.0
    # Between none and one lies more than between nine and ten.
    norm = PowerNorm(0.5, 0.0, most) if colours == _FALSE else PowerNorm(1.0, 0.0, 100.0)
    mesh = axes.pcolormesh(_edges(grid.veto), _edges(grid.primary), values, cmap=colours, norm=norm)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    axes.set_title(title)
    axes.set_xlabel("threshold of the veto" if len(grid.veto) > 1 else "no veto")
    _point(axes, grid.now, "X", _NOW, f"now: {_said(grid.now, grid.present)}")
    outcome = found.outcome()
    if found.proposal is not None and outcome is not None:
        _point(axes, found.proposal, "*", _PROPOSAL, f"proposal: {_said(found.proposal, outcome)}")
    if len(grid.veto) == 1:
        axes.set_xticks([])


def _point(axes: Axes, pair: Pair, marker: str, colour: str, label: str) -> None:
    size = 17 if marker == "*" else 11
    axes.plot(
        pair.veto,
        pair.primary,
        marker,
        color=colour,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=1.4,
        label=label,
        linestyle="none",
        clip_on=False,
    )


def _said(pair: Pair, outcome: Outcome) -> str:
    return f"{pair.primary:.2f} and {pair.veto:.2f}, {outcome.found} found, {outcome.false} false"


def _edges(values: tuple[float, ...]) -> Values:
    """The edges of cells around values."""
    if len(values) == 1:
        return np.array([values[0] - 0.02, values[0] + 0.02])
    middles = (np.array(values[1:]) + np.array(values[:-1])) / 2
    return np.concatenate([[2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]])
