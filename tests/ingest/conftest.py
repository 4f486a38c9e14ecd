"""A server of our own, and what reads from it as pose would."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from prometheus_client import REGISTRY

from shared import embedded
from shared.bus import Bus, BusError, Outcome, Run, streams
from shared.messages import Frame, Mark, Message, decode
from workers.ingest import worker
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.ring import RingPlan

QUICK = {"retry_min_s": 0.05, "retry_max_s": 0.2, "stall_s": 0.5, "open_timeout_s": 2, "mark_interval_s": 0.1}


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.running(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def flush(url: str) -> Callable[[], None]:
    """Empties the server."""

    def empty() -> None:
        with redis.Redis.from_url(url, protocol=2) as client:
            client.flushall()

    return empty


@pytest.fixture
def make_bus(url: str, flush: Callable[[], None]) -> Iterator[Callable[..., Bus]]:
    flush()
    made: list[Bus] = []

    def make(*live: str, kind: type[Bus] = Bus) -> Bus:
        made.append(kind(url, live=live))
        return made[-1]

    yield make
    for bus in made:
        bus.close()


def shown(metric: str, camera: str) -> float | None:
    """What /metrics says of a camera, None if nothing."""
    return REGISTRY.get_sample_value(metric, {"camera": camera})


class LossyBus(Bus):
    """Loses every third commit's request and every fourth one's reply."""

    calls = 0

    def commit(self, runs: list[Run]) -> list[Outcome]:  # type: ignore[override]
        self.calls += 1
        if self.calls % 3 == 0:
            raise BusError("request lost")
        outcomes = super().commit(runs)
        if self.calls % 4 == 0:
            raise BusError("reply lost")
        return outcomes


class Ingest:
    """An ingest worker in a thread."""

    def __init__(
        self,
        bus: Bus,
        cameras: dict[str, CameraOptions],
        name: str = "one",
        again: bool = True,
        ring: RingPlan | None = None,
        **config: object,
    ) -> None:
        self._stop = threading.Event()
        settings = IngestConfig.model_validate({**QUICK, **config})
        self._thread = threading.Thread(
            target=worker.run,
            args=(settings, cameras, bus, self._stop, name, again),
            kwargs={"ring": ring},
            daemon=True,
        )
        self._thread.start()

    def __enter__(self) -> Ingest:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        if self._thread.is_alive():
            raise AssertionError("the worker does not end")


class Reader:
    """Takes frames as pose does, and remembers them by camera as (entry id, message)."""

    def __init__(self, bus: Bus, *cameras: str) -> None:
        self._bus = bus
        self.seen: dict[str, list[tuple[str, Message]]] = {camera: [] for camera in cameras}
        self._cursors: dict[str, str] = {}
        for camera in cameras:
            bus.acquire(streams.lease_key("pose", camera), "pose:1", 600_000)
        self.rewind()

    def rewind(self) -> None:
        """Opens every camera anew, as after lost data."""
        for camera in self.seen:
            self._bus.acquire(streams.lease_key("pose", camera), "pose:1", 600_000)
            opened = self._bus.open("pose", camera, "pose:1", "frames")
            if opened is None:
                raise AssertionError("another reader")
            self._cursors[camera] = opened.cursor

    def frames(self, camera: str) -> list[Frame]:
        return [message for _, message in self.seen[camera] if isinstance(message, Frame)]

    def marks(self, camera: str) -> list[Mark]:
        return [message for _, message in self.seen[camera] if isinstance(message, Mark)]

    def ids(self, camera: str) -> list[tuple[int, int]]:
        return [streams.parse_id(entry_id) for entry_id, _ in self.seen[camera]]

    def ended(self, camera: str) -> bool:
        return any(mark.final for mark in self.marks(camera))

    def read(self, most: int = 16) -> None:
        found = self._bus.read("pose", "p", "frames", list(self.seen), most, 20)
        for camera, entries in found.items():
            ids = [entry_id for entry_id, _ in entries]
            run = Run(
                stage="pose",
                camera=camera,
                token="pose:1",
                previous=self._cursors[camera],
                last=ids[-1],
                reads="frames",
                inputs=ids,
            )
            if self._bus.commit([run]) != [Outcome.DONE]:
                raise AssertionError("the reader's commit was refused")
            self._cursors[camera] = ids[-1]
            self.seen[camera] += [(entry_id, decode(payload)) for entry_id, payload in entries]

    def until(self, done: Callable[[], bool], what: str = "what was awaited", most: int = 16) -> None:
        """Reads until `done`; fails after far longer than that takes."""
        deadline = time.monotonic() + 20
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not come")
            self.read(most)

    def until_ended(self, *cameras: str) -> None:
        self.until(lambda: all(self.ended(camera) for camera in cameras or self.seen), "the end")


def wait_for(done: Callable[[], bool], what: str) -> None:
    """Waits until `done`; fails after far longer than that takes."""
    deadline = time.monotonic() + 20
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come")
        time.sleep(0.01)


def lasting(message: Message) -> dict[str, object]:
    """A message without what differs between two runs of one file."""
    return {name: value for name, value in message if name not in ("trail", "monotonic_s")}


def options(source: Path | str, **more: object) -> CameraOptions:
    return CameraOptions.model_validate({"source": str(source), **more})
