"""Tables and a plot of who is found, for `benchmarks.recall_by_height`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.far_cameras import Scene
from benchmarks.found import CLASSES, Tally

SCORES = (0.1, 0.25, 0.4, 0.6, 1.01)
PLOTTED = (
    "640",
    "960",
    "1280",
    "1920",
    "640, flip test",
    "1280, flip test",
    "640, tiles 2x2",
    "640 + 1280, by area",
)


def recall(tallies: dict[str, Tally], scenes: Sequence[Scene], conf: float) -> list[str]:
    """Recall, false people and cost as Markdown lines.

    False are detections that find nobody new: a second one of a person, a skeleton badly placed, or nobody.
    """
    heights, labelled = _heights(scenes), np.concatenate([scene.source == "people" for scene in scenes])
    inside = [(heights >= low) & (heights < high) for low, high in CLASSES]
    titles = [
        f"{_title(limits)} ({row.sum()}, {(row & labelled).sum()})"
        for limits, row in zip(CLASSES, inside, strict=True)
    ]
    lines = [
        f"| recall (people's truth) / false | {' | '.join(titles)} "
        "| all | on nobody | mean OKS | ms | x 640 |",
        "|---" * 10 + "|",
    ]
    for name, tally in tallies.items():
        oks, false = np.concatenate(tally.oks), np.concatenate(tally.false_heights)
        cells = []
        for row, (low, high) in zip(inside, CLASSES, strict=True):
            wrong = np.count_nonzero((false >= low) & (false < high))
            cells.append(f"{_share(oks[row])} ({_share(oks[row & labelled])}) / {wrong}")
        ratio = tally.seconds / tallies["640"].seconds
        outcomes = np.concatenate(tally.outcomes)
        nobody = np.count_nonzero((outcomes[:, 1] >= conf) & (outcomes[:, 2] == 2))
        cells += [f"{_share(oks)} ({_share(oks[labelled])}) / {len(false)}", str(nobody), f"{oks.mean():.3f}"]
        cells += [f"{tally.seconds / len(scenes) * 1e3:.0f}", f"{ratio:.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def sureness(tally: Tally) -> list[str]:
    """How detections of a score turn out, by height: right, on a person but badly placed, on nobody."""
    rows = np.concatenate(tally.outcomes)
    lines = [
        "| right / badly placed / nobody | "
        + " | ".join(f"{low:g}-{min(high, 1):g}" for low, high in pairwise(SCORES))
        + " |",
        "|---" * len(SCORES) + "|",
    ]
    for limits in CLASSES:
        cells = []
        for low, high in pairwise(SCORES):
            here = (
                (rows[:, 0] >= limits[0])
                & (rows[:, 0] < limits[1])
                & (rows[:, 1] >= low)
                & (rows[:, 1] < high)
            )
            cells.append(" / ".join(str(np.count_nonzero(rows[here, 2] == kind)) for kind in (0, 1, 2)))
        lines.append(f"| {_title(limits)} | {' | '.join(cells)} |")
    return lines


def plot(path: Path, tallies: dict[str, Tally], scenes: Sequence[Scene]) -> None:
    """Recall over height, a line for each way of looking, with its cost in the legend."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    heights = _heights(scenes)
    edges = np.array([20, 30, 40, 50, 65, 80, 100, 150, 300])
    middles = np.sqrt(edges[:-1] * edges[1:])
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name in PLOTTED:
        found = np.concatenate(tallies[name].oks) > 0
        ratio = tallies[name].seconds / tallies["640"].seconds
        values = [100 * found[(heights >= low) & (heights < high)].mean() for low, high in pairwise(edges)]
        axes.plot(middles, values, marker="o", markersize=3, label=f"{name}: {ratio:.1f} x the cost")
    axes.set_xscale("log")
    axes.set_xticks(edges, [str(edge) for edge in edges])
    axes.minorticks_off()
    axes.set_xlabel("height of a person in an image of 1280x720, pixels")
    axes.set_ylabel("found (OKS at least 0.5), %")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _heights(scenes: Sequence[Scene]) -> NDArray[np.float32]:
    return np.concatenate([scene.boxes[:, 3] - scene.boxes[:, 1] for scene in scenes])


def _title(limits: tuple[int, int]) -> str:
    low, high = limits
    return f"over {low} px" if high == CLASSES[-1][1] else f"{low}-{high} px"


def _share(oks: NDArray[np.float64]) -> str:
    """Found people of all, in percent."""
    return f"{np.mean(oks > 0):.1%}" if len(oks) else "-"
