"""A loopback proxy that loses replies: swallows one, then cuts the connection or goes silent."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from types import TracebackType
from urllib.parse import urlsplit


class LossyProxy:
    """Stands between workers and a server; `with LossyProxy(url, 0.02, seed=1) as proxy: Bus(proxy.url)`.

    Args:
        url: the server's.
        share: the part of the replies that is lost; may be changed at any time.
        silent: the part of the losses after which the connection stays open and says nothing more.
        seed: of the dice.
    """

    def __init__(self, url: str, share: float, silent: float = 0.1, seed: int = 0) -> None:
        self.share = share
        self.lost = 0
        self._silent = silent
        self._dice = random.Random(seed)
        self._parts = urlsplit(url)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        """The server's URL by way of this proxy."""
        login, _, _ = self._parts.netloc.rpartition("@")
        port = self._listener.getsockname()[1]
        return self._parts._replace(
            netloc=f"{login}@127.0.0.1:{port}" if login else f"127.0.0.1:{port}"
        ).geturl()

    def cut(self) -> None:
        """Cuts every connection, at once."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> LossyProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self._parts.hostname, self._parts.port))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            for source, target, lossy in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, target, lossy), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, lossy: bool) -> None:
        mute = False
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if lossy and not mute and self._loses():
                    # A part of a reply would be worse than none: after a loss nothing more comes through.
                    mute = True
                    if not self._stays_silent():
                        break
                if not mute:
                    target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            if lossy:
                self._open -= {source, target}
        if lossy:
            source.close()
            target.close()

    def _loses(self) -> bool:
        with self._lock:
            lost = self._dice.random() < self.share
            self.lost += lost
            return lost

    def _stays_silent(self) -> bool:
        with self._lock:
            return self._dice.random() < self._silent
