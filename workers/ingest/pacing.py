"""When a frame happened and whether it is wanted: the frame's clock `at`, the rate, and entry ids. Pure.

`at` never goes backwards. A file's clock is its presentation time, so that every run of a file sees the
same times; a live source's clock runs with the wall clock at the start and with the monotonic clock after
it, smoothed by the stream's presentation times where it has any.
"""

from __future__ import annotations

import math

# What a frame is moved on by when its own time stands still or runs backwards.
SMALLEST_STEP_S = 0.001
# A picture that seems delayed by more than this is not late: the source's own clock was set back.
_JUMP_S = 5.0
# How fast the smoothed clock may follow a camera whose clock is slow, seconds per second.
_DRIFT = 0.01
# How early a picture may come: as much as networks jitter, and no more than a part of its share of time.
_EARLY_S, _EARLY_SHARE = 0.03, 0.25
# Times that differ by less are equal but for rounding.
_TOLERANCE_S = 1e-6


class FileClock:
    """`at` of a file's pictures, from their presentation times.

    Args:
        rate: nominal frames a second, for pictures without a presentation time.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate if math.isfinite(rate) and rate > 0 else 25.0
        self._last: float | None = None
        self._anchor = (0, 0.0)

    def at(self, number: int, pts_s: float | None) -> float:
        """Seconds of picture `number`; call once for each picture, in order."""
        if pts_s is None or not math.isfinite(pts_s):
            since, start = self._anchor
            own = start + (number - since) / self._rate
        else:
            own = pts_s
            self._anchor = (number, own)
        at = own if self._last is None or own > self._last else self._last + SMALLEST_STEP_S
        self._last = at
        return at


class LiveClock:
    """`at` of a live source: wall time at the start, then time that cannot be set back.

    Arrival times jitter with the network, presentation times do not. The clock follows the presentation
    times at the least delay seen, slowly forgets that delay (clocks drift), and starts anew when the source
    is reopened or jumps.

    Args:
        wall_s, monotonic_s: both clocks now.
        last_at: the last published `at`; the clock starts after it even if the wall clock was set back.
    """

    def __init__(self, wall_s: float, monotonic_s: float, last_at: float = -math.inf) -> None:
        self._offset = max(wall_s, last_at + SMALLEST_STEP_S) - monotonic_s
        self._last = last_at
        self._shift: float | None = None
        self._moved_at = monotonic_s

    def reopened(self) -> None:
        """The source was opened again: its presentation times start anywhere."""
        self._shift = None

    def now(self, monotonic_s: float) -> float:
        """The clock at a moment without a picture."""
        return max(self._offset + monotonic_s, self._last + SMALLEST_STEP_S)

    def at(self, monotonic_s: float, pts_s: float | None) -> float:
        """Seconds of a picture that arrived at `monotonic_s`."""
        arrived = self._offset + monotonic_s
        own = arrived
        if pts_s is not None and math.isfinite(pts_s):
            own = pts_s + self._follow(arrived - pts_s, monotonic_s)
        self._last = own if own > self._last else self._last + SMALLEST_STEP_S
        return self._last

    def _follow(self, shift: float, monotonic_s: float) -> float:
        """The smoothed difference between arrival and presentation."""
        if self._shift is None or shift - self._shift > _JUMP_S:
            self._shift = shift
        else:
            self._shift = min(self._shift + _DRIFT * (monotonic_s - self._moved_at), shift)
        self._moved_at = monotonic_s
        return self._shift


class RateLimit:
    """Which pictures of a source are published: one for each 1 / fps, counted from the first.

    A picture may come a little early, or a camera that gives just `fps` would lose each one whose arrival
    jitters to the wrong side. After a gap the count begins anew: what did not come is not made up for.
    """

    def __init__(self, fps: float | None) -> None:
        self._step = 1 / fps if fps else None
        self._early = min(_EARLY_S, _EARLY_SHARE / fps) + _TOLERANCE_S if fps else 0.0
        self._due: float | None = None

    def wants(self, at: float) -> bool:
        """Whether the picture at `at` is published; call once for each picture, in order."""
        if self._step is None:
            return True
        if self._due is None or at - self._due > self._step:
            self._due = at + self._step
            return True
        if at < self._due - self._early:
            return False
        self._due += self._step
        return True


def file_id(base: int, number: int) -> tuple[int, int]:
    """Entry id of a file's picture: the same in every run, and never 0-0, which the server refuses."""
    return base + number + 1, 0


def live_id(captured_ms: int, last: tuple[int, int]) -> tuple[int, int]:
    """Entry id of a live picture: capture time in ms, or the next after `last` where the clock stands."""
    return (captured_ms, 0) if captured_ms > last[0] else (last[0], last[1] + 1)
