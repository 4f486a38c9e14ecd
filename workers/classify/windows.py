"""Windows of every track of one camera, cut from rings on a grid of absolute times.

Cell k of the grid is the moment k / fps, so cameras of any frame rate give the nets the rate they were
trained on. A cell is interpolated between the two frames around it; cells in a gap longer than `max_gap_s`,
and cells before a track's birth, stay empty. A window is due when the grid passes a multiple of the stride;
it ends at that multiple, whatever the frames' own times. Hence everything here is a function of the last
`history_s` seconds of frames: a worker that takes over replays them and goes on as if nothing had happened.

Array letters: P people of a frame, R cells of the ring, T cells of a window.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT
from workers.classify.due import Due

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

EMPTY, FILLED, OBSERVED = 0, 1, 2

_KEYPOINTS = slice(0, JOINT_COUNT * 3)
_BOX = slice(_KEYPOINTS.stop, _KEYPOINTS.stop + 4)
_QUALITY = _BOX.stop
_COLUMNS = _QUALITY + 1

# Frame times are floating point: 2 / 30 s must be cell 1 at 15 fps. In cells.
_TOLERANCE = 1e-4
_FIRST_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class WindowSettings:
    """How windows are cut.

    Attributes:
        fps: cells a second, the nets' own rate.
        window: cells of a track that are looked at.
        stride: cells between two windows of a track.
        frames: length of the nets' input; what exceeds `window` is empty padding in front.
        min_frames: a window with fewer cells that are not empty is not worth a verdict.
        max_gap_s: gaps up to this long are interpolated, longer ones stay empty.
    """

    fps: float = 15.0
    window: int = 32
    stride: int = 8
    frames: int = 32
    min_frames: int = 16
    max_gap_s: float = 0.5

    @property
    def history_s(self) -> float:
        """Seconds of frames that fix everything a later window can hold."""
        return (self.window + self.stride + 1) / self.fps + self.max_gap_s


@dataclass(frozen=True, kw_only=True)
class People:
    """The tracked people of one frame.

    Attributes:
        ids: [P] track ids, distinct.
        keypoints: [P, 17, 3] x, y in pixels, confidence.
        boxes: [P, 4] left, top, right, bottom in pixels.
        quality: [P] in [0, 1].
        image_size: width and height of the image whose pixels these are.
    """

    ids: Integers
    keypoints: Floats
    boxes: Floats
    quality: Floats
    image_size: tuple[int, int]


class Windows:
    """One camera's rings, one row for each track. A track unseen for a window's length is forgotten."""

    def __init__(self, settings: WindowSettings) -> None:
        self.settings = settings
        self.at = -math.inf
        self._cell = 0
        self._ring = settings.window + settings.stride
        self._rows = _Rows.empty(_FIRST_ROWS, self._ring)
        self._row_of: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._row_of)

    def push(self, at: float, people: People) -> Due:
        """Take one frame's people.

        Args:
            at: the frame's time, seconds, not before the last one's.
            people: everybody tracked in it; may be empty.

        Returns:
            What is due now; nobody is judged where the grid passed no multiple of the stride.
        """
        cell = math.floor(at * self.settings.fps + _TOLERANCE)
        self._advance(cell)
        self._forget(at)
        rows = self._find(people.ids, cell)
        self._fill(at, cell, rows, people)
        end = cell - cell % self.settings.stride
        due = math.isfinite(self.at) and self._cell < end
        self._cell, self.at = cell, at
        return self._cut(end, people.image_size) if due else self._nothing(people.image_size)

    def anybody(self) -> bool:
        """Whether somebody fills enough of the window that would end now to be judged."""
        cells = np.arange(self._cell - self.settings.window + 1, self._cell + 1) % self._ring
        filled = (self._rows.kind[list(self._row_of.values())][:, cells] != EMPTY).sum(axis=1)
        return bool((filled >= self.settings.min_frames).any())

    def _advance(self, cell: int) -> None:
        """Empty the cells between the last frame and this one."""
        steps = cell - self._cell if math.isfinite(self.at) else self._ring
        columns = (np.arange(min(steps, self._ring)) + self._cell + 1) % self._ring
        self._rows.kind[:, columns if steps < self._ring else slice(None)] = EMPTY

    def _forget(self, at: float) -> None:
        oldest = at - self.settings.window / self.settings.fps
        gone = [track for track, row in self._row_of.items() if self._rows.at[row] < oldest]
        for track in gone:
            del self._row_of[track]

    def _find(self, ids: Integers, cell: int) -> Integers:
        """Each track's row; -inf as last time marks a new one."""
        for track in ids.tolist():
            if track not in self._row_of:
                row = self._free_row()
                self._row_of[track] = row
                self._rows.at[row] = -math.inf
                self._rows.cell[row] = cell
                self._rows.kind[row] = EMPTY
        return np.array([self._row_of[track] for track in ids.tolist()], np.int64)

    def _free_row(self) -> int:
        used = set(self._row_of.values())
        if len(used) == len(self._rows.at):
            self._rows = self._rows.doubled()
        return next(row for row in range(len(self._rows.at)) if row not in used)

    def _fill(self, at: float, cell: int, rows: Integers, people: People) -> None:
        """Interpolate every cell since each person was last seen, then remember this frame."""
        store, fps = self._rows, self.settings.fps
        values = _columns(people)
        gap = at - store.at[rows]
        joined = gap <= self.settings.max_gap_s
        neighbours = store.at[rows] == self.at
        kind = np.where(neighbours, OBSERVED, FILLED)
        first = max(int(store.cell[rows].min(initial=cell)), cell - self._ring)
        for k in range(first + 1, cell + 1):
            chosen = np.flatnonzero(joined & (store.cell[rows] < k))
            row = rows[chosen]
            share = ((k / fps - store.at[row]) / gap[chosen]).clip(0, 1).astype(np.float32)[:, None]
            column = k % self._ring
            store.cells[row, column] = store.last[row] * (1 - share) + values[chosen] * share
            store.kind[row, column] = kind[chosen]
        store.last[rows] = values
        store.at[rows] = at
        store.cell[rows] = cell

    def _nothing(self, image_size: tuple[int, int]) -> Due:
        nobody = np.zeros(0, np.int64)
        return self._of_rows(np.arange(self.settings.window), nobody, nobody, image_size)

    def _cut(self, end: int, image_size: tuple[int, int]) -> Due:
        """The window that ends with the cell `end`."""
        # By id: in what order a worker came to know them is nothing that a takeover could restore.
        ids = np.array(sorted(self._row_of), np.int64)
        rows = np.array([self._row_of[track] for track in ids.tolist()], np.int64)
        cells = np.arange(end - self.settings.window + 1, end + 1)
        present = (self._rows.kind[rows[:, None], cells % self._ring] != EMPTY).any(axis=1)
        return self._of_rows(cells, ids[present], rows[present], image_size)

    def _of_rows(self, cells: Integers, ids: Integers, rows: Integers, image_size: tuple[int, int]) -> Due:
        settings = self.settings
        columns = cells % self._ring
        kind = self._rows.kind[rows[:, None], columns]
        filled = kind != EMPTY
        values = np.where(filled[..., None], self._rows.cells[rows[:, None], columns], np.float32(0))
        first = cells[filled.argmax(axis=1)] if len(ids) else np.zeros(0)
        last = cells[settings.window - 1 - filled[:, ::-1].argmax(axis=1)] if len(ids) else np.zeros(0)
        missing = settings.frames - settings.window
        values = np.pad(values, ((0, 0), (missing, 0), (0, 0)))
        return Due(
            fps=settings.fps,
            image_size=image_size,
            ids=ids,
            judged=np.flatnonzero(filled.sum(axis=1) >= settings.min_frames),
            keypoints=values[..., _KEYPOINTS].reshape(len(ids), settings.frames, JOINT_COUNT, 3),
            boxes=values[..., _BOX],
            filled=np.pad(filled, ((0, 0), (missing, 0))),
            seen=np.pad(kind == OBSERVED, ((0, 0), (missing, 0))),
            quality=values[..., _QUALITY].sum(axis=1) / settings.window,
            first_at=first / settings.fps,
            last_at=last / settings.fps,
        )


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rings and what was last seen of each track; row i is one track."""

    cells: Floats
    kind: NDArray[np.int8]
    last: Floats
    at: NDArray[np.float64]
    cell: Integers

    @classmethod
    def empty(cls, rows: int, ring: int) -> Self:
        return cls(
            cells=np.zeros((rows, ring, _COLUMNS), np.float32),
            kind=np.zeros((rows, ring), np.int8),
            last=np.zeros((rows, _COLUMNS), np.float32),
            at=np.full(rows, -math.inf),
            cell=np.zeros(rows, np.int64),
        )

    def doubled(self) -> _Rows:
        more = _Rows.empty(len(self.at), self.kind.shape[1])
        return _Rows(
            cells=np.concatenate([self.cells, more.cells]),
            kind=np.concatenate([self.kind, more.kind]),
            last=np.concatenate([self.last, more.last]),
            at=np.concatenate([self.at, more.at]),
            cell=np.concatenate([self.cell, more.cell]),
        )


def _columns(people: People) -> Floats:
    keypoints = people.keypoints.reshape(len(people.ids), JOINT_COUNT * 3)
    return np.concatenate([keypoints, people.boxes, people.quality[:, None]], axis=1).astype(np.float32)
