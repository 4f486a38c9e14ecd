from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from shared.messages import Incident
from workers.cli.demo import SITE, recorded, told
from workers.cli.main import nexara
from workers.cli.site import compose
from workers.cli.tally import CameraTally, judged
from workers.ingest.simulated.address import parse

ROOT = Path(__file__).resolve().parents[2]


def watched(source: str) -> CameraTally:
    """A camera all of whose frames were tracked, on a clock that began at 1000 s."""
    tally = CameraTally(parse(source))
    count = tally.address.frames or 0
    tally.numbers = list(range(count))
    tally.times = (1000 + np.arange(count) / tally.address.fps).tolist()
    return tally


def test_incidents_are_held_against_fights() -> None:
    tally = watched("sim://plaza?people=2&fights=2&seed=0&seconds=60")
    [(first, first_over), (second, _)] = [(one.begins, one.ends) for one in judged("plaza", tally)[0]]

    def incident(number: int, began: float, confirmed: float) -> Incident:
        return Incident(
            incident_id=f"{number:016x}", change="new", began_at=1000 + began, began_captured_at=0.0,
            confirmed_at=1000 + confirmed, last_at=1000 + confirmed, track_ids=(1, 2), box=(0, 0, 9, 9),
            peak_score=0.97, peak_at=1000 + confirmed, peak_scene_score=0.97, violent=3, vetoed=0,
            numbers=(1,),
        )  # fmt: skip

    assert [fight.found_after for fight in judged("plaza", tally)[0]] == [None, None]
    found = [incident(1, first + 1, first + 2.5), incident(2, first_over + 1, first_over + 2)]
    tally.incidents = {one.incident_id: one for one in found}
    fights, false = judged("plaza", tally)
    assert fights[0].found_after == pytest.approx(2.5)
    assert (fights[1].found_after, false) == (None, 0)
    early = incident(3, first - 4, first - 2)
    late = incident(4, second - 1, second + 1)
    tally.incidents = {one.incident_id: one for one in (early, late)}
    fights, false = judged("plaza", tally)
    assert (fights[0].found_after, false) == (None, 1), "who is called violent before a fight is wronged"
    assert fights[1].found_after == pytest.approx(1)


def test_the_site_is_played_at_its_own_speed_by_people_of_a_seed() -> None:
    contents = recorded(compose(SITE, (), {}), 42, 70)
    addresses = [parse(camera["source"]) for camera in contents["cameras"].values()]
    assert [address.seed for address in addresses] == [70, 71, 72, 73]
    assert {address.seconds for address in addresses} == {42}
    assert {camera["pace"] for camera in contents["cameras"].values()} == {"realtime"}
    first = [parse(camera["source"]) for camera in compose(SITE, (), {})["cameras"].values()]
    assert [(one.people, one.fights, one.hugs, one.dances) for one in first] == [
        (0, 0, 0, 0), (6, 0, 0, 0), (1, 0, 1, 1), (2, 2, 0, 0),
    ]  # fmt: skip
    assert all(address.light in ("day", "night") for address in first)


def test_the_summary_says_what_was_missed() -> None:
    tally = watched("sim://plaza?people=2&fights=1&seed=0&seconds=40")
    fights, _ = judged("plaza", tally)
    figures = {
        "frames": 400, "frames_lost": 0, "frames_dropped": 3, "fps": 9.9, "tracks": 4, "verdicts": 90,
        "latency_p50_ms": 80.0, "latency_p99_ms": 200.0, "incidents_false": 2,
        "cores": {"pose": 0.52, "ingest": 0.6},
    }  # fmt: skip
    text = told(figures, fights)
    assert "0 lost, 3 dropped" in text
    assert "MISSED" in text
    assert "incidents where nobody fought: 2" in text
    assert text.endswith("cores in use: 1.12 (ingest 0.60, pose 0.52)")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seconds", "1"], "--seconds"),
        (["--weights", "nowhere.pt"], "no such file"),
        (["--seed", "-1"], "--seed"),
        (["--set", "cameras.plaza.source=sim://plaza?people=x"], "demo: sim://: people: input should be"),
        (["--set", "cameras.plaza.source=film.mp4"], "demo: sim://: place: input should be"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(nexara, ["demo", *arguments])
    assert done.exit_code != 0
    assert said in (done.output + str(done.exception))


def test_the_whole_demonstration_loses_no_frame(tmp_path: Path) -> None:
    """Six seconds: who comes needs longer; the figures of a minute are benchmarks.simulated_site's."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "workers",
            "demo",
            "--seconds",
            "6",
            "--json",
            "--data",
            str(tmp_path / "data"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["frames"] == 240
    assert figures["frames_lost"] == 0
    assert figures["incidents_false"] == 0
    assert {"ingest", "pose", "classify", "incidents", "archive", "server", "command"} == set(
        figures["cores"]
    )
    assert figures["cores"]["ingest"] > figures["cores"]["archive"] > 0
    assert (tmp_path / "data" / "logs" / "pose.log").exists(), "--data keeps what was written"
