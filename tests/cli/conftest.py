"""A server for the commands that look at one, empty for each test that asks for a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from shared import embedded
from shared.bus import Bus


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.running(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, protocol=2) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def bus(url: str) -> Iterator[Bus]:
    with closing(Bus(url)) as connection:
        yield connection
