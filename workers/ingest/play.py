"""Plays films as HTTP cameras (MJPEG), for whoever has no camera at hand."""

from __future__ import annotations

import contextlib
import errno
import html
import logging
import socket
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from shared.config import ConfigError
from workers.ingest.encode import EncodeError
from workers.ingest.films import Film, Pictures
from workers.ingest.sources import SourceError

log = logging.getLogger(__name__)

MAX_VIEWERS = 32

# A recording may stand still for hours; a camera would not.
_LONGEST_GAP_S = 5.0
_BEHIND_S = 0.1
_RETRY_S = 1.0
# Longer than any gap: nothing comes, so the viewer may ask again.
_SILENT_S = 15.0
# To be asked, and to hand over one picture.
_VIEWER_S = 10.0
# All players together, so that Ctrl-C ends within a second.
_STOP_S = 0.6
# What waits in the kernel is seen late: a slow viewer is to get the newest picture, not a long queue.
_SEND_BUFFER_BYTES = 128 * 1024


class Player:
    """Plays one film in a thread of its own while anybody watches; it stands still while nobody does.

    The newest picture replaces the one before, whether or not all have seen that: nobody slows anybody.
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self._changed = threading.Condition()
        self._viewers = 0
        self._number = 0
        self._jpeg = b""
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"player {film.name}", daemon=True)
        self._thread.start()

    def watch(self) -> Generator[bytes, None, None]:
        """The newest picture again and again, for one viewer; ends where nothing comes for long."""
        with self._changed:
            self._viewers += 1
            seen = self._number
            self._changed.notify_all()
        try:
            while (newest := self._newer_than(seen)) is not None:
                seen, jpeg = newest
                yield jpeg
        finally:
            with self._changed:
                self._viewers -= 1

    def close(self) -> None:
        """Tells the thread and all that `watch` to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Waits for the thread to end."""
        self._thread.join(timeout_s)

    def _newer_than(self, seen: int) -> tuple[int, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number != seen, _SILENT_S)
            return None if self._closed or self._number == seen else (self._number, self._jpeg)

    def _run(self) -> None:
        while not self._closed:
            try:
                self._play(self.film.pictures())
            except (SourceError, EncodeError, OSError) as error:
                # Whoever replaces the file while it plays gets the new one.
                log.error("camera=%s cannot be played: %s", self.film.name, error)
                self._wait(time.monotonic() + _RETRY_S)

    def _play(self, pictures: Pictures) -> None:
        due_s = time.monotonic()
        while self._somebody_watches():
            gap_s, jpeg = next(pictures)
            due_s += min(gap_s, _LONGEST_GAP_S)
            now_s = time.monotonic()
            # Lost time stays lost: who comes back, or is too slow, sees no leap.
            due_s = now_s if now_s - due_s > _BEHIND_S else due_s
            self._wait(due_s)
            with self._changed:
                self._number += 1
                self._jpeg = jpeg
                self._changed.notify_all()

    def _somebody_watches(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._viewers)
            return not self._closed

    def _wait(self, until_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, max(0.0, until_s - time.monotonic()))


@contextlib.contextmanager
def serving(films: Sequence[Film], host: str, port: int) -> Iterator[int]:
    """Serves each film as /NAME.mjpeg, a list of them as /, and /healthz; gives the port.

    Raises:
        ConfigError: the port is in use or not ours to take.
    """
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ConfigError(f"{host}:{port} {why}: choose another --port, or 0 for any free one") from error
    server.players = {film.name: Player(film) for film in films}
    threading.Thread(target=server.serve_forever, args=(0.1,), name="play", daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        for player in server.players.values():
            player.close()
        deadline_s = time.monotonic() + _STOP_S
        for player in server.players.values():
            player.join(max(0.0, deadline_s - time.monotonic()))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        self.players: dict[str, Player] = {}
        self.seats = threading.BoundedSemaphore(MAX_VIEWERS)
        super().__init__(*args)

    def server_bind(self) -> None:
        """Without asking a name server for our own name, which may take seconds where there is none."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A mistake in the program; who leaves is none, and is caught where it happens."""
        log.exception("viewer=%s stopped by an error", client_address[0])


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "nexara", ""
    timeout = _VIEWER_S

    def handle(self) -> None:
        """A viewer that leaves or stops reading is no error."""
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, form: str, *args: Any) -> None:
        """Not on the terminal of whoever plays."""
        log.debug("viewer=%s %s", self.client_address[0], form % args)

    def _answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        player = self.server.players.get(path.removeprefix("/").removesuffix(".mjpeg"))
        if path == "/healthz":
            self._send("text/plain", "ok\n", with_body)
        elif path == "/":
            self._send("text/html", _listed(self.server.players.values()), with_body)
        elif player is None or not path.endswith(".mjpeg"):
            self.send_error(404, explain="/ lists the cameras that are here.")
        elif not self.server.seats.acquire(blocking=False):
            self.send_error(503, explain=f"{MAX_VIEWERS} viewers are here already: close one.")
        else:
            try:
                self._play(player, with_body)
            finally:
                self.server.seats.release()

    def _send(self, kind: str, text: str, with_body: bool) -> None:
        # A file may be called what is no UTF-8.
        body = text.encode(errors="replace")
        self._head(f"{kind}; charset=utf-8", [("Content-Length", str(len(body)))])
        if with_body:
            self.wfile.write(body)

    def _head(self, kind: str, more: Sequence[tuple[str, str]] = ()) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Cache-Control", "no-store"), *more):
            self.send_header(name, value)
        self.end_headers()

    def _play(self, player: Player, with_body: bool) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self._head("multipart/x-mixed-replace; boundary=frame")
        if not with_body:
            return
        self.wfile.write(b"--frame\r\n")
        with contextlib.closing(player.watch()) as pictures:
            for jpeg in pictures:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                # The next boundary comes along, or browsers would show a picture only with the next one.
                self.wfile.write(head.encode() + jpeg + b"\r\n--frame\r\n")


def _listed(players: Iterable[Player]) -> str:
    """The page at /."""
    links = "".join(
        f'<li><a href="/{html.escape(player.film.name)}.mjpeg">{html.escape(player.film.name)}</a> '
        f"{html.escape(player.film.title)}</li>"
        for player in players
    )
    return f"<!doctype html><title>nexara play</title><h1>nexara play</h1><ul>{links}</ul>\n"
