"""Boxes with identities as MOTChallenge writes them: one box a line, numbers between commas. Pure.

`frame,id,left,top,width,height,confidence,...` (Leal-Taixé et al., MOTChallenge 2015, arXiv 1504.01942);
further columns are passed over. Frames and ids are whole numbers; the rest are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from workers.pose.evaluation.tracking import Tracklets

_COLUMNS = ("frame", "id", "left", "top", "width", "height", "confidence")
_LEAST_COLUMNS = 6


class MotTextError(ValueError):
    """A line that is none of MOTChallenge's; says which and what is wrong with it."""


def read_tracklets(lines: Iterable[str], name: str) -> Tracklets:
    """The boxes of a file; those with confidence 0, which in a truth means "leave out", are left out.

    Args:
        lines: of the file.
        name: of the file, for errors.

    Raises:
        MotTextError: a line that cannot be read, or an identity twice in a frame.
    """
    rows: list[list[float]] = []
    first_seen: dict[tuple[float, float], int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _numbers(line)
        except ValueError as error:
            raise MotTextError(f"{name}:{number}: {error}") from error
        if len(row) >= len(_COLUMNS) and row[6] == 0:
            continue
        earlier = first_seen.setdefault((row[0], row[1]), number)
        if earlier != number:
            raise MotTextError(
                f"{name}:{number}: id {row[1]:.0f} is in frame {row[0]:.0f} already (line {earlier}): "
                "keep one box of it"
            )
        rows.append(row[:_LEAST_COLUMNS])
    table = np.array(rows, np.float64).reshape(-1, _LEAST_COLUMNS)
    corners = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    return Tracklets(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), corners)


def _numbers(line: str) -> list[float]:
    """One line's columns up to the confidence."""
    parts = [part.strip() for part in line.split(",")]
    if len(parts) < _LEAST_COLUMNS:
        raise ValueError(
            f"{len(parts)} columns, expected frame,id,left,top,width,height,confidence between commas"
        )
    values = []
    for column, part in zip(_COLUMNS, parts, strict=False):
        try:
            value = float(part)
        except ValueError:
            raise ValueError(f"{column}: {part!r} is no number") from None
        if not math.isfinite(value):
            raise ValueError(f"{column}: {part!r} is not finite")
        if column in ("frame", "id") and (value != int(value) or value < 0):
            raise ValueError(f"{column}: {part!r} is no whole number from 0 on")
        if column in ("width", "height") and value < 0:
            raise ValueError(f"{column}: {part!r} is below 0")
        values.append(value)
    return values
