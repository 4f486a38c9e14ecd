"""The worker itself: it starts, says where it is, makes the first user, waits for what is away, ends."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shared.bus import Bus
from shared.config import ConfigError
from shared.health import Pulse
from shared.store.database import Database
from tests.serve.conftest import CHEAP, PASSWORD
from tests.shared.fleet import wait_until
from workers.serve import care, people, worker
from workers.serve.config import ADDRESS_FILE, ServeConfig
from workers.serve.services import Place


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "Passwords", lambda: CHEAP)
    monkeypatch.setattr(care, "LOOK_EVERY_S", 0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Running:
    """A worker in a thread."""

    folder: Path
    address: str
    pulse: Pulse = field(default_factory=lambda: Pulse("serve"))
    stop: threading.Event = field(default_factory=threading.Event)
    errors: list[Exception] = field(default_factory=list)
    thread: threading.Thread | None = None

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.address + path, trust_env=False, **options)

    def ready(self) -> None:
        wait_until(lambda: self.errors or self.pulse.problem == "", "the page")


@pytest.fixture
def start(tmp_path: Path, session_server: str) -> Iterator[Callable[..., Running]]:
    """Starts workers; ends them."""
    started: list[Running] = []

    def begin(
        database_url: str = "", bus_url: str = session_server, again: bool = True, **settings: Any
    ) -> Running:
        settings.setdefault("port", free_port())
        scheme = "https" if "certificate" in settings else "http"
        running = Running(tmp_path / "serve", f"{scheme}://127.0.0.1:{settings['port']}/")
        started.append(running)
        place = Place("test site", ("lobby",), tmp_path / "evidence")
        config = ServeConfig(**settings)
        url = database_url or f"sqlite:///{tmp_path / 'archive.db'}"

        def run() -> None:
            try:
                with closing(Bus(bus_url)) as bus:
                    worker.run(config, place, bus, url, running.folder, running.stop, running.pulse, again)
            except Exception as error:
                running.errors.append(error)

        running.thread = threading.Thread(target=run, daemon=True)
        running.thread.start()
        return running

    yield begin
    for running in started:
        running.stop.set()
        assert running.thread is not None
        running.thread.join(10)


def test_a_site_without_users_gets_one_whose_password_is_in_a_file_for_its_owner(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    running = start()
    running.ready()
    path = running.folder / "first-password"
    password = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(password) >= 20
    said = httpx.post(
        running.address + "login", json={"name": "admin", "password": password}, trust_env=False
    )
    assert said.status_code == 200
    assert str(path) in caplog.text
    assert password not in caplog.text


def test_the_page_says_where_it_is(start: Callable[..., Running]) -> None:
    running = start(port=0)
    running.ready()
    running.address = (running.folder / ADDRESS_FILE).read_text()
    assert running.get("login").status_code == 200


def test_a_site_with_users_is_left_as_it_is(start: Callable[..., Running], tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'archive.db'}")) as database:
        database.migrate()
        with database.writing() as connection:
            people.add_user(connection, "ann", CHEAP.hash(PASSWORD), "viewer", 0.0)
    running = start()
    running.ready()
    assert not (running.folder / "first-password").exists()
    with (
        closing(Database(f"sqlite:///{tmp_path / 'archive.db'}")) as database,
        database.reading() as connection,
    ):
        assert [user["name"] for user in people.list_users(connection)] == ["ann"]


def test_a_port_in_use_is_told_in_one_line(start: Callable[..., Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = start(port=port)
        wait_until(lambda: running.errors, "the refusal")
        [error] = running.errors
        assert isinstance(error, ConfigError)
        assert str(error).startswith(f"serve.port: 127.0.0.1:{port} is in use: choose another")
        assert "\n" not in str(error)


def test_a_worker_that_is_restarted_waits_for_its_port(
    start: Callable[..., Running], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = start(port=port, again=False)
        wait_until(lambda: "waiting for it" in caplog.text, "the warning")
    running.ready()
    assert running.get("login").status_code == 200


def test_it_ends_soon_though_somebody_waits_for_the_port(start: Callable[..., Running]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = start(port=taken.getsockname()[1], again=False)
        time.sleep(0.2)
        running.stop.set()
        assert running.thread is not None
        running.thread.join(2)
        assert not running.thread.is_alive()


def test_it_ends_within_a_second_though_connections_are_open(start: Callable[..., Running]) -> None:
    running = start()
    running.ready()
    with httpx.Client(base_url=running.address, trust_env=False) as client:
        assert client.get("login").status_code == 200
        began = time.monotonic()
        running.stop.set()
        assert running.thread is not None
        running.thread.join(5)
        assert time.monotonic() - began < 1.0
    assert running.errors == []


def test_while_the_server_is_away_the_page_is_there_and_not_ready(start: Callable[..., Running]) -> None:
    running = start(bus_url="redis://127.0.0.1:1")
    wait_until(lambda: "Connection refused" in running.pulse.problem, "the problem")
    assert running.get("login").status_code == 200
    assert running.pulse.silent_s < 5


def test_while_the_database_is_away_the_page_is_there_and_not_ready(start: Callable[..., Running]) -> None:
    running = start("postgresql://me:s3cret@127.0.0.1:1/x")
    wait_until(lambda: "127.0.0.1:1" in running.pulse.problem, "the problem")
    assert "s3cret" not in running.pulse.problem
    assert running.get("login").status_code == 200
    said = {"name": "admin", "password": "whatever it is"}
    answer = httpx.post(running.address + "login", json=said, trust_env=False)
    assert (answer.status_code, answer.json()["detail"]) == (503, "the database does not answer: try again")


def test_tables_of_a_newer_version_end_the_worker_with_the_reason(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'archive.db'}")) as database:
        database.migrate()
        with database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    running = start()
    wait_until(lambda: running.errors, "the refusal")
    assert isinstance(running.errors[0], ConfigError)
    assert "newer version" in str(running.errors[0])


def test_a_certificate_that_cannot_be_used_is_told(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    running = start(certificate=tmp_path / "cert.pem", certificate_key=tmp_path / "absent.pem")
    wait_until(lambda: running.errors, "the refusal")
    assert "serve.certificate" in str(running.errors[0])
    assert "\n" not in str(running.errors[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"certificate": "x"},
        {"origins": ["cameras.example"]},
        {"origins": ["https://cameras.example/page"]},
        {"proxies": ["somewhere"]},
        {"picture": "blurred"},
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"go together|origin is|not appear to be|should be"):
        ServeConfig(**settings)


def test_with_a_certificate_the_page_is_encrypted(start: Callable[..., Running], tmp_path: Path) -> None:
    make_certificate(tmp_path)
    running = start(certificate=tmp_path / "cert.pem", certificate_key=tmp_path / "key.pem")
    running.ready()
    assert (running.folder / ADDRESS_FILE).read_text() == running.address
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    assert running.get("login", verify=trusting).status_code == 200


def make_certificate(folder: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
