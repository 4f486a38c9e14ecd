"""Capture-to-verdict latency of four cameras at 10 fps, by stage.

    python -m benchmarks.latency [--seconds 40] [--fps 10]

The four videos are played at their own speed as live cameras (frames dropped when late, times by the clock).
Each record carries when every stage read it and handed it on; the table shows where the time goes.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.fleet_run import four_videos, run_fleet, server, site_of


def main() -> int:
    """Runs and prints p50 and p99 by stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--image-size", type=int, default=None)
    options = parser.parse_args()
    camera = {"fps": options.fps, "pace": "realtime"}
    if options.image_size:
        camera["image_size"] = options.image_size
    with server() as url:
        outcome = run_fleet(
            site_of(four_videos(), **camera), url, arguments=("--seconds", str(options.seconds))
        )
    if outcome.exit_code:
        print(outcome.output)
        return 1
    steps = [step for record in outcome.cameras.values() for _, step in record.verdicts]
    if not steps:
        print("no verdicts", outcome.output)
        return 1
    waits: dict[str, list[float]] = {}
    for step in steps:
        previous, name = step.captured_at, "capture"
        for stamp in step.trail:
            waits.setdefault(f"{name} -> {stamp.stage} reads", []).append(stamp.read_at - previous)
            waits.setdefault(f"{stamp.stage} works", []).append(stamp.done_at - stamp.read_at)
            previous, name = stamp.done_at, stamp.stage
        waits.setdefault("capture -> verdict", []).append(previous - step.captured_at)
    print(f"{len(steps)} steps with verdicts, milliseconds")
    print(f"{'':<28} {'p50':>8} {'p99':>8}")
    for name, values in waits.items():
        p50, p99 = np.quantile(values, [0.5, 0.99]) * 1000
        print(f"{name:<28} {p50:8.1f} {p99:8.1f}")
    dropped = {
        name: {key: int(n) for key, n in record.counters["ingest"].items() if key.startswith("dropped")}
        for name, record in outcome.cameras.items()
    }
    tracked = sum(len(record.tracks) for record in outcome.cameras.values())
    print(f"{tracked} frames tracked, dropped: {dropped}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
