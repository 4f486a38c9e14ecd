"""`nexara verify-log` says which line of which log is wrong, and whether a head is still there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shared.config import ConfigError
from tests.archive.test_log import records
from workers.archive.chain import START
from workers.archive.log import VerdictLog
from workers.archive.stage import build_stage
from workers.cli.main import nexara
from workers.cli.site import load

KEY = "a key of sixteen or more"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a site whose logs are in `verdicts`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAIN", KEY)
    (tmp_path / "site.yaml").write_text(
        "cameras: {lobby: {source: a.mp4}}\n"
        "archive: {directory: verdicts, chain_key: '${CHAIN}'}\n"
        "metrics: {port: 0}\n"
    )
    written("lobby", 1, 2, 3)
    return tmp_path


def written(camera: str, *numbers: int, key: str = KEY) -> Path:
    path = Path("verdicts") / f"{camera}.jsonl"
    VerdictLog(path, fsync=False, lock_timeout_s=1, key=key.encode()).append(records(*numbers))
    return path


def verify(*arguments: str | Path) -> Result:
    command = ["verify-log", "--site", "site.yaml", *map(str, arguments)]
    return CliRunner().invoke(nexara, command)


def refused(*arguments: str | Path) -> str:
    error = verify(*arguments).exception
    assert isinstance(error, ConfigError)
    assert "\n" not in str(error)
    return str(error)


def heads(*arguments: str | Path) -> list[str]:
    return [json.loads(line)["head"] for line in verify("--json", *arguments).stdout.splitlines()]


@pytest.mark.usefixtures("folder")
def test_a_line_for_each_log_says_how_many_lines_of_when_and_the_head() -> None:
    written("yard", 7)
    done = verify()
    lobby, yard = done.stdout.splitlines()
    last = json.loads(Path("verdicts/lobby.jsonl").read_text().splitlines()[-1])["chain"]
    assert lobby == (
        "verdicts/lobby.jsonl: good: 3 lines, 1970-01-01T00:16:40.100Z to 1970-01-01T00:16:40.300Z, "
        f"head {last}"
    )
    assert yard.startswith("verdicts/yard.jsonl: good: 1 line, ")
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.usefixtures("folder")
def test_a_log_that_was_set_aside_is_read_too_and_files_alone_if_named() -> None:
    Path("verdicts/lobby.jsonl").rename("verdicts/lobby.1.jsonl")
    yard = written("yard", 7)
    assert len(verify().stdout.splitlines()) == 2
    assert verify(yard).stdout.startswith("verdicts/yard.jsonl: good")
    assert len(verify(yard, "verdicts").stdout.splitlines()) == 3


@pytest.mark.usefixtures("folder")
def test_a_changed_line_is_said_with_its_file_number_and_meaning() -> None:
    written("yard", 7)
    path = Path("verdicts/lobby.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"id":"2-0"', b'"id":"4-0"'))
    done = verify()
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0] == (
        "verdicts/lobby.jsonl: line 2 is wrong: it was changed, or lines before it were removed"
    )
    assert "yard.jsonl: good" in done.stdout


@pytest.mark.usefixtures("folder")
def test_a_log_that_was_computed_anew_without_the_key_is_found() -> None:
    Path("verdicts/lobby.jsonl").unlink()
    written("lobby", 1, 3, key="")
    done = verify()
    assert done.exit_code == 1
    assert "line 1 is wrong: its chain was computed without the key" in done.stdout


@pytest.mark.usefixtures("folder")
def test_another_key_is_a_mistake_that_tells_neither_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAIN", "another key of the site")
    done = verify()
    assert done.exit_code == 1
    assert "another archive.chain_key" in done.stdout
    assert KEY not in done.output
    assert "another key of the site" not in done.output


def test_without_a_key_it_says_what_that_is_worth(folder: Path) -> None:
    (folder / "site.yaml").write_text(
        "cameras: {lobby: {source: a.mp4}}\narchive: {directory: verdicts}\nmetrics: {port: 0}\n"
    )
    yard = written("yard", 7, key="")
    done = verify(yard)
    assert done.exit_code == 0
    assert done.stderr == "no archive.chain_key: whoever can write a log can compute its chain anew\n"


@pytest.mark.usefixtures("folder")
def test_a_head_that_was_noted_is_found_after_the_log_went_on() -> None:
    [noted] = heads()
    written("lobby", 4)
    done = verify("--expect", noted.upper(), "--expect", START)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1:] == [
        f"{START}: line 0 of verdicts/lobby.jsonl",
        f"{noted}: line 3 of verdicts/lobby.jsonl",
    ]


@pytest.mark.usefixtures("folder")
def test_a_log_whose_end_was_cut_off_is_found_by_its_head_alone() -> None:
    [noted] = heads()
    path = Path("verdicts/lobby.jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    written("lobby", 5, 6)
    assert verify().exit_code == 0
    done = verify("--expect", noted)
    assert done.exit_code == 1
    assert f"{noted}: in none of what is good here: the end of a log was cut off" in done.stdout
    assert json.loads(verify("--json", "--expect", noted).stdout.splitlines()[1]) == {
        "expect": noted,
        "file": None,
        "line": None,
    }


@pytest.mark.usefixtures("folder")
def test_a_log_that_is_being_written_is_good_and_left_as_it_is() -> None:
    path = Path("verdicts/lobby.jsonl")
    os.truncate(path, path.stat().st_size - 1)
    before = path.read_bytes(), path.stat().st_mtime_ns
    done = verify()
    assert done.exit_code == 0
    assert "good: 2 lines" in done.stdout
    assert "the line after it is not whole" in done.stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert json.loads(verify("--json").stdout)["torn"] is True


@pytest.mark.usefixtures("folder")
def test_json_says_the_same_for_programs() -> None:
    path = Path("verdicts/lobby.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"what\n" + lines[1])
    done = verify("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "file": "verdicts/lobby.jsonl",
        "lines": 1,
        "first_captured_at": "1970-01-01T00:16:40.100Z",
        "last_captured_at": "1970-01-01T00:16:40.100Z",
        "head": json.loads(lines[0])["chain"],
        "torn": False,
        "mistake": {
            "line": 2,
            "kind": "no chain",
            "meaning": "it has no chain: it was damaged or inserted, or comes from a version without chains",
        },
    }


def test_what_cannot_be_verified_is_one_line_that_says_what_to_do(folder: Path) -> None:
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    assert "nowhere.jsonl: cannot be read: No such file" in refused("nowhere.jsonl")
    assert "empty: holds no verdict log" in refused("empty")
    assert "pipe.jsonl: no file" in refused("pipe.jsonl")
    assert "--expect abc: no head" in refused("--expect", "abc")


def test_an_empty_log_has_the_first_head(folder: Path) -> None:
    (folder / "verdicts" / "lobby.jsonl").write_bytes(b"")
    assert verify().stdout == f"verdicts/lobby.jsonl: good: 0 lines, head {START}\n"


def test_the_archive_chains_with_the_key_of_the_site_and_never_shows_it(folder: Path) -> None:
    site = load(folder / "site.yaml")
    (folder / "verdicts" / "lobby.jsonl").unlink()
    stage = build_stage(site.archive, site.verdict_directory, site.database_url)
    assert stage.deliver is not None
    stage.deliver("lobby", records(1, 2))
    assert "good: 2 lines" in verify().stdout
    assert KEY not in repr(site)


def test_a_key_that_can_be_guessed_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for short in ("", "geheim"):
        monkeypatch.setenv("CHAIN", short)
        line = refused()
        assert "archive.chain_key" in line
        assert "16" in line
        assert "geheim" not in line
    assert (folder / "verdicts" / "lobby.jsonl").exists()
