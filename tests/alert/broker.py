"""A mosquitto of one's own, which can go away and come back, and somebody who listens to it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def program() -> str | None:
    """Where mosquitto is; Debian puts it where only root looks."""
    return shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker; its sessions and what is retained outlive its absence."""

    folder: Path
    lines: tuple[str, ...] = ("allow_anonymous true",)
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        found = program()
        assert found is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            "\n".join(
                [
                    *(f"listener {self.port} 127.0.0.1", "user root", "max_queued_messages 0"),
                    *("persistence true", f"persistence_location {self.folder}/", *self.lines, ""),
                ]
            )
        )
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([found, "-c", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if time.monotonic() > deadline:
                raise RuntimeError((self.folder / "mosquitto.log").read_text())
            time.sleep(0.02)

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@dataclass
class Listener:
    """Hears everything below a topic, also what came while the broker was away."""

    port: int
    topic: str = "#"
    name: str = "listener"
    messages: list[tuple[str, bytes, bool, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        ready = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=self.name, clean_session=False)
        client.reconnect_delay_set(1, 1)

        def connected(*_: Any) -> None:
            client.subscribe(self.topic, qos=1)

        def heard(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
            with self._lock:
                self.messages.append((message.topic, message.payload, message.retain, time.time()))

        client.on_connect, client.on_message = connected, heard
        client.on_subscribe = lambda *_: ready.set()
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        assert ready.wait(10)
        self._client = client

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def last(self, topic: str) -> str | None:
        """What was said last on a topic."""
        with self._lock:
            found = [payload for name, payload, _, _ in self.messages if name == topic]
        return found[-1].decode() if found else None

    def all(self, topic: str) -> list[tuple[str, float]]:
        """What was said on a topic, and when."""
        with self._lock:
            return [(payload.decode(), at) for name, payload, _, at in self.messages if name == topic]


@contextlib.contextmanager
def broking(folder: Path, **options: Any) -> Iterator[Broker]:
    """A broker that runs."""
    broker = Broker(folder, **options)
    broker.open()
    try:
        yield broker
    finally:
        broker.close()


@contextlib.contextmanager
def listening(port: int, **options: Any) -> Iterator[Listener]:
    """Somebody who listens."""
    listener = Listener(port, **options)
    listener.open()
    try:
        yield listener
    finally:
        listener.close()
