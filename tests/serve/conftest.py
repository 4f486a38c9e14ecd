"""A served site for tests: a real server on a port, a real database, people of each role."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from argon2 import PasswordHasher

from shared import embedded
from shared.bus import Bus
from shared.store.database import Database
from workers.serve import people
from workers.serve.config import ServeConfig
from workers.serve.limits import LoginLimit
from workers.serve.live.hub import Hub
from workers.serve.observer import Observer
from workers.serve.passwords import Passwords
from workers.serve.people import ROLES, Role
from workers.serve.services import Place, Services
from workers.serve.worker import Server, uvicorn_config

# As cheap as argon2 gets: what it costs is not ours to test.
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "correct horse battery"
CAMERAS = ("lobby", "yard")
HOUR_S = 3600.0


@dataclass
class Clock:
    """A clock that tests set; seconds."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A served site.

    Attributes:
        services: what its routes work with.
        url: where it is, without a slash at the end.
    """

    services: Services
    url: str
    clock: Clock
    stack: ExitStack
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def client(self, **headers: str) -> httpx.Client:
        """A browser or program that nobody knows."""
        client = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30)
        return self.stack.enter_context(client)

    def log_in(self, name: str, password: str = PASSWORD, **headers: str) -> httpx.Client:
        """A browser in which somebody is logged in, with what our pages send along."""
        client = self.client(Origin=self.url, **headers)
        answer = client.post("/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
        return client

    def as_(self, role: Role) -> httpx.Client:
        """The browser of somebody with this role, whose name is the role's."""
        if role not in self.clients:
            self.clients[role] = self.log_in(role)
        return self.clients[role]

    def token(self, role: Role, **times: float) -> str:
        """A new token."""
        with self.services.database.writing() as connection:
            name = f"program-{len(people.list_tokens(connection))}"
            return people.add_token(connection, name, role, self.clock(), times.get("lasts_s"))


@pytest.fixture(scope="session")
def session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("server")
    with embedded.running(directory, max_memory="256mb") as url:
        yield url


@pytest.fixture
def redis_client(session_server: str) -> Iterator[redis.Redis]:
    """A plain client of the empty server."""
    with redis.Redis.from_url(session_server, protocol=2) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def database_place(tmp_path: Path) -> str:
    """The URL of an empty database. Tests of queries take `database_url` instead, which is each kind."""
    return f"sqlite:///{tmp_path / 'archive.db'}"


@pytest.fixture
def database(database_place: str) -> Iterator[Database]:
    """A database with one user of each role."""
    with closing(Database(database_place, durable=False)) as opened:
        opened.migrate()
        stored = CHEAP.hash(PASSWORD)
        with opened.writing() as connection:
            for role in ROLES:
                people.add_user(connection, role, stored, role, 0.0)
        yield opened


@pytest.fixture
def build(
    database: Database, session_server: str, redis_client: redis.Redis, tmp_path: Path
) -> Iterator[Callable[..., Site]]:
    """Serves a site with settings of the test's own."""
    with ExitStack() as stack:

        def build_site(bus: Bus | None = None, cameras: tuple[str, ...] = CAMERAS, **settings: Any) -> Site:
            config = ServeConfig(port=0, **settings)
            clock = Clock()
            bus = bus or stack.enter_context(closing(Bus(session_server)))
            services = Services(
                place=Place("test site", cameras, tmp_path / "evidence"),
                config=config,
                bus=bus,
                database=database,
                passwords=CHEAP,
                limit=LoginLimit(config.login_tries, config.login_wait_s),
                observer=Observer(bus, cameras),
                hub=Hub(config.max_viewers),
                clock=clock,
                monotonic=clock,
            )
            url = stack.enter_context(served(services))
            return Site(services, url, clock, stack)

        yield build_site


@pytest.fixture
def site(build: Callable[..., Site]) -> Site:
    """A site with the settings as they come."""
    return build()


@contextlib.contextmanager
def served(services: Services, port: int = 0) -> Iterator[str]:
    """The page on any free port, or this one; gives its URL."""
    server = Server(uvicorn_config(services.config, services))
    listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
