"""Pictures of how far skeletons are from the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from shared.skeleton import JOINTS
from workers.pose.evaluation.skeletons import SkeletonScore

Floats = NDArray[np.float64]

_RESULT, _OTHER = "#1f5fa8", "#c8641e"
_UNIT = "thousandths of the body height"


def draw(at: Floats, score: SkeletonScore, folder: Path) -> list[Path]:
    """Draw one PNG for each question into a folder that is there.

    Args:
        at: [T] seconds, those of the score.
        score: what to draw.
        folder: gets skeletons-{time,joints,gaps,lag}.png.

    Returns:
        The files.

    Raises:
        OSError: a file cannot be written.
    """
    pictures: dict[str, Callable[[Axes], None]] = {
        "time": lambda axes: _over_time(axes, at, score),
        "joints": lambda axes: _by_joint(axes, score),
        "gaps": lambda axes: _by_gap(axes, score),
        "lag": lambda axes: _lags(axes, score),
    }
    return [_picture(folder / f"skeletons-{name}.png", paint) for name, paint in pictures.items()]


def _picture(path: Path, paint: Callable[[Axes], None]) -> Path:
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    figure.savefig(path)
    return path


def _over_time(axes: Axes, at: Floats, score: SkeletonScore) -> None:
    axes.plot(at, 1000 * score.error_over_time, color=_RESULT, linewidth=1, label="each moment")
    axes.axhline(1000 * score.error, color=_OTHER, linestyle="--", label=f"all: {1000 * score.error:.1f}")
    axes.set_title("Error over time, people who are seen")
    axes.set_xlabel("time, s")
    axes.set_ylabel(f"RMS error,\n{_UNIT}")
    axes.set_ylim(bottom=0)


def _by_joint(axes: Axes, score: SkeletonScore) -> None:
    place = np.arange(len(JOINTS))
    axes.bar(place - 0.2, 1000 * score.error_by_joint, 0.4, color=_RESULT, label="error")
    axes.bar(place + 0.2, 1000 * score.jitter_by_joint, 0.4, color=_OTHER, label="jitter")
    axes.set_title("Error and jitter by joint, people who are seen")
    axes.set_xticks(place, [name.replace("_", " ") for name in JOINTS], rotation=45, ha="right")
    axes.set_ylabel(f"RMS,\n{_UNIT}")


def _by_gap(axes: Axes, score: SkeletonScore) -> None:
    gaps = score.gaps
    axes.set_title("Error while people are not seen")
    axes.set_xlabel("unseen for, s")
    axes.set_ylabel(f"mean distance,\n{_UNIT}")
    if not len(gaps.frames):
        _nothing(axes, "no estimate is marked as predicted")
        return
    # The same number of frames is the same time only where frames come regularly.
    order = np.argsort(gaps.seconds)
    seconds = gaps.seconds[order]
    axes.plot(seconds, 1000 * gaps.error[order], "o-", color=_RESULT, markersize=3, label="predicted")
    axes.plot(seconds, 1000 * gaps.held[order], "o--", color=_OTHER, markersize=3, label="last seen one held")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)


def _lags(axes: Axes, score: SkeletonScore) -> None:
    lags = score.lags_ms[np.isfinite(score.lags_ms)]
    axes.set_title("Lag of each joint of each person")
    axes.set_xlabel("lag behind the truth, ms")
    axes.set_ylabel("joints")
    if not len(lags):
        _nothing(axes, "nothing moves: no lag can be told")
        return
    axes.hist(lags, bins=list(range(-100, 301, 5)), color=_RESULT)
    axes.axvline(score.lag_ms, color=_OTHER, linestyle="--", label=f"all together: {score.lag_ms:.1f} ms")
    low, high = np.percentile(lags, [2, 98])
    axes.set_xlim(max(-105, low - 20), min(305, high + 20))


def _nothing(axes: Axes, why: str) -> None:
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes)
