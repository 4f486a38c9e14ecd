"""Kills the alert worker at random while its receivers are away; every change must arrive all the same.

    python -m benchmarks.alert_kills [--incidents 300] [--outage 60] [--database postgresql://...] [--seed 1]

Incidents of one camera are put into an embedded server's stream while `nexara worker alert` runs, is killed
with SIGKILL, and is started again. A real MQTT broker (mosquitto) and a local HTTP receiver are both away for
a while. At the end each of them must have had every change of every incident, under its key.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import redis
import yaml

from shared import embedded
from shared.bus.streams import stream_key
from shared.messages import encode
from tests.alert.broker import Broker, Listener, broking, listening, program
from tests.alert.receivers import SECRET, Receiver, receiving
from tests.alert.scenes import incident, record

CAMERA = "lobby"
_CHANGES = ("new", "update", "end")
_BEFORE_S, _AFTER_S = 15.0, 15.0
_LIVES_S = (0.5, 12.0)
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Came:
    """What a receiver has had.

    Attributes:
        counts: key -> how often.
        late_s: when the last of what was told before the receiver came back was there, after its return.
    """

    counts: Counter[str]
    late_s: float

    def said(self, name: str, expected: set[str]) -> str:
        """The result in words."""
        missing, again = expected - self.counts.keys(), sum(count > 1 for count in self.counts.values())
        lost = f"{len(missing)} LOST" if missing else "none lost"
        most = max(self.counts.values(), default=0)
        late = f"what had waited was there {self.late_s:.1f} s after the return"
        return f"{name}: {lost}, {again} came again (at most {most} times), {late}"


def main() -> int:
    """Runs and prints; 0 if nothing is lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--incidents", type=int, default=300)
    parser.add_argument("--outage", type=float, default=60.0, help="seconds that both receivers are away")
    parser.add_argument("--database", help="an empty one; default: SQLite in a file")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if program() is None:
        print("needs mosquitto: apt install mosquitto")
        return 2
    expected = {
        f"{number:016x}-{3 * number + place}-0-{change}"
        for number in range(1, arguments.incidents + 1)
        for place, change in enumerate(_CHANGES)
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(embedded.running(folder / "data"))
        receiver = stack.enter_context(receiving())
        broker = stack.enter_context(broking(folder / "broker"))
        listener = stack.enter_context(listening(broker.port, topic=f"nexara/{CAMERA}/incidents"))
        site = _site(folder, receiver, broker, arguments.database)
        kills, back_at = _run(url, site, receiver, broker, listener, expected, arguments)
        http = _came([(request.body, request.at) for request in receiver.requests], back_at)
        mqtt = _came(_heard(listener), back_at)
    print(
        f"{len(expected)} changes of {arguments.incidents} incidents, {kills} kills, "
        f"both receivers away for {arguments.outage:.0f} s"
    )
    print(http.said("HTTP", expected))
    print(mqtt.said("MQTT", expected))
    return int(not expected <= http.counts.keys() & mqtt.counts.keys())


def _site(folder: Path, receiver: Receiver, broker: Broker, database: str | None) -> Path:
    site = {
        "cameras": {CAMERA: {"source": "lobby.mp4"}},
        "bus": {"data": str(folder / "data")},
        "archive": {"database": database or f"sqlite:///{folder / 'data' / 'archive.db'}"},
        "metrics": {"port": 0},
        "alert": {
            "webhooks": {"office": {"url": receiver.url, "secret": SECRET}},
            "mqtt": {"home": {"host": "127.0.0.1", "port": broker.port}},
        },
    }
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(site))
    return path


def _run(
    url: str,
    site: Path,
    receiver: Receiver,
    broker: Broker,
    listener: Listener,
    expected: set[str],
    arguments: argparse.Namespace,
) -> tuple[int, float]:
    """Runs until both have everything; returns the number of kills, and when both came back."""
    rng, over, back = random.Random(arguments.seed), threading.Event(), [0.0]
    lasts_s = _BEFORE_S + arguments.outage + _AFTER_S

    def outage() -> None:
        time.sleep(_BEFORE_S)
        receiver.close()
        broker.close()
        time.sleep(arguments.outage)
        broker.open()
        receiver.open()
        back[0] = time.time()

    threads = [
        threading.Thread(target=_publish, args=(url, arguments.incidents, lasts_s / arguments.incidents)),
        threading.Thread(target=outage),
    ]
    for thread in threads:
        thread.start()
    worker = [sys.executable, "-m", "workers", "-v", "worker", "alert", "--site", str(site)]
    kills, deadline = 0, time.monotonic() + lasts_s + _PATIENCE_S
    with (site.parent / "worker.log").open("wb") as log:
        while not over.is_set() and time.monotonic() < deadline:
            process = subprocess.Popen(worker, stdout=log, stderr=log)
            until = time.monotonic() + rng.uniform(*_LIVES_S)
            while time.monotonic() < until and not over.is_set():
                time.sleep(0.2)
                if back[0] and expected <= set(receiver.keys) & _came(_heard(listener), 0.0).counts.keys():
                    over.set()
            process.kill()
            process.wait()
            kills += not over.is_set()
    for thread in threads:
        thread.join()
    return kills, back[0]


def _publish(url: str, incidents: int, pause_s: float) -> None:
    with redis.Redis.from_url(url, protocol=2) as client:
        for number in range(1, incidents + 1):
            for place, change in enumerate(_CHANGES):
                entry = 3 * number + place
                message = encode(record(entry, incident(change, f"{number:016x}"), camera=CAMERA))
                client.xadd(stream_key("incidents", CAMERA), {"m": message}, id=f"{entry}-0")
                time.sleep(pause_s / len(_CHANGES))


def _heard(listener: Listener) -> list[tuple[bytes, float]]:
    return [(text.encode(), at) for text, at in listener.all(f"nexara/{CAMERA}/incidents")]


def _came(bodies: list[tuple[bytes, float]], back_at: float) -> Came:
    first: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for body, at in bodies:
        event = json.loads(body)
        counts[event["key"]] += 1
        if datetime.fromisoformat(event["told_at"]).timestamp() < back_at:
            first.setdefault(event["key"], at)
    return Came(counts, max(0.0, max(first.values(), default=back_at) - back_at))


if __name__ == "__main__":
    sys.exit(main())
