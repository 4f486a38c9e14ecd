"""Whether every query of a dashboard finds something."""

from __future__ import annotations

import numpy as np

from benchmarks.dashboards.board import Board
from benchmarks.dashboards.prometheus import QueryError
from benchmarks.dashboards.view import View

# Dashboard and panel -> why it may have nothing to show on a healthy site.
MAY_BE_EMPTY = {
    ("site", "Dead letters, 1 h"): "no dead letters",
    ("site", "Violence, 1 h"): "no violence",
    ("site", "Violence"): "no violence",
    ("site", "Alerts"): "no alert fires",
    ("camera", "Violence, last hour"): "no violence",
    ("camera", "Dead letters"): "no dead letters",
    ("workers", "Refused commits"): "none refused",
    ("workers", "Bus errors"): "no errors",
    ("workers", "Lease changes"): "no worker came or went",
    ("workers", "Cameras opened"): "none began anew",
    ("workers", "GPU memory"): "no NVIDIA GPU",
    ("workers", "GPU busy"): "no NVIDIA GPU",
    ("verdicts", "Violence"): "no violence",
    ("verdicts", "Violence by camera"): "no violence",
    ("verdicts", "Vetoed"): "no alarms",
    ("verdicts", "Scores of the vetoes"): "the veto was not asked",
    ("operating", "Incidents, 1 h"): "no incidents",
    ("operating", "Incidents ended, 1 h"): "no incidents",
    ("operating", "Kept back by the cooldown, 1 h"): "none kept back",
    ("operating", "Time to confirm"): "no incidents",
    ("operating", "News waiting"): "none given up",
    ("operating", "Time to the receiver"): "nothing sent",
    ("operating", "Told together, and in shadow mode"): "no camera in shadow mode",
    ("operating", "Rules missing"): "none missing",
    ("operating", "Views ended"): "none ended",
    ("operating", "Requests refused or failed"): "none refused",
    ("operating", "Removed"): "nothing is old yet",
    ("operating", "Evidence made"): "no incidents",
    ("operating", "Time to make evidence"): "no incidents",
    ("operating", "Pictures missing"): "none missing",
    ("operating", "Pictures that the ring lost"): "none lost",
}


def check(board: Board, view: View) -> bool:
    """Prints each query with the number of series that it found.

    Returns:
        False if one fails, or finds nothing without a reason.
    """
    well = True
    variables, _ = view.variables(board)
    print(f"== {board.title} {' '.join(f'{name}={value}' for name, value in variables.items())}")
    for panel in board.panels:
        for target in panel.targets:
            mark, note, found = "ok", "", 0
            try:
                series = view.prometheus.query(target, variables, view.of(panel))
            except QueryError as error:
                mark, note = "FAILED", f"  # {error}"
            else:
                found = sum(bool(np.isfinite(one.values).any()) for one in series)
            if mark == "ok" and not found:
                reason = MAY_BE_EMPTY.get((board.name, panel.title))
                mark, note = ("empty", f"  # {reason}") if reason else ("NOTHING", "")
            well &= mark in ("ok", "empty")
            print(f"{mark:<8} {found:>3}  {panel.title}: {target.expr}{note}")
    return well
