"""How a worker fares: /metrics, /healthz and /readyz over HTTP.

Healthy means that every role's loop still goes round; who is not is to be restarted. Ready means that each
can also do its work: its nets are loaded and the server answers. An outage of the server makes workers
unready, not unhealthy: restarting them would not help.
"""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from shared import metrics
from shared.config import ConfigError

# Longer than any call to the server may take, and than opening forty cameras one after the other.
_SILENT_AFTER_S = 60.0
_REQUEST_S = 10.0


@dataclass
class Pulse:
    """One role's signs of life, written by its loop and read by whoever asks.

    Attributes:
        problem: what keeps the role from working, "" if nothing does.
    """

    role: str
    clock: Callable[[], float] = time.monotonic
    problem: str = "is starting"
    _turned_at: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Whoever asks for metrics is told what /readyz would say."""
        metrics.READY.labels(self.role).set_function(lambda: report([self], "readyz")[0])

    def turn(self, problem: str = "") -> None:
        """The loop has gone round once."""
        self._turned_at = self.clock()
        self.problem = problem

    @property
    def silent_s(self) -> float:
        """Seconds since the last turn; 0 before the first, because loading a net may take its time."""
        return 0.0 if self._turned_at is None else self.clock() - self._turned_at


def report(pulses: Sequence[Pulse], question: str) -> tuple[bool, dict[str, str]]:
    """Whether all roles are well, and each one's answer.

    Args:
        pulses: the roles of this process.
        question: `healthz` or `readyz`.
    """
    answers = {}
    for pulse in pulses:
        hangs = f"hangs for {pulse.silent_s:.0f} s" if pulse.silent_s > _SILENT_AFTER_S else ""
        answers[pulse.role] = (hangs or pulse.problem if question == "readyz" else hangs) or "ok"
    return all(answer == "ok" for answer in answers.values()), answers


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without asking a name server for our own name, which may take seconds where there is none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_S

    def log_message(self, *_: Any) -> None:
        """Nobody wants a line for each scrape."""


def serve(host: str, port: int, pulses: Sequence[Pulse]) -> int:
    """Answers /metrics, /healthz and /readyz from threads of their own; port 0 takes any free one.

    Returns:
        The port.

    Raises:
        ConfigError: the port is in use or not ours to take.
    """
    show_metrics = make_wsgi_app()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].strip("/")
        if path == "metrics":
            shown: Iterable[bytes] = show_metrics(environ, start_response)
            return shown
        if path not in ("healthz", "readyz"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/metrics, /healthz and /readyz are here\n"]
        well, answers = report(pulses, path)
        status = "200 OK" if well else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answers).encode() + b"\n"]

    try:
        server = make_server(host, port, answer, _Server, _Handler)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ConfigError(
            f"metrics.port: {host}:{port} {why}: choose another, or 0 for no metrics"
        ) from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return int(server.server_port)
