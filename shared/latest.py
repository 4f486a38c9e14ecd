"""The last verdict of every track, readable between inferences."""

from __future__ import annotations

from shared.messages import Verdict, Verdicts


class LatestVerdicts:
    """What was last said of each track of one camera; a verdict older than `keep_s` is forgotten."""

    def __init__(self, keep_s: float = 10.0) -> None:
        self.keep_s = keep_s
        self._latest: dict[int, Verdict] = {}

    def push(self, verdicts: Verdicts) -> None:
        """Take one record."""
        for verdict in verdicts.verdicts:
            self._latest[verdict.track_id] = verdict
        oldest = verdicts.at - self.keep_s
        self._latest = {
            track: verdict for track, verdict in self._latest.items() if verdict.last_at >= oldest
        }

    def of(self, track_id: int, at: float) -> tuple[Verdict, float] | None:
        """The last verdict and its age in seconds at a frame's time; None where there is none."""
        verdict = self._latest.get(track_id)
        if verdict is None or at - verdict.last_at > self.keep_s:
            return None
        return verdict, at - verdict.last_at
