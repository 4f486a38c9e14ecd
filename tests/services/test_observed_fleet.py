"""A real Prometheus beside a real fleet on four films: every query that we ship finds what it asks for."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.dashboards.board import BOARDS, load
from benchmarks.dashboards.check import check
from benchmarks.dashboards.demo import running
from benchmarks.dashboards.prometheus import Prometheus
from benchmarks.dashboards.view import View
from workers.cli.site import ROLES

# Long enough for rates over a minute.
SECONDS = 75.0
# What a machine without a GPU, and a fleet that fares well, cannot show; tests/services/promtool shows them.
MAY_BE_EMPTY = {
    "instance_gpu:nexara_gpu_memory_used_bytes:ratio",
    "camera:nexara_rules_missing:increase10m",
    "camera_kind_outcome:nexara_evidence_made:increase10m",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def prometheus(shared_data: Path) -> Iterator[str]:
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("needs prometheus and promtool: make services")
    with running(SECONDS) as url:
        yield url


def ask(url: str, path: str, **query: str) -> Any:
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10) as answer:
        return json.load(answer)["data"]


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_of_every_panel_finds_something(
    prometheus: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    view = View(Prometheus(prometheus), {"camera": "office"}, time.time(), SECONDS, 5.0)
    well = check(load(name), view)
    assert well, capsys.readouterr().out


def test_every_rule_is_evaluated_and_every_recording_rule_finds_something(prometheus: str) -> None:
    rules = [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert len(recorded) > 20
    empty = {name for name in recorded if not ask(prometheus, "query", query=name)["result"]}
    assert empty <= MAY_BE_EMPTY


def test_the_dead_camera_fires_and_no_other_does(prometheus: str) -> None:
    firing = [alert["labels"] for alert in ask(prometheus, "alerts")["alerts"] if alert["state"] == "firing"]
    assert {labels["camera"] for labels in firing if labels["alertname"] == "CameraDown"} == {"gate"}


def test_promtool_finds_no_fault_in_any_workers_metrics(prometheus: str) -> None:
    targets = ask(prometheus, "targets")["activeTargets"]
    assert {target["labels"]["role"] for target in targets} == set(ROLES)
    for target in targets:
        with urllib.request.urlopen(target["scrapeUrl"], timeout=10) as page:
            done = subprocess.run(
                ["promtool", "check", "metrics"], input=page.read(), capture_output=True, check=False
            )
        assert (done.returncode, done.stdout + done.stderr) == (0, b""), target["scrapeUrl"]
