"""A picture of who was followed as whom."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from workers.pose.evaluation.tracking import Tracklets, identities_over_time, score_tracking

_COLOURS = colormaps["tab20"].colors  # type: ignore[attr-defined]
_MOST_PEOPLE = 60


def draw_tracking(truth: Tracklets, result: Tracklets, target: BinaryIO) -> None:
    """Write a PNG: a line for each truth person over time, in the colour of the identity it was given.

    Grey: there, but not followed. A black tick: another identity than the last one. The first 60 people are
    shown.

    Raises:
        ValueError: an identity is twice in a frame.
    """
    scores = score_tracking(truth, result)
    frames, people, taken_for = identities_over_time(truth, result)
    shown = np.unique(truth.ids)[:_MOST_PEOPLE]
    given = np.unique(taken_for)
    figure = Figure(figsize=(11, 1.6 + 0.25 * max(len(shown), 2)), layout="constrained")
    axes = figure.subplots()
    for row, person in enumerate(shown):
        there = truth.frames[truth.ids == person]
        axes.scatter(there, np.full(len(there), row), s=6, marker="s", color="0.8")
        mine = people == person
        colours = [_COLOURS[place % len(_COLOURS)] for place in np.searchsorted(given, taken_for[mine])]
        axes.scatter(frames[mine], np.full(mine.sum(), row), s=14, marker="s", c=colours)
        switched = frames[mine][1:][np.diff(taken_for[mine]) != 0]
        axes.scatter(switched, np.full(len(switched), row), s=160, marker="|", color="black")
    axes.set_yticks(range(len(shown)), [str(person) for person in shown])
    axes.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    axes.set_xlabel("frame")
    axes.set_ylabel("truth id")
    axes.set_title(
        f"HOTA {scores.hota:.3f}   IDF1 {scores.idf1:.3f}   MOTA {scores.mota:.3f}   "
        f"{scores.switches} switches, {scores.fragmentations} fragmentations",
        fontsize=10,
    )
    figure.savefig(target, format="png", dpi=110)
