"""How long records take through the stages, off the stamps that the last verdicts carry."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from shared.messages import Verdicts

# Everything before the verdict, beside the stages by name.
WHOLE = "verdict"
_LOOK_BACK_S = 60.0
# What was captured so long before anybody read it is a recording: only its way through the stages counts.
_LONG_AGO_S = 300.0


@dataclass(frozen=True)
class Delay:
    """Seconds that records took, with the waiting."""

    median_s: float
    worst_s: float


class Delays:
    """The delays of the last minute: a sample for each camera and look."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, str, dict[str, float]]] = deque()
        self._seen: dict[str, tuple[str, int]] = {}

    def push(self, now: float, last: Sequence[Verdicts]) -> None:
        """Take the last verdicts of cameras; those that were taken before do not count again."""
        for verdicts in last:
            which = verdicts.generation, verdicts.number
            if self._seen.get(verdicts.camera) == which:
                continue
            self._seen[verdicts.camera] = which
            self._samples.append((now, verdicts.camera, _spent(verdicts)))
        while self._samples and now - self._samples[0][0] > _LOOK_BACK_S:
            self._samples.popleft()

    def by_stage(self) -> dict[str, Delay]:
        """Stage -> its delay, in the order of the work, WHOLE last; empty if nothing was judged lately."""
        stages: dict[str, list[float]] = {}
        for _, _, spent in self._samples:
            for stage, seconds in spent.items():
                stages.setdefault(stage, []).append(seconds)
        return {
            stage: Delay(round(statistics.median(spent), 3), round(max(spent), 3))
            for stage, spent in stages.items()
        }


def _spent(verdicts: Verdicts) -> dict[str, float]:
    spent, began = dict[str, float](), verdicts.captured_at
    if verdicts.trail and verdicts.trail[0].read_at - began > _LONG_AGO_S:
        began = verdicts.trail[0].read_at
    before = began
    for stamp in verdicts.trail:
        # Clocks of two machines may differ by more than a stage takes.
        spent[stamp.stage] = max(0.0, stamp.done_at - before)
        before = stamp.done_at
    return {**spent, WHOLE: max(0.0, before - began)}
