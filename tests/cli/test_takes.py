"""Recordings put in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.config import ConfigError
from shared.recording import Head, RecordingError, recording_to
from shared.rules import Rules
from tests.cli.recorded import payloads, story, write
from workers.cli.recorded.takes import shelf_of

OTHER = "00000000000000ff"


def test_overlapping_files_are_one_take_with_each_entry_once(tmp_path: Path) -> None:
    entries = story(10.0)
    write(tmp_path / "b.tracks", entries[40:])
    write(tmp_path / "a.tracks", entries[:60])
    [take] = shelf_of([tmp_path]).takes
    assert list(take.entries()) == payloads(entries)
    assert take.pieces == [(0.0, 9.9)]
    assert take.begins
    assert take.seconds == pytest.approx(9.9)


def test_time_that_no_file_holds_is_not_counted(tmp_path: Path) -> None:
    entries = story(30.0)
    write(tmp_path / "a.tracks", entries[50:100])
    write(tmp_path / "b.tracks", entries[200:250])
    [take] = shelf_of([tmp_path]).takes
    assert take.pieces == [(5.0, 9.9), (20.0, 24.9)]
    assert take.seconds == pytest.approx(9.8)
    assert list(take.entries()) == payloads([*entries[50:100], *entries[200:250]])
    assert take.holds(8.0, 9.5, before_s=3.0)
    assert not take.holds(7.0, 9.5, before_s=3.0), "windows look back further than what is there"
    assert not take.holds(9.0, 21.0, before_s=0.0)


def test_a_generations_first_frame_needs_nothing_before_it(tmp_path: Path) -> None:
    write(tmp_path / "a.tracks", story(10.0))
    [take] = shelf_of([tmp_path / "a.tracks"]).takes
    assert take.holds(1.0, 2.0, before_s=3.0)


def test_generations_and_cameras_are_takes_of_their_own(tmp_path: Path) -> None:
    second = [(f"{n}-0", message) for n, (_, message) in enumerate(story(2.0, generation=OTHER), start=500)]
    write(tmp_path / "lobby.tracks", [*story(3.0), *second])
    write(tmp_path / "deep" / "yard.tracks", story(1.0, camera="yard"), camera="yard")
    takes = shelf_of([tmp_path, tmp_path / "lobby.tracks"]).takes
    assert sorted((take.camera, take.generation == OTHER, len(take.files)) for take in takes) == [
        ("lobby", False, 1), ("lobby", True, 1), ("yard", False, 1),
    ]  # fmt: skip
    [mine] = [take for take in takes if take.generation == OTHER]
    assert list(mine.entries()) == payloads(second)


def test_what_is_wrong_with_files_is_remarked(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.tracks", story(3.0, end=False)).read_bytes()
    (tmp_path / "cut.tracks").write_bytes(whole[:-1])
    with recording_to(tmp_path / "odd.tracks", Head(camera="lobby", made_at=0, fleet_version="x")) as writer:
        writer.gap(7.0)
        writer.entry("1-0", b"damaged")
    shelf = shelf_of([tmp_path / "cut.tracks", tmp_path / "odd.tracks"])
    assert [remark.partition(": ")[2] for remark in shelf.remarks] == [
        "was cut off: read up to its last whole entry, 30 in all",
        "7.0 s are missing in it",
        "holds no record that can be read",
    ]
    assert len(shelf.takes) == 1


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    rules = Rules(primary_threshold=0.7)
    write(tmp_path / "yard.tracks", story(1.0), camera="yard")
    write(tmp_path / "rules.tracks", story(1.0), **{"f" * 16: rules.document})
    write(tmp_path / "future.tracks", story(1.0), **{"f" * 16: '{"unheard_of": 1}'})
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("yard.tracks", "is a recording of yard and holds records of lobby"),
        ("rules.tracks", "rules under another's name"),
        ("future.tracks", "rules that this version cannot read"),
        ("empty", r"holds no recording, \*.tracks"),
    ):
        with pytest.raises(ConfigError, match=said):
            shelf_of([tmp_path / name])
    with pytest.raises(RecordingError, match="No such file"):
        shelf_of([tmp_path / "nowhere.tracks"])
