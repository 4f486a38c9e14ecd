"""Who is around the demonstration's fleet: a program that takes its news, somebody at its page."""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from shared.store.database import Database
from workers.serve import people
from workers.serve.config import ADDRESS_FILE

_PAGE_S, _ANSWER_S, _BETWEEN_S = 120.0, 10.0, 2.0
# The last one is not there.
_ASKED = ("/api/v1/cameras", "/api/v1/incidents", "/api/v1/system", "/api/v1/incidents/0123456789abcdef")


@contextlib.contextmanager
def taking_news() -> Iterator[str]:
    """A program that takes every webhook.

    Yields:
        Its URL.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/news"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def at_the_page(data: Path) -> Iterator[None]:
    """Two who watch, one who leaves again, one whose password is wrong, and a program that asks the API.

    Args:
        data: of a fleet whose page is about to open.
    """
    url = _address(data)
    _guess(url)
    where = f"sqlite:///{data / 'verdicts' / 'archive.db'}"
    with closing(Database(where)) as database, database.writing() as connection:
        token = people.add_token(connection, "demonstration", "viewer", time.time(), None)
    headers = {"Authorization": f"Bearer {token}"}
    live = f"{url.replace('http', 'ws', 1)}/api/v1/live"
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        with connect(live, additional_headers=headers):
            pass
        views = [
            stack.enter_context(connect(live, additional_headers=headers, max_size=None)) for _ in range(2)
        ]
        threads = [threading.Thread(target=_watch, args=(view,)) for view in views]
        threads.append(threading.Thread(target=_ask, args=(url, headers, stop)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            stack.close()
            for thread in threads:
                thread.join()


def _address(data: Path) -> str:
    path = data / "serve" / ADDRESS_FILE
    until = time.monotonic() + _PAGE_S
    while not path.exists():
        if time.monotonic() > until:
            sys.exit(f"the page did not open within {_PAGE_S:.0f} s")
        time.sleep(0.5)
    return path.read_text(encoding="utf-8").rstrip("/")


def _watch(view: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in view:
            pass


def _guess(url: str) -> None:
    body = b'{"name": "admin", "password": "not the password"}'
    request = urllib.request.Request(f"{url}/login", body, {"Content-Type": "application/json"})
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=_ANSWER_S).close()


def _ask(url: str, headers: Mapping[str, str], stop: threading.Event) -> None:
    for path in itertools.cycle(_ASKED):
        if stop.wait(_BETWEEN_S):
            return
        request = urllib.request.Request(url + path, headers=dict(headers))
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
            answer.read()


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing: what it took is in the metrics."""
