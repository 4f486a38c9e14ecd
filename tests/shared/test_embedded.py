"""The embedded server: loopback, a password, data that stay, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from shared import embedded
from shared.bus import Bus, BusError, BusRefusedError
from shared.config import ConfigError

ROOT = Path(__file__).resolve().parents[2]
OPEN = {"lock", "server.log"}  # hold nothing of anybody, and lie in a private folder


@contextmanager
def connected(url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(url, protocol=2, decode_responses=True) as client:
        yield client


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited 20 s for: {what}")
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        with connected(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def listening_addresses(pid: int) -> set[str]:
    """Local addresses (as in /proc/net, hexadecimal) of the process's listening TCP sockets."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except FileNotFoundError:
            continue  # closed meanwhile; a listening socket stays
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}


def test_it_wants_a_password_and_listens_on_loopback_alone(server: str) -> None:
    with connected(server) as client:
        pid = client.info("server")["process_id"]
    assert listening_addresses(pid) == {"0100007F"}
    host = server.rpartition("@")[2]
    with pytest.raises(BusRefusedError, match="password"):
        Bus(f"redis://{host}").ping()
    with pytest.raises(BusRefusedError, match="password") as caught:
        Bus(f"redis://default:hunter2@{host}").ping()
    assert "hunter2" not in str(caught.value)
    assert host.rpartition("/")[0] in str(caught.value)


def test_its_password_stands_in_no_argument_and_no_file_that_others_can_read(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with embedded.running(directory) as url:
        password = url.partition("default:")[2].partition("@")[0]
        with connected(url) as client:
            pid = client.info("server")["process_id"]
            client.set("picture", "of a person")
        for name in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
        holders = set()
        for path in filter(Path.is_file, directory.rglob("*")):
            if password.encode() in path.read_bytes():
                holders.add(path.name)
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.name in OPEN, path.name
        assert holders == {"server.conf", "server.json"}
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_its_data_outlive_a_restart_and_its_password_does_not(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as first, connected(first) as client:
        client.xadd("frames", {"m": "x"}, id="1-0")
        pid = client.info("server")["process_id"]
    assert gone(pid)
    with embedded.running(tmp_path) as second, connected(second) as client:
        assert client.xrange("frames") == [("1-0", {"m": "x"})]
        assert second.partition("@")[0] != first.partition("@")[0]


@pytest.mark.parametrize(
    "name", ["with a space", 'with "quotes"', "with \\ and é and #", "tab\tand\nnewline"]
)
def test_any_folder_will_do(tmp_path: Path, name: str) -> None:
    with embedded.running(tmp_path / name) as url:
        assert answers(url)
    assert (tmp_path / name / "appendonlydir").is_dir()


def test_a_running_one_is_found_by_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no fleet runs here: start one with `nexara up`"):
        embedded.find(tmp_path)
    with embedded.running(tmp_path) as url:
        assert embedded.find(tmp_path) == url
    with pytest.raises(ConfigError, match="no fleet runs here"):
        embedded.find(tmp_path)


def test_a_second_fleet_in_one_folder_is_refused(tmp_path: Path) -> None:
    with (
        embedded.running(tmp_path) as url,
        pytest.raises(ConfigError, match="a fleet already runs here: stop it"),
        embedded.running(tmp_path),
    ):
        pass
    assert not answers(url)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=rf"bus\.port: {port} is in use: choose another"),
            embedded.running(tmp_path, port=port),
        ):
            pass
    assert not embedded.address_file(tmp_path).exists()


def test_a_chosen_port_can_be_taken_again_at_once(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url, connected(url) as client:
        port = int(url.rpartition(":")[2].partition("/")[0])
        client.ping()
    with embedded.running(tmp_path, port=port) as url:
        assert answers(url)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"embedded server did not start: .*memory value") as caught,
        embedded.running(tmp_path, max_memory="plenty"),
    ):
        pass
    assert "\n" not in str(caught.value)
    assert not embedded.address_file(tmp_path).exists()


def test_a_server_that_is_killed_comes_back_with_its_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with embedded.running(tmp_path) as url:
        with connected(url) as client:
            client.set("kept", "yes")
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gone(pid) and answers(url), "the server to come back")
        with connected(url) as client:
            assert client.get("kept") == "yes"
            second = client.info("server")["process_id"]
    assert gone(second)
    assert "embedded server died: started again" in caplog.text


def test_nothing_is_left_of_a_fleet_that_was_killed(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time; from shared import embedded\n"
        "with embedded.running(pathlib.Path(sys.argv[1])) as url: print(url, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as fleet:
        url = fleet.stdout.readline().strip()
        with connected(url) as client:
            pid = client.info("server")["process_id"]
            client.set("kept", "yes")
        fleet.kill()
    wait_until(lambda: gone(pid), "the server to end with its parent")
    with embedded.running(tmp_path) as url, connected(url) as client:
        assert client.get("kept") == "yes"


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "foo://x", "redis://u:hunter2/9@h", "redis://u:hunter2@h:abc", "redis://h:99999"],
)
def test_a_url_that_is_none_is_a_configuration_error_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^bus\.url: ") as caught:
        Bus(url)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    with pytest.raises(BusError, match=r"redis://127\.0\.0\.1:1.*refused") as caught:
        Bus("redis://someone:hunter2@127.0.0.1:1/0").ping()
    assert "hunter2" not in str(caught.value)
    assert "someone" not in str(caught.value)
