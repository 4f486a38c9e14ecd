"""What metrics cost: the fleet's throughput with them, scraped as configs/prometheus does, and without any.

    python -m benchmarks.metrics_cost [--rounds 3] [--image-size 640]

Without means that nothing is counted at all: the workers run with every counter, gauge and histogram replaced
by nothing, the questions to the server that serve metrics alone left out, and no port served. Runs alternate,
so that a machine whose speed drifts does not favour one of them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import sys
import tempfile
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fleet_run import ROOT, four_videos, run_fleet, server, site_of

_PORT = 29108
_WORKERS = 4
_SCRAPE_S = 5.0
_TIMEOUT_S = 300.0

# Python runs this before anything else; only workers are changed, not `up` and what it shows.
_WITHOUT = """
import sys
if "worker" in sys.orig_argv:
    from prometheus_client import Counter, Gauge, Histogram
    from prometheus_client.metrics import MetricWrapperBase
    nothing = lambda self, *_, **__: None
    MetricWrapperBase.labels = lambda self, *_, **__: self
    Counter.inc = Histogram.observe = nothing
    Gauge.set = Gauge.set_function = Gauge.remove = nothing
    from shared.bus import Ownership
    from shared.loop.committer import Committer
    from shared.loop.reader import Reader
    from workers.ingest import worker
    Reader._measure = Committer._measure = worker._Fleet._measure = nothing
    Ownership._look_at_server = nothing
"""


def main() -> int:
    """Runs both in turn and prints rates, CPU time and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--image-size", type=int, default=640)
    options = parser.parse_args()
    rates: dict[bool, list[float]] = {True: [], False: []}
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(options.rounds):
        # The first of a pair finds the caches of the disk colder: take turns.
        for measured in (True, False) if number % 2 else (False, True):
            rate, cpu_seconds = run(measured, options.image_size)
            rates[measured].append(rate)
            seconds[measured].append(cpu_seconds)
            kind = "with" if measured else "without"
            print(f"round {number + 1}, {kind}: {rate:.1f} frames/s, {cpu_seconds:.1f} CPU s, start included")
    for what, with_metrics, without in (
        ("frames/s", rates[True], rates[False]),
        ("frames for each CPU second", *([1 / s for s in seconds[kind]] for kind in (True, False))),
    ):
        ratios = [on / off for on, off in zip(with_metrics, without, strict=True)]
        shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{what}, with / without: {statistics.median(ratios):.3f} ({shown})")
    return 0


def run(measured: bool, image_size: int) -> tuple[float, float]:
    """Frames a second of one run, and the CPU time of all its processes, seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    port = _PORT if measured else 0
    site = {**site_of(four_videos(), image_size=image_size), "metrics": {"port": port}}
    scraped: Counter[int] = Counter()
    with contextlib.nullcontext() if measured else without_metrics(), server() as url:
        outcome = run_fleet(
            site,
            url,
            meanwhile=lambda _, ended: scrape(ended, scraped) if measured else None,
            timeout_s=_TIMEOUT_S,
        )
    if outcome.exit_code:
        sys.exit(outcome.output)
    if measured and len(scraped) < _WORKERS:
        sys.exit("not every worker served its metrics: nothing was measured")
    frames = sum(len(record.tracks) for record in outcome.cameras.values())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return frames / outcome.working_seconds, cpu_seconds


@contextlib.contextmanager
def without_metrics() -> Iterator[None]:
    """Processes started meanwhile count nothing."""
    before = os.environ.get("PYTHONPATH")
    with tempfile.TemporaryDirectory(prefix="nexara-bench-") as folder:
        (Path(folder) / "sitecustomize.py").write_text(_WITHOUT, encoding="utf-8")
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, str(ROOT), *([before] if before else [])])
        try:
            yield
        finally:
            del os.environ["PYTHONPATH"]
            if before is not None:
                os.environ["PYTHONPATH"] = before


def scrape(ended: threading.Event, scraped: Counter[int]) -> None:
    """Reads every worker's metrics every few seconds, as configs/prometheus has it."""
    while not ended.wait(_SCRAPE_S):
        for worker in range(_WORKERS):
            page = f"http://127.0.0.1:{_PORT + worker}/metrics"
            with contextlib.suppress(OSError), urllib.request.urlopen(page, timeout=5) as answer:
                scraped[worker] += len(answer.read()) > 0


if __name__ == "__main__":
    sys.exit(main())
