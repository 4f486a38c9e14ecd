"""Recordings of the demonstration's cameras judged again: equal to the live run, and how much faster.

    python -m benchmarks.replay [--seconds 60] [--seed 7300]

The fleet judges four simulated cameras as fast as it can; their tracks are recorded from its server and
judged again without one. Equal means docs/replay.md's: entries, tracks and results, scores within 2e-3.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.fleet_run import Outcome, run_fleet, server
from shared.bus import Bus
from shared.bus.streams import START
from shared.recording import SUFFIX, Head, recording_to
from workers.cli.demo import SITE, recorded
from workers.cli.recorded.pipeline import Pipeline, RecordedRules, verdicts_of
from workers.cli.recorded.recorder import Recorder
from workers.cli.recorded.settings import settings_of
from workers.cli.recorded.takes import Shelf, shelf_of
from workers.cli.recorded.verdict_logs import Difference, Name, Said, compared, named
from workers.cli.site import compose, load


def main() -> int:
    """Runs and prints; 0 if every replay equals the live run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=7300)
    options = parser.parse_args()
    contents = recorded(compose(SITE, (), {}), options.seconds, options.seed)
    for camera in contents["cameras"].values():
        del camera["pace"]
    contents |= {"metrics": {"port": 0}, "processes": {"serve": 0}}
    with server() as url, tempfile.TemporaryDirectory(prefix="nexara-replay-") as name:
        live = run_fleet(contents, url)
        if live.exit_code:
            print(live.output[-2000:])
            return 1
        folder = Path(name)
        began = time.process_time()
        record(url, list(contents["cameras"]), folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        shelf = shelf_of([folder])
        seconds = sum(take.seconds for take in shelf.takes)
        print(f"recorded {seconds:.0f} camera-seconds in {time.process_time() - began:.1f} CPU s:"
              f" {size / 1e6:.1f} MB, {3600 * size / seconds / 1e6:.0f} MB a camera-hour")  # fmt: skip
        equal = [replayed(shelf, camera, live) for camera in sorted(contents["cameras"])]
    print("all equal" if all(equal) else "NOT equal")
    return 0 if all(equal) else 1


def record(url: str, cameras: list[str], folder: Path) -> None:
    """All that is in the cameras' streams, into a file each."""
    with contextlib.closing(Bus(url)) as bus:
        for camera in cameras:
            head = Head(camera=camera, made_at=time.time(), fleet_version="benchmark")
            with recording_to(folder / f"{camera}{SUFFIX}", head) as writer:
                recorder = Recorder(bus, camera, writer, from_now=False)
                while recorder.cursor == START or not recorder.ended:
                    found = bus.follow({recorder.key: recorder.cursor}, 200, 0)
                    entries = found.get(recorder.key, [])
                    recorder.take(entries, all_there=len(entries) < 200)


def replayed(shelf: Shelf, camera: str, live: Outcome) -> bool:
    """Judges one camera again and says how that went."""
    settings = settings_of(load(SITE), {})
    stages = settings.stages(RecordedRules(shelf.rules, settings.rules, {}))
    [take] = [take for take in shelf.takes if take.camera == camera]
    began, cpu = time.monotonic(), time.process_time()
    said: dict[Name, Said] = {}
    for step in Pipeline(camera, *stages).judge(take.entries()):
        if (verdicts := verdicts_of(step)) is not None:
            said.update(named(step.entry_id, verdicts))
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    theirs = dict(pair for entry, record in live.cameras[camera].verdicts for pair in named(entry, record))
    difference: Difference = compared(theirs, said)
    alone = len(difference.missing) + len(difference.extra)
    print(
        f"  {camera}: {take.seconds:.0f} s in {took:.1f} s: {take.seconds / took:.0f} times real time"
        f" ({cpu:.1f} CPU s); {difference.same} verdicts equal, {len(difference.results)} results and"
        f" {len(difference.scores)} scores differ, {alone} in one only"
    )
    return difference.is_none


if __name__ == "__main__":
    sys.exit(main())
