"""What is made of an incident: whole files with a row each, as they are asked for."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import redis

from shared.bus import Bus
from shared.bus.streams import stream_key
from shared.config import ConfigError, validate
from shared.stage import TryLater
from tests.archive.conftest import Build
from tests.archive.scenes import (
    CLIP,
    DAY,
    ID,
    SNAPSHOT,
    deliver,
    ended,
    fight,
    mark,
    record,
    tracks,
    walk,
)
from tests.archive.test_evidence_footage import OTHER, put
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence import pictures
from workers.archive.evidence.drawing import OTHERS, PALETTE
from workers.archive.evidence.stage import build_evidence
from workers.archive.evidence.workbench import Workbench

TRACKS = stream_key("tracks", "lobby")


def shown(clip: bytes, path: Path) -> tuple[list[float], list[np.ndarray], Any]:
    """When each picture of a clip is shown, the pictures, and the facts of the stream."""
    path.write_bytes(clip)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        facts = (
            stream.codec_context.name,
            stream.codec_context.pix_fmt,
            float(stream.duration * stream.time_base),
        )
    return [frame.time for frame in frames], [frame.to_ndarray(format="rgb24") for frame in frames], facts


def lit(image: np.ndarray, colour: tuple[int, int, int], within: int = 40) -> int:
    return int((np.abs(image.astype(int) - np.array(colour)) <= within).all(axis=-1).sum())


def test_an_incident_has_a_snapshot_when_it_begins_and_a_clip_when_it_has_ended(
    build: Build, client: redis.Redis, rows: Any, files: Any, tmp_path: Path
) -> None:
    put(client, walk(0, 300))
    stage = build()
    assert (stage.name, stage.reads, stage.writes) == ("evidence", "incidents", "")
    deliver(stage, (121, record(120, fight("new", 120))))
    assert list(files()) == [SNAPSHOT]
    deliver(stage, (131, record(130, fight("update", 130))))
    assert list(files()) == [SNAPSHOT]
    deliver(stage, ended(140, 180))
    assert sorted(files()) == [SNAPSHOT, CLIP]
    clip, snapshot = rows()
    for row, path in ((clip, CLIP), (snapshot, SNAPSHOT)):
        content = files()[path]
        assert (row["incident_id"], row["camera"], row["path"]) == (ID, "lobby", path)
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert row["note"] is None
    assert (clip["kind"], clip["first_at"], clip["last_at"]) == ("clip", 8.0, 16.0)
    assert (snapshot["kind"], snapshot["first_at"], snapshot["last_at"]) == ("snapshot", 11.0, 11.0)


def test_a_clip_plays_in_browsers_and_keeps_the_frames_own_time(
    build: Build, client: redis.Redis, files: Any, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    times = 5 + np.cumsum(rng.uniform(0.03, 0.17, 150))
    frames = [tracks(n, {7: 100, 8: 300}, at=float(at)) for n, at in enumerate(times)]
    put(client, frames)
    told = fight("end", 0, began_at=times[20], last_at=times[80], numbers=(20, 80))
    last = next(n for n, at in enumerate(times) if at > times[80] + 2)
    deliver(build(), (last + 1, record(last, told, at=float(times[last]))))
    clip = files()[CLIP]
    assert clip.index(b"moov") < clip.index(b"mdat")
    seen, images, (codec, pixels, duration_s) = shown(clip, tmp_path / "clip.mp4")
    wanted = [at for at in times if times[20] - 2 <= at <= times[80] + 2]
    assert (codec, pixels) == ("h264", "yuv420p")
    assert seen == pytest.approx([at - wanted[0] for at in wanted], abs=1e-3)
    assert duration_s == pytest.approx(2 * wanted[-1] - wanted[-2] - wanted[0], abs=1e-3)
    assert images[0].shape[1] == pictures.CLIP_PX


def test_the_people_of_the_incident_are_in_colour_and_the_others_grey(
    build: Build, client: redis.Redis, files: Any, tmp_path: Path
) -> None:
    put(client, walk(0, 300))
    stage = build()
    deliver(stage, (121, record(120, fight("new", 120))), ended(140, 180))
    _, images, _ = shown(files()[CLIP], tmp_path / "clip.mp4")
    snapshot = cv2.imdecode(np.frombuffer(files()[SNAPSHOT], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert snapshot.shape[1] == 1280
    for image in (images[40], snapshot):
        third = image.shape[1] * 200 // 640
        for place, colour in enumerate((PALETTE[0], PALETTE[1], OTHERS)):
            parts = [image[:480, third * part : third * (part + 1)] for part in range(3)]
            assert max(range(3), key=lambda part: lit(parts[part], colour)) == place


def test_the_same_tracks_give_the_same_bytes(
    build: Build, client: redis.Redis, files: Any, tmp_path: Path
) -> None:
    put(client, walk(0, 300))
    told = ((121, record(120, fight("new", 120))), ended(140, 180))
    deliver(build(), *told)
    first = files()
    for path in first:
        (tmp_path / "evidence" / path).unlink()
    deliver(build(), *told)
    assert list(files()) == list(first)
    assert [path for path in first if files()[path] != first[path]] == []


def test_a_clip_of_a_long_incident_is_made_before_its_tracks_are_gone(
    build: Build, client: redis.Redis, files: Any, rows: Any
) -> None:
    put(client, walk(0, 500))
    stage = build(longest_s=20, snapshot=False)
    deliver(stage, (279, record(278, fight("update", 270))))
    assert files() == {}
    deliver(stage, (281, record(280, fight("update", 275))))
    first = files()
    assert list(first) == [CLIP]
    client.delete(TRACKS)
    deliver(stage, (291, record(290, fight("update", 290))), ended(400, 440))
    assert files() == first
    [row] = rows()
    assert (row["first_at"], row["last_at"]) == (8.0, 28.0)
    assert row["note"] == "only its first 20 s: see evidence.longest_s"


def test_merged_incidents_have_a_clip_of_their_own(build: Build, client: redis.Redis, files: Any) -> None:
    put(client, walk(0, 300))
    other = "00000000000000aa"
    whole = fight("end", 140, end_reason="quiet", incident_id=other)
    swallowed = fight("end", 130, end_reason="merged", merged_into=other)
    deliver(build(), (151, record(150, swallowed)), (181, record(180, whole)))
    assert sorted(files()) == [f"{DAY}/{other}.mp4", CLIP]


def test_an_incident_that_only_the_next_generation_ended_has_a_clip(
    build: Build, client: redis.Redis, rows: Any
) -> None:
    put(client, walk(0, 220))
    put(client, walk(0, 20, generation=OTHER), first_id=222)
    told = fight("end", 200, end_reason="source_ended")
    deliver(build(), (222, record(0, told, generation=OTHER)))
    [row] = rows()
    assert (row["first_at"], row["last_at"], row["note"]) == (8.0, 22.0, None)


def test_times_without_a_picture_are_shown_as_such(
    build: Build, client: redis.Redis, files: Any, tmp_path: Path
) -> None:
    put(client, [*walk(0, 199), *(mark(n) for n in range(200, 260, 10)), mark(260, final=True)])
    deliver(build(), (202, record(210, fight("end", 199, end_reason="silent"))))
    seen, images, _ = shown(files()[CLIP], tmp_path / "clip.mp4")
    assert seen[-3:] == pytest.approx([11.9, 12.0, 13.0], abs=1e-3)
    assert lit(images[-1][:500], PALETTE[0]) == 0


@pytest.mark.parametrize(
    ("config", "made"),
    [({"snapshot": False}, [CLIP]), ({"enabled": False}, []), ({}, [SNAPSHOT, CLIP])],
)
def test_what_is_not_wanted_is_not_made(
    build: Build, client: redis.Redis, files: Any, config: dict[str, bool], made: list[str]
) -> None:
    put(client, walk(0, 300))
    deliver(build(**config), (121, record(120, fight("new", 120))), ended(140, 180))
    assert sorted(files()) == made


# --- how long the loop waits --------------------------------------------------------------------------------


def test_a_backlog_is_worked_off_in_turns() -> None:
    now = [0.0]
    bench = Workbench(15.0, 0.5, lambda: now[0])
    done: list[int] = []
    under_way = threading.Event()

    def take(seconds: float, number: int) -> None:
        now[0] += seconds
        done.append(number)
        if number == 2:
            under_way.wait(10)

    for number in range(2):
        bench.do(number, partial(take, 6, number))
    with pytest.raises(TryLater, match="goes on in a moment"):
        bench.do(2, partial(take, 6, 2))
    # Another camera of the same turn waits, too, and no longer.
    with pytest.raises(TryLater):
        bench.do(3, partial(take, 6, 3))
    under_way.set()
    now[0] += 1
    for number in (2, 3):
        bench.do(number, partial(take, 6, number))
    assert done == [0, 1, 2, 3]
    bench.close()


def test_who_waits_for_a_piece_of_work_is_told_why_it_failed() -> None:
    bench = Workbench(15.0, 0.5)

    def fail() -> None:
        raise TryLater("the disk is full")

    with pytest.raises(TryLater, match="the disk is full"):
        bench.do("clip", fail)
    bench.do("clip", lambda: None)
    bench.close()


def test_of_many_due_clips_all_are_made_at_last(
    build: Build, client: redis.Redis, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.archive.evidence.stage._BUSY_S", 0.0)
    monkeypatch.setattr("workers.archive.evidence.stage._REST_S", 0.0)
    put(client, walk(0, 300))
    stage = build(before_s=1, after_s=1)
    told = [(241, record(240, fight("end", 110, incident_id=f"{n:016x}"))) for n in range(3)]
    deliver(stage, *told)
    assert len(files()) == 3


# --- the site file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"before_s": 10, "longest_s": 10}, "longest_s 10 ends before the incident begins"),
        ({"keep_days": 0}, "keep_days: Input should be greater than 0"),
        ({"keep_gb": 0}, "keep_gb: Input should be greater than 0"),
        ({"after_s": 21}, "after_s: Input should be less than or equal to 20"),
        ({"befor_s": 1}, "did you mean 'before_s'"),
    ],
)
def test_nonsense_is_refused_in_one_line(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refusal:
        validate(config, EvidenceConfig, "site.yaml")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("key", ["keep_days", "keep_incidents_days"])
def test_the_archive_keeps_something(key: str) -> None:
    with pytest.raises(ConfigError, match="greater than 0"):
        validate({key: 0}, ArchiveConfig, "site.yaml")


def test_a_folder_that_cannot_be_written_is_one_line_at_the_start(tmp_path: Path, bus: Bus) -> None:
    blocker = tmp_path / "file"
    blocker.touch()
    with pytest.raises(ConfigError, match=r"evidence\.directory") as caught:
        build_evidence(EvidenceConfig(), ArchiveConfig(), blocker / "x", f"sqlite:///{tmp_path}/a.db", bus)
    assert "\n" not in str(caught.value)
