"""Pictures of how well clips' scores tell fights from the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from workers.classify.evaluation.measures import (
    BINS,
    Floats,
    Labels,
    auc,
    brier,
    calibration_error,
    reliability,
    roc,
)

_FIGHT, _OTHER = "#c8641e", "#1f5fa8"
_STEPS = 20


def draw(scores: Floats, labels: Labels, threshold: float, folder: Path) -> list[Path]:
    """Draw one PNG for each question into a folder that is there.

    Args:
        scores: [K] of clips.
        labels: [K] 1 fight, 0 none.
        threshold: score from which a clip counts as violent.
        folder: gets verdicts-{roc,reliability,scores}.png; the first two only where both labels are there.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
    """
    pictures: dict[str, tuple[tuple[float, float], Callable[[Axes], None]]] = {
        "scores": ((8, 4.5), lambda axes: _scores(axes, scores, labels, threshold)),
    }
    if 0 < labels.sum() < len(labels):
        pictures["roc"] = (5.6, 5.4), lambda axes: _roc(axes, scores, labels, threshold)
        pictures["reliability"] = (5.6, 5.4), lambda axes: _reliability(axes, scores, labels)
    return [_picture(folder / f"verdicts-{name}.png", *how) for name, how in pictures.items()]


def _picture(path: Path, size: tuple[float, float], paint: Callable[[Axes], None]) -> Path:
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)
    figure.savefig(path)
    return path


def _roc(axes: Axes, scores: Floats, labels: Labels, threshold: float) -> None:
    false, true = roc(scores, labels)
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1, linestyle=":", label="chance")
    axes.plot(false, true, color=_OTHER, linewidth=1.8, label=f"clips' scores: AUC {auc(scores, labels):.3f}")
    here = [(scores[labels == label] >= threshold).mean() for label in (0, 1)]
    said = f"from {threshold:g} on: {here[1]:.0%} found, {here[0]:.0%} called violent"
    axes.plot(*here, "o", color=_FIGHT, markersize=7, label=said)
    axes.set_title(f"{(labels == 1).sum()} fights against {(labels == 0).sum()} other clips")
    axes.set_xlabel("other clips called violent")
    axes.set_ylabel("fights found")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")


def _reliability(axes: Axes, scores: Floats, labels: Labels) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=":", label="perfectly calibrated")
    parts = reliability(scores, labels)
    mean, share, count = (np.array(column) for column in zip(*parts, strict=True))
    spread = 1.96 * np.sqrt(np.maximum(share * (1 - share), 0.25 / count) / count)
    within = [np.minimum(spread, share), np.minimum(spread, 1 - share)]
    error = calibration_error(scores, labels)
    label = f"{BINS} equal parts of the clips, 95%"
    axes.errorbar(mean, share, within, fmt="o-", color=_OTHER, markersize=6, capsize=3, label=label)
    axes.set_title(f"Calibration error {error:.3f}, Brier score {brier(scores, labels):.3f}")
    axes.set_xlabel("mean score")
    axes.set_ylabel("share of fights")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def _scores(axes: Axes, scores: Floats, labels: Labels, threshold: float) -> None:
    steps = np.linspace(0, 1, _STEPS + 1)
    high, low = (np.histogram(scores[labels == label], steps)[0] for label in (1, 0))
    width = 1 / _STEPS * 0.92
    middle = (steps[:-1] + steps[1:]) / 2
    axes.bar(middle, high, width, color=_FIGHT, label="fights")
    axes.bar(middle, -low, width, color=_OTHER, hatch="///", edgecolor="white", label="others")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.axvline(threshold, color="0.25", linestyle="--", linewidth=1, label=f"violent from {threshold:g} on")
    most = max(high.max(), low.max(), 1)
    axes.set(xlim=(-0.01, 1.01), ylim=(-1.1 * most, 1.1 * most))
    axes.yaxis.set_major_formatter(lambda value, _place: f"{abs(value):g}")
    axes.set_title("Scores of clips: fights up, others down")
    axes.set_xlabel("score of a clip")
    axes.set_ylabel("clips")
