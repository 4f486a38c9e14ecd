"""One embedded server for all tests of this folder, empty for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared import embedded


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("server")
    with embedded.running(directory, max_memory="256mb") as url:
        yield url


@pytest.fixture
def client(session_server: str) -> Iterator[redis.Redis]:
    """A plain client of the empty server."""
    with redis.Redis.from_url(session_server, protocol=2) as connection:
        connection.flushall()
        connection.config_set("maxmemory", "256mb")
        yield connection


@pytest.fixture
def server(session_server: str, client: redis.Redis) -> str:
    """The empty server's URL."""
    return session_server
