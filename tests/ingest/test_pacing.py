from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.ingest.pacing import FileClock, LiveClock, RateLimit, file_id, live_id

TIMES = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(math.nan)), max_size=50)


def test_a_files_clock_is_its_presentation_time():
    clock = FileClock(10)
    assert [clock.at(i, pts) for i, pts in enumerate([0.0, 0.04, 0.5])] == [0.0, 0.04, 0.5]


def test_repeated_and_backward_times_move_on_by_a_millisecond():
    clock = FileClock(10)
    times = [clock.at(i, pts) for i, pts in enumerate([1.0, 1.0, 0.2, 1.001, 2.0])]
    assert times == pytest.approx([1.0, 1.001, 1.002, 1.003, 2.0])


def test_pictures_without_times_follow_the_rate():
    clock = FileClock(25)
    assert [clock.at(i, None) for i in range(4)] == [0, 0.04, 0.08, 0.12]


def test_a_picture_without_a_time_goes_on_from_the_last_that_had_one():
    clock = FileClock(10)
    clock.at(0, 7.0)
    assert clock.at(1, None) == pytest.approx(7.1)


@given(TIMES)
def test_a_files_clock_always_moves_forward(times):
    clock = FileClock(30)
    seen = [clock.at(i, pts) for i, pts in enumerate(times)]
    assert all(later > earlier for earlier, later in itertools.pairwise(seen))


@given(st.lists(st.tuples(st.floats(0, 5), st.one_of(st.none(), st.floats(-1e6, 1e6))), max_size=50))
def test_a_live_clock_always_moves_forward(arrivals):
    clock, now, seen = LiveClock(1000.0, 0.0), 0.0, []
    for wait, pts in arrivals:
        now += wait
        seen.append(clock.at(now, pts))
    assert all(later > earlier for earlier, later in itertools.pairwise(seen))


def test_a_live_clock_is_the_wall_clock_without_presentation_times():
    clock = LiveClock(1000.0, 50.0)
    assert [clock.at(50.0 + i, None) for i in range(3)] == [1000.0, 1001.0, 1002.0]


def test_a_wall_clock_set_back_does_not_stop_a_live_clock():
    clock = LiveClock(1000.0, 50.0, last_at=4600.0)
    assert clock.at(51.0, None) == pytest.approx(4601.001)
    assert clock.now(52.0) == pytest.approx(4602.001)


def test_jitter_of_the_network_does_not_reach_a_live_clock():
    clock = LiveClock(1000.0, 0.0)
    jitter = [0.0, 0.03, 0.01, 0.08, 0.0, 0.05] * 10
    times = [clock.at(i / 10 + late, i / 10) for i, late in enumerate(jitter)]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(abs(step - 0.1) for step in steps) < 0.006


@pytest.mark.parametrize("jump", [-3000.0, 3000.0])
def test_a_live_clock_survives_presentation_times_that_jump(jump):
    clock = LiveClock(1000.0, 0.0)
    pts = [i / 10 + (jump if i >= 50 else 0) for i in range(100)]
    times = [clock.at(i / 10, value) for i, value in enumerate(pts)]
    assert times == pytest.approx([1000 + i / 10 for i in range(100)], abs=0.02)


def test_a_reopened_source_may_begin_anywhere():
    clock = LiveClock(1000.0, 0.0)
    clock.at(1.0, 400.0)
    clock.reopened()
    assert clock.at(3.0, 0.0) == pytest.approx(1003.0)


@pytest.mark.parametrize(
    ("rate", "fps", "kept"),
    [
        (30, 10, 100),
        (25, 10, 120),
        (10, 10, 300),
        (10, 25, 300),
        (29.97, 30, 300),
        (30, None, 300),
        (30, 0.5, 5),
    ],
)
def test_a_rate_keeps_its_share_of_300_pictures(rate, fps, kept):
    limit = RateLimit(fps)
    assert sum(limit.wants(i / rate) for i in range(300)) == kept


def test_a_third_of_the_rate_takes_each_third_picture():
    limit = RateLimit(10)
    assert [i for i in range(12) if limit.wants(i / 30)] == [0, 3, 6, 9]


def test_a_camera_that_gives_just_the_rate_loses_next_to_nothing_to_jitter():
    random = np.random.default_rng(0)
    limit = RateLimit(10)
    times = np.arange(3000) / 10 + random.uniform(-0.02, 0.02, 3000)
    assert sum(limit.wants(at) for at in times) > 2990


def test_a_faster_camera_is_still_held_to_the_rate():
    random = np.random.default_rng(0)
    limit = RateLimit(10)
    times = np.arange(3000) / 25 + random.uniform(-0.01, 0.01, 3000)
    assert sum(limit.wants(at) for at in times) == pytest.approx(1200, abs=3)


def test_a_rate_limit_does_not_make_up_for_a_gap():
    limit = RateLimit(10)
    assert [limit.wants(at) for at in (0.0, 5.0, 5.01, 5.11)] == [True, True, False, True]


def test_ids_of_a_file_are_its_numbers():
    assert [file_id(0, 0), file_id(100, 4)] == [(1, 0), (105, 0)]


def test_ids_of_a_live_source_never_go_back():
    last, seen = (0, 0), []
    for captured_ms in (1000, 1000, 400, 1001, 1001):
        last = live_id(captured_ms, last)
        seen.append(last)
    assert seen == [(1000, 0), (1000, 1), (1000, 2), (1001, 0), (1001, 1)]
