"""A page about one verdict: what the two did, and which joints and moments carried the score.

Array letters: T frames of the window.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from shared.messages import Expert, Verdict
from shared.skeleton import JOINTS
from workers.classify.due import Due
from workers.classify.evaluation.sheet import PARTNER, PERSON, SEEN, draw_skeleton

Floats = NDArray[np.float32]

NOTHING = "No explanation: only the most violent person of a scene has one, where the result is VIOLENCE."
MOMENTS = 4
_JOINTS_LISTED = 8
_SHARES = colormaps["YlOrBr"]
# Bodies fill their panels but for this part on each side.
_MARGIN = 0.12
# Height of a panel over its width.
_SHAPE = 1.08
# Shares that all are 0 stay small.
_LEAST = 1e-9


def draw_explanation(
    path: Path, title: str, due: Due, verdict: Verdict, experts: tuple[Expert, ...], began_at: float
) -> None:
    """Draw one PNG.

    Args:
        path: where to.
        title: what the picture is about; the verdict is written behind it.
        due: the window that was judged.
        verdict: one of those about it.
        experts: who gave the verdict's scores.
        began_at: what times are counted from, seconds.

    Raises:
        OSError: it cannot be written.
    """
    row = int(np.flatnonzero(due.ids == verdict.track_id)[0])
    partner = [] if verdict.partner_id is None else np.flatnonzero(due.ids == verdict.partner_id).tolist()
    frames = _moments(due.filled[row])
    times = _times(due, row) - began_at
    below = 0.08 if verdict.explanation is None else 0.66
    figure = Figure(figsize=(12, 4.6 + 3.6 * below), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    head, middle, foot = np.asarray(figure.subfigures(3, 1, height_ratios=[0.26, 1, below]))
    _draw_head(head, title, about(verdict, experts), alone=not partner)
    _draw_moments(middle, due, [row, *partner], frames, times, _joints(verdict))
    if verdict.explanation is None:
        foot.text(0.012, 0.3, NOTHING)
    else:
        left, right = foot.subplots(1, 2, width_ratios=[1.45, 1])
        _draw_shares(left, np.array(verdict.explanation.moments), times, frames)
        _draw_joints(right, np.array(verdict.explanation.joints))
    figure.savefig(path, format="png")


def about(verdict: Verdict, experts: tuple[Expert, ...]) -> str:
    """Who said what, and how sure it is, in two lines."""
    said = [
        f"{expert.name} ({expert.role}) {'not asked' if score is None else f'{score:.3f}'}"
        + ("" if expert.threshold is None else f", threshold {expert.threshold:g}")
        for expert, score in zip(experts, verdict.scores, strict=True)
    ]
    known = f"{verdict.body_height_px:.0f} px tall, seen in {verdict.observed_frames} frames of the window"
    alone = "" if verdict.partner_id is not None else "; nobody else was there"
    unsure = f"; unsure: {', '.join(verdict.unsure)}" if verdict.unsure else ""
    return f"{'   '.join(said)}\n{known}; weight {verdict.weight:g}{alone}{unsure}"


def _moments(filled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A few frames in which somebody is there, evenly spread."""
    there = np.flatnonzero(filled)
    return np.unique(there[np.linspace(0, len(there) - 1, MOMENTS).round().astype(int)])


def _times(due: Due, row: int) -> NDArray[np.float64]:
    """[T] seconds of the window's frames."""
    last = int(np.flatnonzero(due.filled[row])[-1])
    return float(due.last_at[row]) + (np.arange(due.filled.shape[1]) - last) / due.fps


def _joints(verdict: Verdict) -> NDArray[np.float64] | None:
    return None if verdict.explanation is None else np.array(verdict.explanation.joints)


def _draw_head(figure: SubFigure, title: str, text: str, *, alone: bool) -> None:
    figure.text(0.012, 0.96, title, fontsize=15, va="top", weight="bold")
    figure.text(0.012, 0.6, text, fontsize=10, va="top", linespacing=1.5)
    shown = [("the person", PERSON), *([] if alone else [("the partner", PARTNER)])]
    lines = [Line2D([], [], color=colour, linewidth=2.4, label=name) for name, colour in shown]
    figure.legend(handles=lines, frameon=False, fontsize=10, loc="upper right")


def _draw_moments(
    figure: SubFigure,
    due: Due,
    rows: list[int],
    frames: NDArray[np.int64],
    times: NDArray[np.float64],
    shares: NDArray[np.float64] | None,
) -> None:
    """The two at each moment, all panels at one scale and place."""
    left, right, top, bottom = _extent(due.keypoints[rows][:, frames], due.filled[rows][:, frames])
    panels = np.atleast_1d(figure.subplots(1, MOMENTS))
    for axes in panels[len(frames) :]:
        axes.axis("off")
    for axes, frame in zip(panels, frames, strict=False):
        axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], aspect="equal")
        axes.set_facecolor("#f4f4f2")
        axes.set_title(f"{times[frame]:.2f} s", fontsize=10)
        for side in axes.spines.values():
            side.set(color="0.7", linewidth=0.6)
        for row, colour in reversed(list(zip(rows, (PERSON, PARTNER), strict=False))):
            if due.filled[row, frame]:
                draw_skeleton(axes, due.keypoints[row, frame], colour, 2.4)
        if shares is not None:
            _mark(axes, due.keypoints[rows[0], frame], shares)


def _mark(axes: Axes, keypoints: Floats, shares: NDArray[np.float64]) -> None:
    """Joints as dots, the larger and darker the more they carried."""
    seen = keypoints[:, 2] >= SEEN
    strength = shares[seen] / max(shares.max(), _LEAST)
    axes.scatter(
        keypoints[seen, 0],
        keypoints[seen, 1],
        s=10 + 240 * strength,
        c=_tones(shares)[seen],
        edgecolors="black",
        linewidths=0.7,
        zorder=3,
    )


def _extent(keypoints: Floats, filled: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of a panel that holds all that is drawn."""
    seen = (keypoints[..., 2] >= SEEN) & filled[..., None]
    points = keypoints[seen if seen.any() else np.full(seen.shape, True)][:, :2].astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, size = (low + high) / 2, np.maximum(high - low, 1) * (1 + 2 * _MARGIN)
    width = max(size[0], size[1] / _SHAPE)
    height = width * _SHAPE
    left, top = middle[0] - width / 2, middle[1] - height / 2
    return left, left + width, top, top + height


def _draw_shares(
    axes: Axes, shares: NDArray[np.float64], times: NDArray[np.float64], frames: NDArray[np.int64]
) -> None:
    parts = np.array_split(times, len(shares))
    step = times[1] - times[0]
    starts = np.array([part[0] for part in parts]) - step / 2
    widths = np.array([len(part) for part in parts]) * step
    axes.bar(
        starts, shares, widths * 0.94, align="edge", color=_tones(shares), edgecolor="black", linewidth=0.6
    )
    below = np.full(len(frames), -0.04 * max(shares.max(), 0.05))
    axes.plot(times[frames], below, "^", color="black", markersize=6, clip_on=False, label="drawn above")
    axes.set_title("Moments that carried the score", fontsize=11, loc="left")
    axes.set_xlabel("seconds")
    axes.set_ylabel("share")
    _plain(axes)
    axes.legend(frameon=False, fontsize=9, loc="best")


def _draw_joints(axes: Axes, shares: NDArray[np.float64]) -> None:
    ordered = np.argsort(-shares, kind="stable")[:_JOINTS_LISTED]
    first = ordered[shares[ordered] > 0][::-1]
    tones = _tones(shares)[first]
    axes.barh(np.arange(len(first)), shares[first], 0.75, color=tones, edgecolor="black", linewidth=0.6)
    axes.set_yticks(np.arange(len(first)), [JOINTS[joint].replace("_", " ") for joint in first])
    axes.set_title("Joints that carried the score", fontsize=11, loc="left")
    axes.set_xlabel("share")
    _plain(axes)


def _tones(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours, the darker the larger the share."""
    return np.asarray(_SHARES(0.1 + 0.9 * shares / max(shares.max(initial=0), _LEAST)))


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
