"""Evidence in trouble: tracks that are gone, workers that are killed, disks that are full."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest
import redis
from sqlalchemy import select

from shared.bus import Bus
from shared.bus.streams import stream_key
from shared.stage import BadInput, TryLater
from shared.store.database import Database
from shared.store.tables import evidence
from tests.archive.conftest import Build
from tests.archive.scenes import CLIP, DAY, ID, deliver, ended, fight, record, tracks, walk
from tests.archive.test_evidence_footage import put
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence import maker as making
from workers.archive.evidence import pictures
from workers.archive.evidence.stage import build_evidence

TRACKS = stream_key("tracks", "lobby")


def test_what_is_left_of_the_tracks_is_kept_and_the_row_says_what_is_missing(
    build: Build, client: redis.Redis, rows: Any, files: Any
) -> None:
    put(client, walk(0, 300))
    client.xtrim(TRACKS, minid="131-0")
    deliver(build(), (121, record(120, fight("new", 120))), ended(140, 180, numbers=(100, 130, 140)))
    clip, snapshot = rows()
    assert (clip["path"], clip["first_at"], clip["last_at"]) == (CLIP, 13.0, 16.0)
    assert clip["note"] == "the first 5.0 s are missing: their tracks are no longer there"
    assert (snapshot["path"], snapshot["bytes"], snapshot["sha256"]) == (None, 0, None)
    assert snapshot["note"] == "its tracks are no longer there"
    assert list(files()) == [CLIP]


def test_where_nothing_is_left_the_row_says_why_and_is_made_good_if_the_tracks_come_again(
    build: Build, client: redis.Redis, rows: Any, files: Any
) -> None:
    stage = build()
    deliver(stage, ended(140, 180))
    [row] = rows()
    assert (row["path"], row["note"]) == (None, "its tracks are no longer there")
    put(client, walk(0, 300))
    deliver(stage, ended(140, 180))
    [row] = rows()
    assert (row["path"], row["note"]) == (CLIP, None)
    assert list(files()) == [CLIP]


def test_what_cannot_be_drawn_holds_nothing_back(
    build: Build, client: redis.Redis, rows: Any, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, walk(0, 300))
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "Canvas", None)
        deliver(build(), ended(140, 180))
    [row] = rows()
    assert row["path"] is None
    assert row["note"].startswith("could not be made: TypeError")
    assert files() == {}


# --- who is killed, and what is full ------------------------------------------------------------------------


class KilledError(BaseException):
    """The process is dead: nothing of it runs any more."""


def killed_at(step: int, patch: pytest.MonkeyPatch) -> None:
    """Kills at the step-th call of what draws or stores; then nothing is cleaned up either."""
    left = [step]

    def counted(where: Any, name: str, before: bool) -> None:
        real = getattr(where, name)

        def call(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and before:
                raise KilledError
            result = real(*arguments, **named)
            if left[0] == 0:
                raise KilledError
            return result

        patch.setattr(where, name, call)

    unlink = Path.unlink
    patch.setattr(Path, "unlink", lambda path, **named: unlink(path, **named) if left[0] > 0 else None)
    counted(pictures.Canvas, "draw", before=True)
    counted(os, "fsync", before=True)
    counted(Path, "rename", before=bool(step % 2))
    counted(making, "write_evidence", before=bool(step % 2))


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_the_files_are_whole_and_the_rows_are_one_each(
    build: Build, client: redis.Redis, files: Any, rows: Any, tmp_path: Path, seed: int
) -> None:
    put(client, walk(0, 300))
    told = ((121, record(120, fight("new", 120))), ended(150, 190))
    calm = build(longest_s=8, before_s=1, after_s=1)
    deliver(calm, *told)
    whole, kept = files(), rows()
    for path in whole:
        (tmp_path / "evidence" / path).unlink()
    rng = random.Random(seed)
    # The last pictures and what comes after them are where it matters.
    for step in [rng.randint(1, 90) for _ in range(4)] + [rng.randint(72, 84) for _ in range(6)]:
        with pytest.MonkeyPatch.context() as patch:
            killed_at(step, patch)
            with contextlib.suppress(KilledError):
                deliver(build(longest_s=8, before_s=1, after_s=1), *told)
        for path, content in files().items():
            assert Path(path).name.startswith(".") or content == whole[path]
        if rng.random() < 0.5:
            for path in files():
                (tmp_path / "evidence" / path).unlink()
    deliver(build(longest_s=8, before_s=1, after_s=1), *told)
    assert files() == whole
    assert [{**row, "made_at": 0} for row in rows()] == [{**row, "made_at": 0} for row in kept]


def test_drafts_of_the_dead_are_removed_at_the_next_start(build: Build, tmp_path: Path, files: Any) -> None:
    draft = tmp_path / "evidence" / DAY / f".{ID}.mp4.12ab"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half")
    build()
    assert files() == {}


def test_what_was_made_but_not_noted_is_kept_if_its_tracks_are_gone(
    build: Build, client: redis.Redis, rows: Any, files: Any, database_url: str
) -> None:
    put(client, walk(0, 300))
    stage = build()
    deliver(stage, ended(140, 180))
    whole = files()
    with closing(Database(database_url)) as database, database.writing() as connection:
        connection.execute(evidence.delete())
    client.xtrim(TRACKS, minid="131-0")
    deliver(stage, ended(140, 180, numbers=(100, 130, 140)))
    assert files() == whole
    [row] = rows()
    assert (row["path"], row["bytes"], row["note"]) == (CLIP, len(whole[CLIP]), "made before a crash")


@pytest.mark.parametrize("function", ["fsync", "open"])
def test_a_full_disk_is_waited_for(
    build: Build, client: redis.Redis, rows: Any, files: Any, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    put(client, walk(0, 300))
    stage = build()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os if function == "fsync" else av, function, full)
        for _ in range(2):
            with pytest.raises(TryLater, match="No space left"):
                deliver(stage, ended(140, 180))
    assert (files(), rows()) == ({}, [])
    deliver(stage, ended(140, 180))
    assert list(files()) == [CLIP]
    assert len(rows()) == 1


def test_a_database_that_is_locked_is_waited_for(
    bus: Bus, client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database._BUSY_S", 0.05)
    put(client, walk(0, 300))
    path = tmp_path / "archive.db"
    config = EvidenceConfig(tracks=False)
    stage = build_evidence(config, ArchiveConfig(), tmp_path / "evidence", f"sqlite:///{path}", bus)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater, match="locked"):
        deliver(stage, ended(140, 180))
    other.close()
    deliver(stage, ended(140, 180))
    with closing(Database(f"sqlite:///{path}")) as database, database.reading() as connection:
        assert [row.path for row in connection.execute(select(evidence))] == [CLIP]
    assert stage.close is not None
    stage.close()


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with closing(Bus("redis://127.0.0.1:1/0")) as away:
        url = f"sqlite:///{tmp_path}/archive.db"
        stage = build_evidence(EvidenceConfig(), ArchiveConfig(), tmp_path, url, away)
        with pytest.raises(TryLater, match="ConnectionError"):
            deliver(stage, ended(140, 180))
        assert stage.close is not None
        stage.close()


def test_foreign_messages_are_refused(build: Build) -> None:
    with pytest.raises(BadInput, match="Tracks"):
        build().prepare(tracks(1, {}))


def test_times_that_no_calendar_has_do_no_harm(build: Build, client: redis.Redis, files: Any) -> None:
    put(client, walk(0, 300, captured_at=1e300))
    deliver(build(), ended(140, 180, began_captured_at=1e300))
    deliver(build(), ended(140, 180, began_captured_at=-1e300, incident_id="00000000000000aa"))
    assert [path.split("/")[1] for path in files()] == ["1970-01-01", "9999-12-31"]
