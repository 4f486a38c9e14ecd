"""How the workers' processes are started: which GPU, which log."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from shared.bus import Bus
from shared.config import validate
from workers.cli import supervisor
from workers.cli.site import Site
from workers.cli.supervisor import Supervisor


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Collects what would be started."""
    calls: list[dict[str, Any]] = []

    class Process:
        pid, returncode = 1, 0

        def __init__(self, command: list[str], **options: Any) -> None:
            calls.append({"role": command[command.index("worker") + 1], **options})

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    return calls


def start(folder: Path) -> None:
    data = {"cameras": {"gate": {"source": "rtsp://127.0.0.1:9/x"}}, "processes": {"pose": 3}}
    site = validate(data, Site, "site")
    with Supervisor(site, folder / "site.yaml", folder / "logs", Bus("redis://127.0.0.1:1")).running():
        pass


class Owners(Bus):
    """A bus on which pose and classify own what they are said to."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1")
        self.owned: set[tuple[str, str]] = set()

    def owner(self, stage: str, camera: str) -> str:
        return "somebody" if (stage, camera) in self.owned else ""


def test_live_cameras_begin_once_the_nets_are_loaded(tmp_path: Path, started: list[dict[str, Any]]) -> None:
    cameras = {"gate": {"source": "rtsp://127.0.0.1:9/x"}, "yard": {"source": "sim://yard"}}
    site, bus = validate({"cameras": cameras}, Site, "site"), Owners()
    with Supervisor(site, tmp_path / "site.yaml", tmp_path / "logs", bus).running() as fleet:
        fleet.revive()
        bus.owned = {("pose", "gate"), ("pose", "yard"), ("classify", "gate")}
        fleet.revive()
        assert "ingest" not in [call["role"] for call in started], "yard has no classifier yet"
        bus.owned.add(("classify", "yard"))
        fleet.revive()
        assert [call["role"] for call in started].count("ingest") == 1


def test_live_cameras_begin_after_a_while_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(supervisor, "_LOADING_S", 0.0)
    site = validate({"cameras": {"gate": {"source": "rtsp://127.0.0.1:9/x"}}}, Site, "site")
    with Supervisor(site, tmp_path / "site.yaml", tmp_path / "logs", Owners()).running() as fleet:
        assert "ingest" not in [call["role"] for call in started]
        fleet.revive()
        assert "ingest" in [call["role"] for call in started]


@pytest.mark.parametrize("elsewhere", ["pose", "classify"])
def test_cameras_do_not_wait_for_nets_of_other_machines(
    tmp_path: Path, started: list[dict[str, Any]], elsewhere: str
) -> None:
    data = {"cameras": {"gate": {"source": "rtsp://127.0.0.1:9/x"}}, "processes": {elsewhere: 0}}
    site = validate(data, Site, "site")
    with Supervisor(site, tmp_path / "site.yaml", tmp_path / "logs", Owners()).running():
        assert "ingest" in [call["role"] for call in started]


def devices(started: list[dict[str, Any]], role: str) -> list[str | None]:
    return [call["env"].get("CUDA_VISIBLE_DEVICES") for call in started if call["role"] == role]


def test_processes_of_a_role_are_spread_over_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, Any]]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(supervisor, "gpus", lambda: 2)
    start(tmp_path)
    assert devices(started, "pose") == ["0", "1", "0"]
    assert devices(started, "classify") == ["0"]


@pytest.mark.parametrize(("count", "said"), [(0, None), (1, None), (2, "1")])
def test_one_gpu_or_a_choice_of_the_users_is_left_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, Any]],
    count: int,
    said: str | None,
) -> None:
    monkeypatch.setattr(supervisor, "gpus", lambda: count)
    if said is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    start(tmp_path)
    assert devices(started, "pose") == [said] * 3


def test_a_large_log_is_set_aside_before_a_worker_writes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(supervisor, "_LOG_BYTES", 10)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "pose.log").write_text("a long story\n")
    (logs / "archive.log").write_text("short\n")
    start(tmp_path)
    assert (logs / "pose.old.log").read_text() == "a long story\n"
    assert (logs / "archive.log").read_text() == "short\n"
