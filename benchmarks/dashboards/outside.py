"""Who is around the demonstration's fleet: a program that takes its news, somebody at its page."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.viewers_side import Viewer
from shared.store.database import Database
from workers.serve import people
from workers.serve.config import ADDRESS_FILE

_PAGE_S = 120.0


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
    """Two who watch the page, one who takes nothing and is cut off, and one whose password is wrong.

    Args:
        data: of a fleet whose page is about to open.
    """
    url = _address(data)
    guess = urllib.request.Request(
        f"{url}/login",
        b'{"name": "admin", "password": "not the password"}',
        {"Content-Type": "application/json"},
    )
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(guess, timeout=10).close()
    where = f"sqlite:///{data / 'verdicts' / 'archive.db'}"
    with closing(Database(where)) as database, database.writing() as connection:
        token = people.add_token(connection, "demonstration", "viewer", time.time(), None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(closing(Viewer(url, token, receive_bytes=4096).socket))
        for _ in range(2):
            live = f"{url.replace('http', 'ws', 1)}/api/v1/live"
            view = connect(live, additional_headers={"Authorization": f"Bearer {token}"}, max_size=None)
            watcher = threading.Thread(target=_watch, args=(view,))
            watcher.start()
            stack.callback(watcher.join)
            stack.callback(view.close)
        yield


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


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing: what it took is in the metrics."""
