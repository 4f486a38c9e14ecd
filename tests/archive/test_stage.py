"""The archive's two stages: what is delivered is kept once, and what cannot be kept now is kept later."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shared.config import ConfigError
from shared.messages import Mark
from shared.stage import BadInput, Stage, TryLater
from shared.store.database import Database
from shared.store.tables import incidents, steps
from tests.archive.test_log import GENERATION, ids, record
from tests.archive.test_writing import incident, told
from workers.archive.config import ArchiveConfig
from workers.archive.stage import build_history, build_stage

MARK = Mark(camera="lobby", generation=GENERATION, number=5, at=1.0, captured_at=2.0, final=True)


@pytest.fixture
def closes() -> Iterator[Callable[[Stage[Any, Any, Any, Any]], Stage[Any, Any, Any, Any]]]:
    """Stages that are given to it are closed after the test."""
    opened: list[Stage[Any, Any, Any, Any]] = []

    def keep(stage: Stage[Any, Any, Any, Any]) -> Stage[Any, Any, Any, Any]:
        opened.append(stage)
        return stage

    yield keep
    for stage in opened:
        assert stage.close is not None
        stage.close()


def passed(stage: Stage[Any, Any, Any, Any], message: Any) -> Any:
    _, finding = stage.advance(stage.initial("lobby", GENERATION), stage.prepare(message), None)
    [output] = stage.judge([finding])
    return output


def numbers(url: str) -> list[int]:
    with closing(Database(url)) as database, database.reading() as connection:
        return list(connection.execute(select(steps.c.number).order_by(steps.c.id)).scalars())


def test_verdicts_are_kept_as_lines_and_as_rows(closes: Any, tmp_path: Path, database_url: str) -> None:
    folder = tmp_path / "out"
    stage = closes(build_stage(ArchiveConfig(), folder, database_url))
    assert (stage.name, stage.reads, stage.writes) == ("archive", "verdicts", "")
    output = passed(stage, record(4))
    empty = record(5).model_copy(update={"verdicts": ()})
    assert stage.deliver is not None
    for _ in range(2):
        stage.deliver("lobby", [("5-0", output), ("6-0", empty)])
        stage.deliver("gate", [])
    assert ids(folder / "lobby.jsonl") == ["5-0"]
    assert [path.name for path in folder.iterdir()] == ["lobby.jsonl"]
    assert numbers(database_url) == [4]
    assert stage.mark(None, MARK) == (None, None)


def test_incidents_are_kept_as_rows(closes: Any, tmp_path: Path, database_url: str) -> None:
    stage = closes(build_history(ArchiveConfig(), tmp_path / "out", database_url))
    assert (stage.name, stage.reads, stage.writes) == ("history", "incidents", "")
    entry_id, message = told(120, incident("new", 12.0))
    assert stage.deliver is not None
    for _ in range(2):
        stage.deliver("lobby", [(entry_id, passed(stage, message))])
    with closing(Database(database_url)) as database, database.reading() as connection:
        [row] = connection.execute(select(incidents))
    assert (row.camera, row.state) == ("lobby", "open")
    assert stage.mark(None, MARK) == (None, None)


@pytest.mark.parametrize("build", [build_stage, build_history])
def test_foreign_messages_are_refused(closes: Any, tmp_path: Path, build: Any) -> None:
    stage = closes(build(ArchiveConfig(), tmp_path, f"sqlite:///{tmp_path}/archive.db"))
    with pytest.raises(BadInput, match="Mark"):
        stage.prepare(MARK)


@pytest.mark.parametrize("build", [build_stage, build_history])
def test_what_can_never_work_is_one_line_at_the_start(tmp_path: Path, build: Any) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    with pytest.raises(ConfigError, match=r"archive\.directory") as caught:
        build(ArchiveConfig(), blocker / "verdicts", f"sqlite:///{tmp_path}/archive.db")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"archive\.database: mysql"):
        build(ArchiveConfig(), tmp_path, "mysql://me:secret@db/x")


def test_a_database_that_is_away_at_the_start_is_waited_for(
    closes: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = closes(build_stage(ArchiveConfig(), tmp_path, "postgresql://me:secret@127.0.0.1:1/x"))
    assert "Connection refused" in caplog.text
    assert stage.deliver is not None
    with pytest.raises(TryLater, match="Connection refused") as later:
        stage.deliver("lobby", [("5-0", record(4))])
    assert "secret" not in caplog.text + str(later.value)


def test_a_database_that_is_locked_for_long_loses_nothing(
    closes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database._BUSY_S", 0.05)
    path = tmp_path / "archive.db"
    stage = closes(build_stage(ArchiveConfig(), tmp_path, f"sqlite:///{path}"))
    assert stage.deliver is not None
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater, match="locked"):
        stage.deliver("lobby", [("5-0", record(4))])
    other.close()
    stage.deliver("lobby", [("5-0", record(4)), ("6-0", record(5))])
    assert ids(tmp_path / "lobby.jsonl") == ["5-0", "6-0"]
    assert numbers(f"sqlite:///{path}") == [4, 5]


def test_a_full_disk_is_waited_for(closes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = closes(build_stage(ArchiveConfig(), tmp_path, f"sqlite:///{tmp_path}/archive.db"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    assert stage.deliver is not None
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", full)
        with pytest.raises(TryLater, match="No space left"):
            stage.deliver("lobby", [("5-0", record(4))])
    stage.deliver("lobby", [("5-0", record(4))])
    assert ids(tmp_path / "lobby.jsonl") == ["5-0"]
