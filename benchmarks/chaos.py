"""Kill workers and lose replies; what comes out must be what an undisturbed run gives.

    python -m benchmarks.chaos [--kills 5] [--loss 0.02] [--seed 1]

Runs the four videos three times: undisturbed, with SIGKILL to pose and to classify at random moments, and
with a share of all of the server's replies lost on the way to the fleet. Tracks must have equal ids and
key points within 0.5 px, verdicts equal results and scores within 2e-3.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.end_to_end import count_frames, problems_of
from benchmarks.fleet_run import Outcome, Record, four_videos, run_fleet, server, site_of
from shared.bus import Bus
from shared.messages import Expert, Verdict
from tests.shared.proxy import LossyProxy

_PIXELS = 0.5
_SCORE = 2e-3


def main() -> int:
    """Runs, compares and prints; 0 if every disturbed run equals the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="SIGKILLs to each of pose and classify.")
    parser.add_argument(
        "--loss", type=float, default=0.02, help="Share of the server's replies that are lost."
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    videos = four_videos()
    site = site_of(videos)
    with server() as url:
        calm = run_fleet(site, url)
    print(f"undisturbed: {calm.seconds:.0f} s, {summary(calm)}")
    good = calm.exit_code == 0
    cameras = [video.stem for video in videos]
    frames = sum(count_frames(video) for video in videos)
    with server() as url:
        killer = Killer(url, cameras, frames, options.kills, options.seed)
        killed = run_fleet(site, url, meanwhile=killer)
    print(f"killed: {killer.kills} in {killed.seconds:.0f} s, {summary(killed)}")
    good = report(videos, calm, killed) and good and sum(killer.kills.values()) == 2 * options.kills
    with server() as url, LossyProxy(url, options.loss, seed=options.seed) as proxy:
        lossy = run_fleet(site, url, fleet_url=proxy.url)
        print(f"{proxy.lost} replies lost: {lossy.seconds:.0f} s, {summary(lossy)}")
    good = report(videos, calm, lossy) and good
    print("all equal" if good else "NOT as it should be")
    return 0 if good else 1


class Killer:
    """Sends SIGKILL to pose and classify, in turn, at random points of the run's progress."""

    def __init__(self, url: str, cameras: Sequence[str], frames: int, kills: int, seed: int) -> None:
        self.kills = {"pose": 0, "classify": 0}
        self._url = url
        self._cameras = cameras
        dice = random.Random(seed)
        self._moments = sorted(dice.randrange(frames // 20, frames * 19 // 20) for _ in range(2 * kills))

    def __call__(self, supervisor: int, ended: threading.Event) -> None:
        """Kills until every role had its share or the fleet has ended."""
        roles = itertools.cycle(("pose", "classify"))
        with contextlib.closing(Bus(self._url)) as bus:
            for moment, role in zip(self._moments, roles, strict=False):
                while self._tracked(bus) < moment and not ended.wait(0.05):
                    pass
                while not (processes := worker_processes(supervisor, role)) and not ended.wait(0.02):
                    pass
                if ended.is_set():
                    return
                os.kill(processes[0], signal.SIGKILL)
                self.kills[role] += 1

    def _tracked(self, bus: Bus) -> int:
        return sum(int(bus.counters("pose", camera).get("read", 0)) for camera in self._cameras)


def worker_processes(supervisor: int, role: str) -> list[int]:
    """Process ids of a supervisor's workers in a role, from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            continue
        if parent == supervisor and b"worker" in command and role.encode() in command:
            found.append(int(entry.name))
    return found


def summary(outcome: Outcome) -> str:
    """Totals of a run."""
    tracks = sum(len(record.tracks) for record in outcome.cameras.values())
    verdicts = sum(len(step.verdicts) for record in outcome.cameras.values() for _, step in record.verdicts)
    return f"{tracks} Tracks records, {verdicts} verdicts, exit code {outcome.exit_code}"


def report(videos: list[Path], calm: Outcome, disturbed: Outcome) -> bool:
    """Prints how far a disturbed run is from the undisturbed one; whether they are equal."""
    good = disturbed.exit_code == 0
    for video in videos:
        first, second = calm.cameras[video.stem], disturbed.cameras[video.stem]
        problems = problems_of(second, count_frames(video)) + differences(first, second)
        good = good and not problems
        print(f"  {video.stem}: {'; '.join(problems) or 'equal'}")
    if disturbed.exit_code:
        print(disturbed.output[-2000:], disturbed.log_directory[-2000:])
    return good


def differences(first: Record, second: Record) -> list[str]:
    """What differs between two records of one camera."""
    found = []
    if [entry for entry, _ in first.tracks] != [entry for entry, _ in second.tracks]:
        found.append("other Tracks entries")
    pairs = list(zip(first.tracks, second.tracks, strict=False))
    if wrong := sum(not np.array_equal(a.track_ids, b.track_ids) for (_, a), (_, b) in pairs):
        found.append(f"track ids differ in {wrong} frames")
    else:
        gaps = [
            float(np.abs(a.keypoints - b.keypoints)[..., :2].max(initial=0.0)) for (_, a), (_, b) in pairs
        ]
        if max(gaps, default=0.0) > _PIXELS:
            found.append(f"key points differ by up to {max(gaps):.2f} px")
    mine, theirs = _by_name(first), _by_name(second)
    experts = first.verdicts[0][1].experts if first.verdicts else ()
    if mine.keys() != theirs.keys():
        found.append(f"{len(mine.keys() ^ theirs.keys())} verdicts stand in one run only")
    count = _count(mine, theirs, lambda a, b: a.result != b.result and not _on_threshold(a, experts))
    if count:
        found.append(f"{count} results differ")
    if count := _count(mine, theirs, _apart):
        found.append(f"{count} scores differ")
    return found


def _by_name(record: Record) -> dict[tuple[str, int], Verdict]:
    return {
        (entry, verdict.track_id): verdict for entry, step in record.verdicts for verdict in step.verdicts
    }


def _count(
    mine: Mapping[tuple[str, int], Verdict],
    theirs: Mapping[tuple[str, int], Verdict],
    differs: Callable[[Verdict, Verdict], bool],
) -> int:
    return sum(differs(mine[name], theirs[name]) for name in mine.keys() & theirs.keys())


def _apart(one: Verdict, other: Verdict) -> bool:
    """Whether any score differs, or one run asked an expert that the other did not ask."""
    pairs = zip((one.score, *one.scores), (other.score, *other.scores), strict=True)
    return any((a is None) != (b is None) or abs((a or 0.0) - (b or 0.0)) > _SCORE for a, b in pairs)


def _on_threshold(verdict: Verdict, experts: tuple[Expert, ...]) -> bool:
    """Whether the result hangs on the last digit of a score."""
    own = zip((verdict.score, *verdict.scores[1:]), experts, strict=True)
    return any(
        score is not None and expert.threshold is not None and abs(score - expert.threshold) <= _SCORE
        for score, expert in own
    )


if __name__ == "__main__":
    sys.exit(main())
