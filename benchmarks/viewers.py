"""Live views: how late frames are for 200 viewers of one serve worker, one of whom takes nothing.

    python -m benchmarks.viewers [--viewers 200] [--seconds 60]

Four cameras of the simulated site at 10 fps are written into a real server (skeletons and verdicts, as pose
and classify would), `nexara worker serve` serves them, viewers are sockets in a process of their own. Told
are, with and without a viewer that never reads: messages a second, the time from a record's writing to the
viewer (p50, p99; of the others, where one is dead), the worker's CPU time and memory. Then one Chromium
alone: the time from the writing to the canvas. All clocks are this machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
import yaml

from benchmarks.viewers_browser import drawn
from benchmarks.viewers_side import Seen
from shared import embedded
from shared.store.database import Database
from tests.services.staged import SOURCES, StagedSite, moments_of
from tests.shared.fleet import wait_until
from workers.serve import people
from workers.serve.config import FIRST_PASSWORD_FILE

ROOT = Path(__file__).resolve().parents[1]
_BUS = "NEXARA_BENCH_BUS"
_SETTLE_S = 3.0
_MOMENTS_S = 6.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A serve worker that runs.

    Attributes:
        url: of its page, without a slash at the end.
        token: of a viewer.
        password: of the first user.
    """

    process: subprocess.Popen[bytes]
    url: str
    token: str
    password: str

    def memory_mib(self) -> float:
        """What it holds in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """CPU time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def main() -> int:
    """Runs all of it and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexara-bench-") as folder:
        place = Path(folder)
        with embedded.running(place / "server", max_memory="256mb") as url, writing(url):
            for dead in (0, 1):
                with serving(place, url, options.viewers) as served:
                    measure(served, options.viewers - dead, dead, options.seconds)
            with serving(place, url, options.viewers) as served:
                measure_browser(served, options.seconds / 2)
    return 0


def measure(served: Served, viewers: int, dead: int, seconds: float) -> None:
    """Lets so many watch for so long, and prints what they saw."""
    memory, began = {}, time.monotonic()
    cpu_s = served.cpu_s()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.viewers_side", served.url, served.token),
            *(str(viewers), str(dead), str(seconds)),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as side:  # fmt: skip
        for share in (1 / 6, 1 / 2, 1.0):
            time.sleep(max(0.0, began + share * seconds + _SETTLE_S - time.monotonic()))
            memory[share * seconds] = served.memory_mib()
        assert side.stdout is not None
        seen = Seen.from_json(side.stdout.read())
    cpu = (served.cpu_s() - cpu_s) / (time.monotonic() - began)
    kept = ", ".join(f"{mib:.0f} at {at:.0f} s" for at, mib in memory.items())
    print(
        f"{viewers} viewers, {dead} dead: {seen.messages / seconds:.0f} messages/s "
        f"({seen.frames / seconds / max(1, viewers):.1f} frames/s each), {told(seen.delays_ms)}, "
        f"slowest viewer p50 {seen.slowest_ms:.0f} ms; serve {cpu:.2f} cores, MiB {kept}",
        flush=True,
    )


def measure_browser(served: Served, seconds: float) -> None:
    """One Chromium on the wall."""
    delays = drawn(served.url, served.password, seconds)
    print(f"Chromium alone: {len(delays) / seconds:.1f} frames/s drawn, {told(delays)}")


def told(delays_ms: Sequence[float]) -> str:
    """Quantiles in words."""
    if not len(delays_ms):
        return "nothing seen"
    p50, p99 = np.percentile(delays_ms, (50, 99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {max(delays_ms):.0f} ms"


@contextlib.contextmanager
def writing(url: str) -> Iterator[None]:
    """Four cameras write, in a process of their own."""
    program = "from benchmarks.viewers import write; write()"
    environ = {**os.environ, _BUS: url, "PYTHONPATH": str(ROOT)}
    writer = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environ)
    try:
        with redis.Redis.from_url(url) as client:
            wait_until(lambda: client.exists("tracks:{cam:plaza}"), "the first frame")
        yield
    finally:
        writer.kill()
        writer.wait()


def write() -> None:
    """Writes until the process is killed."""
    with redis.Redis.from_url(os.environ[_BUS]) as client:
        StagedSite(client, moments_of(_MOMENTS_S)).run(threading.Event())


@contextlib.contextmanager
def serving(place: Path, bus_url: str, viewers: int) -> Iterator[Served]:
    """A serve worker for so many viewers."""
    contents = {
        "cameras": {name: {"source": source} for name, source in SOURCES.items()},
        "bus": {"url": f"${{{_BUS}}}", "data": str(place / "data")},
        "serve": {"port": 0, "max_viewers": 2 * viewers + 2},
        "metrics": {"port": 0},
    }
    site = place / "site.yaml"
    site.write_text(yaml.safe_dump(contents), encoding="utf-8")
    address = place / "data" / "serve" / "address"
    address.unlink(missing_ok=True)
    # The archive makes it, and none runs here.
    database_url = f"sqlite:///{place / 'data' / 'verdicts' / 'archive.db'}"
    (place / "data" / "verdicts").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "workers", "worker", "serve", "--site", str(site)],
        cwd=ROOT, env={**os.environ, _BUS: bus_url}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(address.exists, "the page")
        with closing(Database(database_url)) as database, database.writing() as connection:
            token = people.add_token(connection, f"bench-{time.time():.0f}", "viewer", time.time(), None)
        password = (address.parent / FIRST_PASSWORD_FILE).read_text(encoding="utf-8").strip()
        yield Served(process, address.read_text(encoding="utf-8").rstrip("/"), token, password)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
