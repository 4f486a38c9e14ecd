"""Workers that run the loop in threads or in processes of their own, to be stopped, stalled and killed."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.bus import Bus
from shared.bus.streams import dead_key
from shared.loop import Loop
from shared.messages import decode
from shared.stage import Stage
from tests.shared import story
from tests.shared.stepped import Fate, Wire

LEASE_S = 1.0
ROOT = Path(__file__).resolve().parents[2]


def wait_until(true: Callable[[], bool], what: str, check: Callable[[], object] = lambda: None) -> None:
    """Waits for something; `check` may raise meanwhile."""
    deadline = time.monotonic() + 40
    while not true():
        check()
        if time.monotonic() > deadline:
            pytest.fail(f"waited 40 s for {what}")
        time.sleep(0.01)


class Worker:
    """A loop in a thread. `kill` ends it as a crash would: nothing of it reaches the server any more."""

    def __init__(
        self,
        stage: Stage,
        url: str,
        cameras: Sequence[str],
        name: str,
        live: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._fate = Fate()
        client = redis.Redis.from_url(url, protocol=2, socket_timeout=2.0, socket_connect_timeout=1.0)
        self._bus = Bus(url, live, client=Wire(client, self._fate, blocks=True))  # type: ignore[arg-type]
        self._loop = Loop(stage, self._bus, cameras, name, **{"lease_s": LEASE_S, **options})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker-{name}", daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._fate.dead = True
        self._stop.set()

    def close(self) -> None:
        """Stops it and tells its error, if it ended with one."""
        self._stop.set()
        self.join()
        if self.error is not None:
            raise self.error

    def join(self) -> None:
        self._thread.join(20)
        if self._thread.is_alive():
            pytest.fail(f"worker {self.name} does not end")
        self._bus.close()

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self._loop.run(self._stop)
        except Exception as error:
            self.error = error


@contextlib.contextmanager
def process(url: str, cameras: Sequence[str], name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of the chain story in a process of its own."""
    command = [sys.executable, "-m", "tests.shared.fleet", name, *cameras]
    environ = {**os.environ, "FLEET_URL": url, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


class Source:
    """Publishes the story of each camera, a few records at a time, whatever becomes of the server."""

    def __init__(self, url: str, counts: dict[str, int]) -> None:
        self._client = redis.Redis.from_url(url, protocol=2, socket_timeout=2.0)
        self._bus = Bus(url, client=self._client)
        self._counts = counts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            for camera, count in self._counts.items():
                with contextlib.suppress(Exception):  # the server is away: again
                    self._publish(camera, count)

    def _publish(self, camera: str, count: int) -> None:
        done = int(self._bus.counters("ingest", camera).get("cursor", "0-0").partition("-")[0])
        if done < count:
            story.publish(self._bus, self._client.set, camera, min(8, count - done))


def assert_undisturbed(
    url: str, counts: dict[str, int], memory: type[story.Chain] | type[story.Recent] = story.Chain
) -> None:
    """The outputs and dead letters must be those of a run without faults."""
    with redis.Redis.from_url(url, protocol=2) as client:
        bus = Bus(url, client=client)
        for camera, count in counts.items():
            outputs, dead = story.expected(memory, count)
            stored = [(i, decode(data).reason) for i, data in bus.history("tracks", camera, "-", "+")]
            assert stored == outputs
            assert [fields[b"id"].decode() for _, fields in client.xrange(dead_key(camera))] == dead


def finished(bus: Bus, counts: dict[str, int]) -> Callable[[], bool]:
    """Whether pose has committed every record of the story."""

    def done() -> bool:
        with contextlib.suppress(Exception):
            return all(bus.counters("pose", c).get("cursor") == f"{n}-0" for c, n in counts.items())
        return False

    return done


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("cameras", nargs="+")
    arguments = parser.parse_args()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    bus = Bus(os.environ["FLEET_URL"])
    Loop(story.stage(story.Chain), bus, arguments.cameras, arguments.name, lease_s=LEASE_S).run(stop)


if __name__ == "__main__":
    main()
