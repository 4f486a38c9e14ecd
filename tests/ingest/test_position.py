from __future__ import annotations

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.videos import write
from workers.ingest.position import Position, PositionError, fingerprint, load, resume

FILE = Position(
    generation="a" * 16, ordinal=2, base=50, number=9, last_id=(60, 0), last_at=0.9, content="file"
)
LIVE = Position(generation="b" * 16, number=9, last_id=(1000, 2), last_at=7.5, waiting=((1000, 2, 500),))


def go_on(stored, remembered=None, content="file", replay_before=0.0):
    return resume(stored, remembered, content=content, replay_before=replay_before, mint="{:016x}".format)


@pytest.mark.parametrize("position", [FILE, LIVE, Position(generation="c" * 16)])
def test_a_position_survives_being_stored(position):
    assert load(position.dump()) == position


@given(st.binary(max_size=60))
def test_any_other_bytes_are_refused(data):
    with pytest.raises(PositionError):
        load(data)


def test_a_later_versions_position_is_refused():
    with pytest.raises(PositionError):
        load(msgpack.packb({"v": 2, "generation": "x"}))


def test_a_first_start_begins_at_nothing():
    begun = go_on(None)
    assert (begun.ordinal, begun.base, begun.number, begun.ended) == (0, 0, -1, False)


def test_an_unfinished_file_goes_on():
    assert go_on(FILE) == FILE
    assert go_on(FILE, replay_before=1e12) == FILE


def test_a_file_that_ended_stays_ended_in_a_running_site():
    ended = replace(FILE, ended_at=100.0)
    assert go_on(ended).ended
    assert go_on(ended, replay_before=99.0).ended


def test_a_file_that_ended_before_the_start_is_played_again_with_fresh_ids():
    ended = replace(FILE, ended_at=100.0)
    begun = go_on(ended, replay_before=101.0)
    assert (begun.ordinal, begun.base, begun.number, begun.ended) == (3, 60, -1, False)
    assert begun.generation != ended.generation


def test_another_file_or_other_options_start_another_pass():
    begun = go_on(FILE, content="other")
    assert (begun.ordinal, begun.base, begun.number) == (3, 60, -1)


def test_a_lost_state_that_is_remembered_never_gives_its_ids_again():
    begun = go_on(None, remembered=FILE)
    assert (begun.ordinal, begun.base, begun.number) == (3, 60, -1)
    live = go_on(None, remembered=LIVE, content="")
    assert live.last_id == LIVE.last_id
    assert live.generation != LIVE.generation


def test_a_rolled_back_file_repeats_the_ids_that_it_gave():
    assert go_on(FILE, remembered=replace(FILE, number=12, last_id=(63, 0))) == FILE


def test_a_pass_whose_start_was_rolled_back_starts_again_with_the_same_ids():
    ended = replace(FILE, ended_at=100.0)
    begun = go_on(ended, replay_before=101.0)
    assert go_on(ended, remembered=replace(begun, number=5)) == begun


def test_a_rolled_back_live_source_does_not_repeat_ids():
    later = replace(LIVE, number=20, last_id=(2000, 0), last_at=9.0)
    begun = go_on(LIVE, remembered=later, content="")
    assert (begun.number, begun.last_id, begun.last_at) == (20, (2000, 0), 9.0)
    assert begun.generation == LIVE.generation


def test_a_copy_of_a_file_is_the_same_and_a_changed_one_is_not(tmp_path):
    path = write(tmp_path / "a.mp4", frames=3)
    copy = tmp_path / "b.mp4"
    copy.write_bytes(path.read_bytes())
    assert fingerprint(path) == fingerprint(copy)
    copy.write_bytes(path.read_bytes()[:-1] + b"x")
    assert fingerprint(path) != fingerprint(copy)
