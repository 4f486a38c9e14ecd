"""What is kept of an incident while it goes on: it may outlast the stream, the ring and the worker."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from shared.bus.streams import stream_key
from shared.messages import Message, Tracks, encode
from shared.recording import Entry, recording_from
from shared.segments import entries
from shared.stage import TryLater
from tests.archive.conftest import Build
from tests.archive.pictured import fill
from tests.archive.scenes import DAY, ID, deliver, ended, fight, record, tracks, walk
from tests.archive.test_evidence_footage import put
from workers.archive.evidence.pictures import Views
from workers.archive.evidence.spool import Shot, Spools

TRACKS = stream_key("tracks", "lobby")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What is kept on disk has nothing to do with the kind of database."""
    return f"sqlite:///{tmp_path}/archive.db"


def pass_time(ring: Path, client: redis.Redis, messages: Sequence[Message], upto: int, keep: int) -> None:
    """Twenty more frames; stream and ring hold only what is newer than `keep` frames."""
    fresh = messages[upto - 20 : upto]
    put(client, fresh, first_id=upto - 19)
    plain = np.full((360, 640, 3), 90, np.uint8)
    fill(ring, [(seen.number + 1, seen, plain) for seen in fresh if isinstance(seen, Tracks)])
    client.xtrim(TRACKS, minid=f"{max(1, upto - keep)}-0")
    for path in ring.rglob("*.segment"):
        if max(entry.number for entry in entries(path)) < upto - keep:
            path.unlink()


@pytest.mark.parametrize("restarts", [False, True])
def test_an_incident_that_outlasts_stream_and_ring_is_whole_all_the_same(
    build: Build, client: redis.Redis, rows: Any, kept: Any, tmp_path: Path, restarts: bool
) -> None:
    messages = walk(0, 200)
    views = Views(ring=tmp_path / "ring", of={"lobby": "pixels"})
    wanted: dict[str, Any] = {"snapshot": False, "before_s": 1, "after_s": 1}
    stage = build(views, **wanted)
    for upto in range(20, 181, 20):
        pass_time(tmp_path / "ring", client, messages, upto, keep=50)
        if upto >= 60:
            change = fight("new" if upto == 60 else "update", upto - 5, began=40)
            deliver(stage, (upto, record(upto - 1, change)))
        if restarts:
            stage = build(views, **wanted)
    assert kept()
    deliver(stage, (180, record(179, fight("end", 165, began=40, end_reason="quiet"))))
    [row] = rows()
    assert (row["first_at"], row["last_at"], row["note"]) == (3.0, 17.5, None)
    assert kept() == []


def test_what_was_gone_before_it_could_be_kept_is_said(
    build: Build, client: redis.Redis, rows: Any, kept: Any
) -> None:
    put(client, walk(0, 130))
    deliver(build(snapshot=False), (121, record(120, fight("new", 120))))
    # The archive was away for eight seconds of a stream that is too short.
    put(client, walk(131, 300), first_id=132)
    client.xtrim(TRACKS, minid="202-0")
    deliver(build(snapshot=False), (271, record(270, fight("update", 260))), ended(260, 290))
    [row] = rows()
    assert row["note"] == "8.1 s in its middle are missing: their tracks are no longer there"
    assert kept() == []


@pytest.mark.parametrize("cut", [1, 300, 10**6])
def test_a_crash_that_cuts_off_what_is_kept_costs_nothing_that_the_stream_still_has(
    build: Build, client: redis.Redis, rows: Any, tmp_path: Path, cut: int
) -> None:
    put(client, walk(0, 160))
    stage = build(snapshot=False, before_s=1, after_s=1)
    deliver(stage, (106, record(105, fight("new", 105))))
    [path] = (tmp_path / "evidence" / ".open").rglob("tracks.segment")
    with path.open("r+b") as file:
        file.truncate(max(0, path.stat().st_size - cut))
    deliver(stage, ended(110, 150))
    assert [(row["first_at"], row["last_at"], row["note"]) for row in rows()] == [(9.0, 12.0, None)]


def test_a_full_disk_while_an_incident_goes_on_is_waited_for(
    build: Build, client: redis.Redis, rows: Any, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, walk(0, 160))
    stage = build(snapshot=False, before_s=1, after_s=1)

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", full)
        with pytest.raises(TryLater, match="No space left"):
            deliver(stage, (106, record(105, fight("new", 105))))
    deliver(stage, (106, record(105, fight("new", 105))), ended(110, 150))
    assert [row["note"] for row in rows()] == [None]
    assert kept() == []


def test_only_the_owner_may_look_at_what_is_kept(build: Build, client: redis.Redis, tmp_path: Path) -> None:
    put(client, walk(0, 160))
    deliver(build(snapshot=False), (106, record(105, fight("new", 105))))
    root = tmp_path / "evidence" / ".open"
    assert {path.stat().st_mode & 0o077 for path in (root, *root.rglob("*"))} == {0}


def test_what_is_kept_of_an_incident_whose_end_never_comes_is_removed(tmp_path: Path) -> None:
    now = [1000.0]
    spools = Spools(tmp_path, lambda: now[0])
    seen = tracks(1, {7: 100})
    spools.of("lobby", ID).begin([Shot("1-0", seen, encode(seen))], None)
    folder = spools.of("lobby", ID).folder
    for part in (*folder.iterdir(), folder):
        os.utime(part, (1, 1))
    now[0] += 3599
    assert spools.remove_forgotten() == 0
    now[0] += 2
    assert spools.remove_forgotten() == 1
    assert not folder.exists()


# --- the recording beside the clip --------------------------------------------------------------------------


def test_the_tracks_of_an_incident_are_kept_in_a_file_that_can_be_judged_again(
    build: Build, client: redis.Redis, rows: Any, files: Any, tmp_path: Path
) -> None:
    messages = walk(0, 250)
    put(client, messages)
    deliver(build(snapshot=False, tracks=True, before_s=1, after_s=1), ended(210, 250, began=200))
    path = f"{DAY}/{ID}.tracks"
    assert sorted(files()) == [f"{DAY}/{ID}.mp4", path]
    with recording_from(tmp_path / "evidence" / path) as recording:
        parts = list(recording)
        assert recording.is_whole
        assert recording.head.camera == "lobby"
    # Ten seconds before the clip, for what the first verdicts look back at.
    assert [part.id for part in parts if isinstance(part, Entry)] == [f"{n + 1}-0" for n in range(90, 221)]
    assert [part.payload for part in parts if isinstance(part, Entry)] == [
        encode(message) for message in messages[90:221]
    ]
    row = next(row for row in rows() if row["kind"] == "tracks")
    assert (row["path"], row["first_at"], row["last_at"], row["note"]) == (path, 9.0, 22.0, None)
