"""Every pair of thresholds, and which of them to take. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from workers.cli.calibration.outcome import Outcome, Scored
from workers.cli.calibration.thresholds import Bar, Pair

_95 = 0.95

PRIMARY = tuple(round(0.50 + 0.02 * step, 2) for step in range(25))
VETO = tuple(round(0.02 + 0.04 * step, 2) for step in range(25))


@dataclass(frozen=True)
class Grid:
    """The outcome at each pair, [primary][veto]; `present` at the pair that holds now."""

    primary: tuple[float, ...]
    veto: tuple[float, ...]
    outcomes: tuple[tuple[Outcome, ...], ...]
    now: Pair
    present: Outcome

    @property
    def found(self) -> NDArray[np.int64]:
        """[P, V] fights found."""
        return np.array([[one.found for one in row] for row in self.outcomes], np.int64)

    @property
    def false(self) -> NDArray[np.int64]:
        """[P, V] false incidents."""
        return np.array([[one.false for one in row] for row in self.outcomes], np.int64)

    @property
    def fights(self) -> int:
        """How many there were."""
        return len(self.present.delays)

    def at(self, pair: Pair) -> Outcome:
        """The outcome at a pair of the grid."""
        return self.outcomes[self.primary.index(pair.primary)][self.veto.index(pair.veto)]


def outcome_of(takes: Sequence[Scored], bar: Bar) -> Outcome:
    """What thresholds make of several takes."""
    return sum((take.outcome(bar) for take in takes), Outcome())


def grid_of(takes: Sequence[Scored], present: Bar, *, scene_follows: bool, vetoes: bool) -> Grid:
    """Every pair over some takes.

    Args:
        takes: whose outcomes are added.
        present: what holds now.
        scene_follows: the scene's threshold is that of the primary; else it stays.
        vetoes: whether there is a veto whose threshold a pair changes.
    """
    scene = None if scene_follows else present.scene
    columns = VETO if vetoes else (present.pair.veto,)
    rows = tuple(
        tuple(outcome_of(takes, Bar(Pair(primary, veto), present.own, scene)) for veto in columns)
        for primary in PRIMARY
    )
    return Grid(PRIMARY, columns, rows, present.pair, outcome_of(takes, present))


def proposed(grid: Grid, most_false: float | None = None) -> Pair | None:
    """The pair to take: of those with the fewest false incidents, in the middle of those that find the most.

    Args:
        grid: what each pair found and claimed.
        most_false: so many false incidents may be; None: as few as any pair has.

    Returns:
        None where no pair that is allowed finds any fight.
    """
    found, false = grid.found, grid.false
    allowed = false <= (false.min() if most_false is None else most_false)
    if not allowed.any() or not found[allowed].max():
        return None
    best = allowed & (found == found[allowed].max())
    best &= false == false[best].min()
    row, column = _middle(best)
    return Pair(grid.primary[row], grid.veto[column])


def frontier(grid: Grid) -> list[Pair]:
    """Pairs that no other beats, the fewest false incidents first; of those that are alike the middle one."""
    found, false = grid.found, grid.false
    pairs, most = [], -1
    for count in np.unique(false).tolist():
        best = found[false == count].max()
        if best > most:
            most = int(best)
            row, column = _middle((false == count) & (found == best))
            pairs.append(Pair(grid.primary[row], grid.veto[column]))
    return pairs


def wilson(found: int, of: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927); (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + _95 / 2)
    share = found / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def most_expected(count: int) -> float:
    """Largest mean at which so few events or fewer still have a chance of 5% (Poisson, exact)."""
    low, high = 0.0, 10.0 + 3.0 * count
    for _ in range(60):
        mean = (low + high) / 2
        terms = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)]
        low, high = (mean, high) if math.fsum(terms) > 1 - _95 else (low, mean)
    return low


def _middle(cells: NDArray[np.bool_]) -> tuple[int, int]:
    """The cell of a region that is furthest from its edge; of several the one nearest to their middle."""
    depth = np.zeros(cells.shape, np.int64)
    inner = cells.copy()
    while inner.any():
        depth += inner
        framed = np.pad(inner, 1)
        rows, columns = cells.shape
        inner = np.logical_and.reduce(
            [framed[r : r + rows, c : c + columns] for r in range(3) for c in range(3)]
            if min(rows, columns) > 1
            else [framed[r : r + rows, 1:-1] for r in range(3)]
        )
    deepest = np.argwhere(depth == depth.max())
    away = np.abs(deepest - deepest.mean(axis=0)).sum(axis=1)
    row, column = deepest[int(away.argmin())].tolist()
    return row, column
