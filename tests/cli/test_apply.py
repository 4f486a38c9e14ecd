"""A reload of a running fleet: real processes, a real server, two simulated cameras."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.config import build
from shared.rules import Rules, Zone
from tests.cli.recorded import experts
from tests.shared.fleet import wait_until
from workers.cli.applying import changed, needs_restart
from workers.cli.site import Site

ROOT = Path(__file__).resolve().parents[2]
SECONDS, FPS = 30, 10
CORNER = ((0.0, 0.0), (0.05, 0.0), (0.0, 0.05))
SITE = """
cameras:
  lobby: {{source: "sim://lobby?people=4&seed=2&seconds={seconds}", max_width: 320 {lobby}}}
  passage: {{source: "sim://passage?people=3&seed=3&seconds={seconds}", max_width: 320}}
pose: {{weights: simulated-pose, image_size: 320}}
classify:
  {{experts: {experts}, sharpness: 1.0, veto: always, runtime: torch, primary_threshold: {primary} {more}}}
processes: {{serve: 0}}
metrics: {{port: 0}}
bus: {{data: data}}
"""


def write(folder: Path, *, primary: float = 0.5, lobby: str = "", more: str = "") -> None:
    text = SITE.format(
        seconds=SECONDS, experts=experts(folder), primary=primary, lobby=lobby, more=more
    )  # fmt: skip
    draft = folder / "draft.yaml"
    draft.write_text(text)
    draft.replace(folder / "site.yaml")


def nexara(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workers", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def verdicts(folder: Path, camera: str) -> list[dict[str, Any]]:
    path = folder / "data" / "verdicts" / f"{camera}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A fleet that has begun to judge."""
    write(tmp_path)
    process = nexara(tmp_path, "-v", "up", "site.yaml", "--until-eof")

    def judges() -> bool:
        assert process.poll() is None, process.communicate()[0]
        return all(len(verdicts(tmp_path, camera)) > 3 for camera in ("lobby", "passage"))

    try:
        wait_until(judges, "first verdicts of both cameras")
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)


def assert_switched_once(records: list[dict[str, Any]], before: float, after: float) -> None:
    """Every record is judged by one of two thresholds, in this order, as its scores and its rules say."""
    used = [record["experts"][0]["threshold"] for record in records]
    switch = used.index(after)
    assert used == [before] * switch + [after] * (len(used) - switch)
    assert len({record["rules"] for record in records[:switch]}) == 1
    assert len({record["rules"] for record in records[switch:]}) == 1
    assert records[0]["rules"] != records[-1]["rules"]
    judged = [(used, one) for used, record in zip(used, records, strict=True) for one in record["verdicts"]]
    assert judged
    for threshold, verdict in judged:
        if verdict["result"] != "UNSURE":
            assert (verdict["result"] == "SAFE") == (verdict["score"] < threshold)


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.parametrize("way", ["command", "hangup"])
def test_a_reload_loses_no_frame_and_changes_what_it_says(
    fleet: subprocess.Popen[str], tmp_path: Path, way: str
) -> None:
    write(tmp_path, lobby=", primary_threshold: 0.97", more=", max_batch: 4")
    if way == "command":
        output, _ = nexara(tmp_path, "apply", "site.yaml").communicate(timeout=60)
        assert "lobby: primary threshold 0.5 -> 0.97 (in force, seen at frame" in output
        assert "passage: nothing changes" in output
        assert "alerts: nothing changes" in output
        assert "not in force before the fleet is started again: classify.max_batch" in output
    else:
        fleet.send_signal(signal.SIGHUP)
    output, _ = fleet.communicate(timeout=100)
    assert fleet.returncode == 0, output
    if way == "hangup":
        assert "1 cameras have new rules" in output
    records = SECONDS * FPS + 1  # the last one says that there are no more
    everything = f"{records} records in, {records} tracked, 0 dropped, 0 dead"
    assert output.count(everything) == 2, output
    assert_switched_once(verdicts(tmp_path, "lobby"), 0.5, 0.97)
    assert {record["experts"][0]["threshold"] for record in verdicts(tmp_path, "passage")} == {0.5}
    assert len({record["rules"] for record in verdicts(tmp_path, "passage")}) == 1


def site(**cameras: Any) -> Site:
    lobby = {"source": "sim://lobby", **cameras.pop("lobby", {})}
    return build({"cameras": {"lobby": lobby}, **cameras}, Site, "site.yaml")


def test_what_needs_a_restart_is_named_and_what_does_not_is_not() -> None:
    running = site()
    assert needs_restart(running, site()) == []
    assert needs_restart(running, site(lobby={"shadow": True, "primary_threshold": 0.9})) == []
    assert needs_restart(running, site(classify={"thresholds": "cctv", "scene_threshold": 0.9})) == []
    routing = {"page_url": "https://a", "limit": {"messages": 5}}
    assert needs_restart(running, site(alert=routing, timezone="Europe/Berlin")) == []
    changed = site(lobby={"fps": 5}, classify={"max_batch": 4, "thresholds": "cctv"}, name="other")
    assert needs_restart(running, changed) == ["cameras.lobby.fps", "classify.max_batch", "name"]


def test_differences_of_rules_in_words() -> None:
    door, till = Zone(name="door", polygon=CORNER), Zone(name="till", polygon=CORNER)
    before = Rules(primary_threshold=0.94, zones=(door, till))
    after = Rules(primary_threshold=0.9, shadow=True, zones=(till.model_copy(update={"kind": "mask"}), door))
    assert list(changed(before, after)) == [
        "primary threshold 0.94 -> 0.9", "shadow mode begins: nobody is alerted", "zone 'till' has changed",
    ]  # fmt: skip
    assert list(changed(before, Rules(primary_threshold=0.94, zones=(door,)))) == ["zone 'till' is gone"]
    assert next(iter(changed(Rules(), before))) == "primary threshold as started -> 0.94"
