"""The viewers of benchmarks.viewers: sockets that read live views, and some that never do."""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import numpy as np

_CAPTURED = b'"captured_at":'
_FRAME = b'"type":"frame"'
_PING = 9
_CONNECTING_S = 3.0
_READ_BYTES = 2**18
# Of each frame that a viewer is sent a delay is kept; not more than so many of one viewer.
_KEPT = 20_000


@dataclass
class Seen:
    """What viewers saw.

    Attributes:
        delays_ms: from writing a record to reading its frame, a sample of all viewers'.
        slowest_ms: the median of the viewer with the largest.
    """

    messages: int = 0
    frames: int = 0
    delays_ms: list[float] = field(default_factory=list)
    slowest_ms: float = 0.0

    @classmethod
    def from_json(cls, text: bytes) -> Seen:
        """As the viewers' process printed it."""
        return cls(**json.loads(text))


class Viewer:
    """One open live view; sees the messages in what comes."""

    def __init__(self, url: str, token: str, receive_bytes: int | None = None) -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((parts.hostname, parts.port))
        lines = (
            "GET /api/v1/live HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13",
            f"Authorization: Bearer {token}",
        )  # fmt: skip
        self.socket.sendall("\r\n".join((*lines, "\r\n")).encode())
        self.buffer = bytearray()
        self.upgraded = False
        self.delays_ms: list[float] = []
        self.messages = self.frames = 0

    def read(self, counts: bool) -> None:
        """Take what has come.

        Raises:
            ConnectionError: the worker has closed.
        """
        chunk = self.socket.recv(_READ_BYTES)
        if not chunk:
            raise ConnectionError(bytes(self.buffer[:200]))
        now = time.time()
        self.buffer += chunk
        if not self.upgraded:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in self.buffer[:end]:
                raise ConnectionError(bytes(self.buffer[:200]))
            del self.buffer[: end + 4]
            self.upgraded = True
        for opcode, begin, length in self._whole_messages():
            if opcode == _PING:
                self._answer(bytes(self.buffer[begin : begin + length]))
            elif counts:
                self._count(bytes(self.buffer[begin : begin + min(length, 400)]), now)
        del self.buffer[: self._taken]

    def _answer(self, ping: bytes) -> None:
        """A pong says what the ping said; viewers mask what they say, if only with zeros."""
        self.socket.sendall(bytes((0x8A, 0x80 | len(ping), 0, 0, 0, 0)) + ping)

    def _whole_messages(self) -> list[tuple[int, int, int]]:
        """What messages are, where and how long; the server sends each in one frame."""
        found, at = [], 0
        while len(self.buffer) - at >= 2:
            short, head = self.buffer[at + 1], 2
            if short == 126:
                head, length = 4, int.from_bytes(self.buffer[at + 2 : at + 4], "big")
            elif short == 127:
                head, length = 10, int.from_bytes(self.buffer[at + 2 : at + 10], "big")
            else:
                length = short
            if len(self.buffer) < at + head + length:
                break
            found.append((self.buffer[at] & 15, at + head, length))
            at += head + length
        self._taken = at
        return found

    def _count(self, beginning: bytes, now: float) -> None:
        self.messages += 1
        if _FRAME not in beginning:
            return
        self.frames += 1
        at = beginning.index(_CAPTURED) + len(_CAPTURED)
        captured_at = float(beginning[at : beginning.index(b",", at)])
        if len(self.delays_ms) < _KEPT:
            self.delays_ms.append(1000 * (now - captured_at))


def watch(url: str, token: str, viewers: int, dead: int, seconds: float) -> Seen:
    """Watches so long, after everybody has come."""
    idle = [Viewer(url, token, receive_bytes=4096) for _ in range(dead)]
    waiting = selectors.DefaultSelector()
    watching = [Viewer(url, token) for _ in range(viewers)]
    for viewer in watching:
        viewer.socket.setblocking(False)
        waiting.register(viewer.socket, selectors.EVENT_READ, viewer)
    counts_at = time.monotonic() + _CONNECTING_S
    again_at = counts_at
    while (now := time.monotonic()) < counts_at + seconds:
        for key, _ in waiting.select(0.1):
            key.data.read(now >= counts_at)
        # Who takes nothing is cut off after ten seconds: another one comes, so that there always is one.
        if dead and now > again_at:
            again_at = now + 10
            idle = [*idle[-dead:], *(Viewer(url, token, receive_bytes=4096) for _ in range(dead))][
                -2 * dead :
            ]
    every = [viewer.delays_ms for viewer in watching]
    return Seen(
        messages=sum(viewer.messages for viewer in watching),
        frames=sum(viewer.frames for viewer in watching),
        delays_ms=[round(delay, 1) for delays in every for delay in delays[::5]],
        slowest_ms=max((float(np.median(delays)) for delays in every if delays), default=0.0),
    )


if __name__ == "__main__":
    URL, TOKEN = sys.argv[1:3]
    COUNTS = [float(number) for number in sys.argv[3:]]
    print(json.dumps(asdict(watch(URL, TOKEN, int(COUNTS[0]), int(COUNTS[1]), COUNTS[2]))))
