"""`nexara alert`: one line for each channel, and what could not be told."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from shared.config import ConfigError
from tests.alert.receivers import SECRET, Receiver
from tests.alert.scenes import ID, event, put
from workers.alert.outbox import Outbox
from workers.cli.main import nexara

HIDDEN = "token-that-nobody-must-see"


@pytest.fixture
def site(tmp_path: Path, receiver: Receiver, sqlite_url: str) -> Path:
    contents = {
        "cameras": {"yard": {"source": "yard.mp4"}, "gate": {"source": "gate.mp4"}},
        "archive": {"database": sqlite_url},
        "alert": {
            "webhooks": {
                "office": {"url": receiver.url, "secret": SECRET},
                "away": {"url": f"http://127.0.0.1:1/{HIDDEN}", "secret": SECRET},
            },
            "routes": {
                "yard": {"channels": ["office"], "cameras": ["yard"]},
                "x": {"channels": ["away"], "cameras": ["x"]},
            },
        },
    }
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(contents, sort_keys=False))
    return path


def run(*words: Any) -> Result:
    return CliRunner().invoke(nexara, ["alert", *map(str, words)], catch_exceptions=False)


def test_a_test_says_of_each_channel_what_came_of_it(site: Path, receiver: Receiver) -> None:
    done = run("test", site)
    assert done.output == "office: ok\naway: nobody listens there (connection refused)\n"
    assert done.exit_code == 1
    [request] = receiver.requests
    assert (request.event["kind"], request.event["camera"]) == ("test", "yard")
    assert request.key.startswith("test-")


def test_one_channel_or_those_of_a_camera_may_be_tried(site: Path, receiver: Receiver) -> None:
    done = run("test", site, "--channel", "office")
    assert (done.exit_code, done.output) == (0, "office: ok\n")
    done = run("test", site, "--camera", "yard")
    assert (done.exit_code, done.output) == (0, "office: ok\n")
    assert len(set(receiver.keys)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--channel", "nobody"], "no such channel: the site has office, away"),
        (["--camera", "nowhere"], "no such camera: the site has yard, gate"),
        (["--camera", "gate"], "no route leads from it"),
    ],
)
def test_what_is_not_there_cannot_be_tried(site: Path, words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run("test", site, *words)


def test_a_site_without_channels_says_where_to_read(site: Path) -> None:
    with pytest.raises(ConfigError, match="no channel is configured"):
        run("test", site, "--set", "alert={}")


def test_dead_letters_are_listed_sent_again_and_forgotten(site: Path, sqlite_url: str) -> None:
    assert run("dead", site).output == "0 dead letters\n"
    with closing(Outbox(sqlite_url)) as outbox:
        put(outbox, event(1), event(2, "end"), channels=("office", "away"))
        for channel in ("office", "away"):
            ids = [one.id for one in outbox.due(channel, 1e12, 0, 10)]
            outbox.bury(ids, 100.0, "it refuses with status 410")
        listed = run("dead", site, "--channel", "office").output
        assert f"yard  new  {ID}-1-0-new: it refuses with status 410\n" in listed
        assert listed.endswith("2 dead letters\n")
        assert run("dead", site, "--channel", "office", "--retry").output.endswith(
            "2 dead letters: sent again\n"
        )
        assert len(outbox.due("office", 1e12, 0, 10)) == 2
        assert run("dead", site, "--forget").output.endswith("2 dead letters: forgotten\n")
        assert outbox.dead() == []
    with pytest.raises(ConfigError, match="either"):
        run("dead", site, "--retry", "--forget")


def test_a_worker_with_a_channel_that_cannot_be_says_so_in_one_line(site: Path) -> None:
    wrong = f"alert.apprise={{guards: {{url: nonsense://{HIDDEN}}}}}"
    command = [sys.executable, "-m", "workers", "worker", "alert", "--site", str(site)]
    command += ["--set", wrong, "--set", "bus.url=redis://127.0.0.1:1/0", "--set", "metrics.port=0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last == (
        "nexara: alert.apprise.guards.url: apprise knows no such service: docs/alerts.md has examples"
    )
    assert HIDDEN not in done.stderr
