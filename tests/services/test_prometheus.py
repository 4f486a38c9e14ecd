"""Prometheus' own word on its configuration, the rules and their unit tests."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.health import Pulse, serve
from workers.cli.up import TARGETS

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs" / "prometheus"
RULES = sorted((CONFIGS / "rules").glob("*.yaml"))
UNIT_TESTS = sorted((Path(__file__).parent / "promtool").glob("*.yaml"))
_FOUND_WITHIN_S = 40.0

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool (apt install prometheus)"
)
needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="needs prometheus (apt install prometheus)"
)


def promtool(*arguments: str | Path) -> str:
    """Runs promtool and gives what it says; fails with that if it finds anything wrong."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Another repository with the same configuration, and the data directory of a fleet."""
    shutil.copytree(CONFIGS, tmp_path / "configs" / "prometheus")
    (tmp_path / "nexara-data").mkdir()
    (tmp_path / "nexara-data" / TARGETS).write_text("[]")
    return tmp_path


@needs_promtool
@pytest.mark.parametrize("name", ["compose", "local"])
def test_prometheus_takes_the_configuration(name: str, clone: Path) -> None:
    said = promtool("check", "config", clone / "configs" / "prometheus" / f"{name}.yaml")
    assert f"{len(RULES)} rule files found" in said
    # It warns where the file with the targets is not where the configuration says.
    assert "WARNING" not in said


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)


@needs_promtool
@pytest.mark.timeout(300)  # half an hour of scrapes for each, on a slow machine
@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_rules_and_alerts_do_what_they_should(path: Path) -> None:
    promtool("test", "rules", path)


# --- a Prometheus that runs ---------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, query: str) -> list[dict[str, Any]]:
    where = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(where, timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


@pytest.fixture
def prometheus(clone: Path) -> Iterator[int]:
    """Prometheus with `local.yaml`, on a port of its own."""
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={clone / 'configs' / 'prometheus' / 'local.yaml'}",
        f"--storage.tsdb.path={clone / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (clone / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    yield port
    process.terminate()
    process.wait(10)


@needs_prometheus
def test_prometheus_finds_the_workers_that_nexara_up_names(clone: Path, prometheus: int) -> None:
    worker = serve("127.0.0.1", 0, [Pulse("pose")])
    targets = clone / "nexara-data" / TARGETS
    entry = {"targets": [f"127.0.0.1:{worker}"], "labels": {"role": "pose"}}
    # As `nexara up` does it: Prometheus must notice a file that takes another one's place.
    targets.with_suffix(".new").write_text(json.dumps([entry]))
    targets.with_suffix(".new").replace(targets)
    deadline = time.monotonic() + _FOUND_WITHIN_S
    while not (found := ask(prometheus, 'nexara_worker_ready{role="pose", stage="pose", job="nexara"}')):
        assert time.monotonic() < deadline, (clone / "prometheus.log").read_text()
        time.sleep(0.2)
    assert found[0]["metric"]["instance"] == f"127.0.0.1:{worker}"
    assert found[0]["value"][1] == "0"
