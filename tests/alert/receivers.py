"""A program that takes webhooks, on a port of its own, which can go away and come back."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "a secret of the receiver's"


@dataclass(frozen=True)
class Request:
    """What came."""

    headers: dict[str, str]
    body: bytes
    at: float
    peer: int

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Answers each request with what `answer` says: a status, perhaps with headers; None hangs up.

    `path` is part of its address, as a token would be.
    """

    port: int = 0
    path: str = "/hook/token-that-nobody-must-see"
    answer: Callable[[Request], tuple[int, dict[str, str]] | None] = lambda _: (204, {})
    requests: list[Request] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def keys(self) -> list[str]:
        return [request.key for request in self.requests]

    def open(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(headers, body, time.time(), self.client_address[1])
                receiver.requests.append(request)
                answer = receiver.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, more = answer
                self.send_response(status)
                for name, value in {"Content-Length": "0", **more}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: Any) -> None:
                """Whoever is killed leaves broken connections behind."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Nobody listens any more; the port stays its own."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextlib.contextmanager
def receiving(**options: Any) -> Iterator[Receiver]:
    """A receiver that is closed at the end."""
    receiver = Receiver(**options)
    receiver.open()
    try:
        yield receiver
    finally:
        receiver.close()
