"""A whole fleet on a simulated camera with a recorder beside it, and the recording judged again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from shared import embedded
from tests.cli.recorded import experts
from workers.cli import main
from workers.cli.demo import SITE
from workers.cli.site import compose

ROOT = Path(__file__).resolve().parents[2]
# A fight from 9.7 s on; few pictures, many verdicts: much to compare in little time.
SOURCE = "sim://plaza?people=0&fights=2&seed=7104&seconds=16&fps=5"


def nexara(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "workers", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=150)
    assert process.returncode == code, output
    return output


def replay(folder: Path, *arguments: object) -> str:
    command = ["replay", str(folder / "plaza.tracks"), "--site", str(folder / "site.yaml")]
    answer = CliRunner().invoke(main.nexara, [*command, *map(str, arguments)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_replay_gives_what_the_live_fleet_said(tmp_path: Path) -> None:
    contents = compose(SITE, (), {"metrics.port": "0", "processes.serve": "0"})
    contents["cameras"] = {"plaza": {"source": SOURCE, "max_width": 640}}
    # Small experts, which no runtime has to convert; nets are tried by benchmarks.replay.
    contents["classify"] = {
        "experts": yaml.safe_load(experts(tmp_path)), "sharpness": 1.0, "preset": "real-time",
    }  # fmt: skip
    with embedded.running(tmp_path / "server") as url:
        contents["bus"] = {"url": url, "data": str(tmp_path / "data")}
        (tmp_path / "site.yaml").write_text(yaml.safe_dump(contents))
        recording = nexara(tmp_path, "record", "plaza", "--site", "site.yaml", "--out", "plaza.tracks")
        fleet = nexara(tmp_path, "up", "site.yaml", "--until-eof")
        ended(fleet)
        assert "80 records" in (said := ended(recording)) or "81 records" in said
    log = tmp_path / "data" / "verdicts" / "plaza.jsonl"
    replayed = replay(tmp_path, "--against", log, "--out", tmp_path / "again")
    assert "verdicts are equal" in replayed

    def verdicts(path: Path) -> dict[tuple[str, int], tuple[float, float | None, str]]:
        lines = map(json.loads, path.read_text().splitlines())
        return {
            (line["id"], one["track_id"]): (one["score"], one["scores"][1], one["result"])
            for line in lines
            for one in line["verdicts"]
        }

    live = verdicts(log)
    assert len(live) > 20
    # Another threshold, between two scores of the log: SAFE below it, as before above both.
    scores = sorted({score for score, _, result in live.values() if result != "UNSURE"})
    middle = len(scores) // 2
    threshold = round((scores[middle - 1] + scores[middle]) / 2, 4)
    sets = ("--set", f"classify.primary_threshold={threshold}", "--set", "classify.veto=always")
    replay(tmp_path, "--out", tmp_path / "other", *sets)
    other = verdicts(tmp_path / "other" / "plaza.jsonl")
    assert other.keys() == live.keys()
    veto = json.loads(log.read_text().splitlines()[0])["experts"][1]["threshold"]
    for name, (score, objects, result) in other.items():
        expected = "UNSURE" if live[name][2] == "UNSURE" else "SAFE"
        if expected == "SAFE" and score >= threshold:
            expected = "VIOLENCE" if objects is not None and objects >= veto else "VETOED"
        assert result == expected
        was, _, before = live[name]
        if was < min(threshold, 0.94) - 2e-3 or was >= max(threshold, 0.94) + 2e-3:
            assert result == before, "only what lies between the two thresholds changes"
    assert sum(live[name][2] != result for name, (_, _, result) in other.items()) > 0
