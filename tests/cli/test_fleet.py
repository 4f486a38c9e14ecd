"""The real fleet on real video: real server, real codec, real nets, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.chaos import worker_processes
from workers.cli.site import ROLES

ROOT = Path(__file__).resolve().parents[2]
VIDEO = "three_exercising.avi"
CAMERA = "three_exercising"


def start(shared_data: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "workers", "up", "--video", str(shared_data / "videos" / VIDEO)]
    command += ["--weights", str(shared_data / "weights" / "yolo26n-pose-o2m.pt")]
    # Few, small pictures and many verdicts: much to compare in little time.
    command += ["--set", f"cameras.{CAMERA}.fps=3", "--set", f"cameras.{CAMERA}.image_size=320"]
    command += ["--set", "classify.preset=real-time", "--set", "classify.veto=always", *arguments]
    return subprocess.Popen(
        [*command, "--data", str(folder / "data")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def log_of(folder: Path) -> list[str]:
    return (folder / "data" / "verdicts" / f"{CAMERA}.jsonl").read_text().splitlines()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_killing_workers_leaves_the_verdict_log_as_it_would_have_been(
    shared_data: Path, tmp_path: Path
) -> None:
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    calm.mkdir()
    disturbed.mkdir()
    process = start(shared_data, calm, "--until-eof")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output

    process = start(shared_data, disturbed, "--until-eof")
    killed = 0
    for role in ("pose", "classify", "ingest", "pose"):
        time.sleep(2.0)
        for pid in worker_processes(process.pid, role):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert killed >= 3
    assert len(log_of(calm)) > 30
    assert log_of(disturbed) == log_of(calm)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_ctrl_c_ends_everything_within_two_seconds_and_leaves_no_process(
    shared_data: Path, tmp_path: Path
) -> None:
    process = start(shared_data, tmp_path)
    deadline = time.monotonic() + 60
    while not worker_processes(process.pid, "pose") and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    children = [pid for role in ROLES for pid in worker_processes(process.pid, role)]
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert len(children) == len(ROLES)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert not (tmp_path / "data" / "server.json").exists()
