"""The real worker, killed between the receiver's answer and its own mark, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from shared import embedded
from shared.bus.streams import stream_key
from shared.messages import encode
from shared.processes import end_with_parent
from tests.alert.receivers import SECRET, Receiver, Request
from tests.alert.scenes import ID, incident, record
from tests.shared.fleet import wait_until

CHANGES = ("new", "update", "end")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with embedded.running(tmp_path / "data") as url:
        yield url


@pytest.fixture
def worker(
    tmp_path: Path, receiver: Receiver, server: str
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts workers; they end with the test."""
    site = {
        "cameras": {"yard": {"source": "yard.mp4"}},
        "bus": {"data": str(tmp_path / "data")},
        "archive": {"database": f"sqlite:///{tmp_path / 'outbox.db'}"},
        "metrics": {"port": 0},
        "alert": {"webhooks": {"office": {"url": "${OFFICE_URL}", "secret": "${OFFICE_SECRET}"}}},
    }
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(site))
    started = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "workers",
                    "-vv",
                    "worker",
                    "alert",
                    "--site",
                    str(tmp_path / "site.yaml"),
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "OFFICE_URL": receiver.url, "OFFICE_SECRET": SECRET},
                preexec_fn=end_with_parent(os.getpid()),
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_who_is_killed_before_it_could_mark_sends_again_with_the_same_key(
    server: str,
    receiver: Receiver,
    worker: Callable[[], subprocess.Popen[bytes]],
    tmp_path: Path,
    rows: Callable[[str], list[dict[str, Any]]],
) -> None:
    running: list[subprocess.Popen[bytes]] = []

    def takes_it_and_kills(_request: Request) -> tuple[int, dict[str, str]]:
        os.kill(running[-1].pid, signal.SIGKILL)
        running[-1].wait()
        return 204, {}

    receiver.answer = takes_it_and_kills
    running.append(worker())
    with redis.Redis.from_url(server, protocol=2) as client:
        for number, change in enumerate(CHANGES, start=1):
            message = encode(record(number, incident(change)))
            client.xadd(stream_key("incidents", "yard"), {"m": message}, id=f"{number}-0")
    log = tmp_path / "worker.log"

    def alive() -> None:
        assert running[-1].poll() in (None, -signal.SIGKILL), log.read_text()

    wait_until(lambda: running[-1].poll() is not None, "the first request", check=alive)
    receiver.answer = lambda _: (204, {})
    running.append(worker())
    expected = [f"{ID}-{number}-0-{change}" for number, change in enumerate(CHANGES, start=1)]
    wait_until(lambda: set(expected) <= set(receiver.keys[1:]), "all changes", check=alive)
    assert receiver.keys == [expected[0], *expected]
    assert receiver.requests[0].body == receiver.requests[1].body
    url = f"sqlite:///{tmp_path / 'outbox.db'}"
    wait_until(lambda: {row["state"] for row in rows(url)} == {"sent"}, "the marks")
    said = log.read_text() + " ".join(running[-1].args if isinstance(running[-1].args, list) else [])
    assert SECRET not in said
    assert receiver.path not in said
