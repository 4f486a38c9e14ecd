"""What a user gets wrong is answered in one line that says what to do, with exit code 2 and no traceback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.ingest.videos import write
from workers.cli import main

ROOT = Path(__file__).resolve().parents[2]
# Weights are imported once for all these tests, not into anybody's home.
CACHE = Path(tempfile.gettempdir()) / f"nexara-test-cache-{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def _cache() -> Iterator[None]:
    yield
    shutil.rmtree(CACHE, ignore_errors=True)


def nexara(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workers", *map(str, arguments)]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": str(cwd),
        "NEXARA_CACHE": str(CACHE),
    }
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def refused(*arguments: str | Path, cwd: Path, code: int = 2) -> str:
    """The one line that a refusal says."""
    done = nexara(*arguments, cwd=cwd)
    lines = done.stderr.strip().splitlines()
    if done.returncode != code or len(lines) != 1:
        pytest.fail(f"exit code {done.returncode}, said: {done.stdout}{done.stderr}")
    return lines[0]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write(tmp_path / "street.avi", 5)


@pytest.fixture
def weights(shared_data: Path) -> Path:
    return shared_data / "weights" / "yolo26n-pose-o2m.pt"


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_an_unknown_key_is_refused_with_the_nearest_right_name(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("cameras: {lobby: {sorce: a.mp4}}\n")
    line = refused("check", "site.yaml", cwd=tmp_path)
    assert "site.yaml" in line
    assert "cameras.lobby.sorce" in line
    assert "did you mean 'source'?" in line


def test_a_file_that_is_no_video_is_refused(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    line = refused("up", "--video", "notes.mp4", "--weights", weights, cwd=tmp_path)
    assert "notes" in line


def test_a_missing_video_is_refused(tmp_path: Path, weights: Path) -> None:
    line = refused("up", "--video", "nowhere.mp4", "--weights", weights, cwd=tmp_path)
    assert "nowhere" in line


def test_missing_weights_name_the_command_that_helps(tmp_path: Path, video: Path) -> None:
    line = refused("up", "--video", video, cwd=tmp_path)
    assert "nexara models fetch" in line


def test_neither_site_nor_video_is_refused(tmp_path: Path) -> None:
    assert "nexara up --help" in refused("up", cwd=tmp_path)


def test_no_redis_is_said_with_its_address_but_without_its_password(tmp_path: Path, video: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        f"cameras: {{street: {{source: {video}}}}}\nbus: {{url: 'redis://u:geheim@127.0.0.1:1/0'}}\n"
    )
    # Nothing is wrong with the command: a supervisor may try again.
    line = refused("status", "--site", "site.yaml", cwd=tmp_path, code=1)
    assert "127.0.0.1:1" in line
    assert "geheim" not in line


def test_a_fleet_that_does_not_run_is_said(tmp_path: Path) -> None:
    assert "no fleet runs here" in refused("tail", "verdicts", cwd=tmp_path)


def test_a_metrics_port_in_use_is_said(tmp_path: Path, video: Path, busy_port: int) -> None:
    (tmp_path / "site.yaml").write_text(f"cameras: {{street: {{source: {video}}}}}\n")
    port = f"metrics.port={busy_port}"
    line = refused("worker", "archive", "--site", "site.yaml", "--set", port, cwd=tmp_path)
    assert f"{busy_port} is in use" in line


def test_an_unknown_camera_is_said_with_those_that_exist(tmp_path: Path, video: Path) -> None:
    (tmp_path / "site.yaml").write_text(f"cameras: {{street: {{source: {video}}}}}\n")
    assert "the site has street" in refused(
        "tail", "frames", "--site", "site.yaml", "--camera", "lobby", cwd=tmp_path
    )


def test_a_live_camera_never_ends(tmp_path: Path, weights: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        f"cameras: {{gate: {{source: 'rtsp://127.0.0.1:9/x'}}}}\npose: {{weights: {weights}}}\n"
    )
    assert "never ends" in refused("up", "site.yaml", "--until-eof", cwd=tmp_path)


def test_help_is_printed_for_every_subcommand() -> None:
    for command in main.COMMANDS:
        done = CliRunner().invoke(main.nexara, [command, "--help"], prog_name="nexara")
        assert done.exit_code == 0, done.output
        assert f"Usage: nexara {command}" in done.output
