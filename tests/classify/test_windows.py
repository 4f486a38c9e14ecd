from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.classify.people import walker
from workers.classify.due import Due
from workers.classify.inputs.graph import PLACE, body
from workers.classify.pairs import paired
from workers.classify.windows import People, Windows, WindowSettings

SETTINGS = WindowSettings()


def people(at: float, ids: list[int]) -> People:
    count = len(ids)
    return People(
        ids=np.array(ids, np.int64),
        keypoints=np.array([walker(at, track) for track in ids], np.float32).reshape(count, 17, 3),
        boxes=np.array([[90, 50, 250, 250 + track] for track in ids], np.float32).reshape(count, 4),
        quality=np.full(count, 0.5, np.float32),
        image_size=(640, 480),
    )


def follow(
    windows: Windows, times: list[float], ids: list[int], unseen: tuple[float, float] = (0.0, 0.0)
) -> list[Due]:
    """Push a frame for each time, empty ones between the two times `unseen`; what became due."""
    shown = [[] if unseen[0] < at < unseen[1] else ids for at in times]
    return [
        due for at, ids in zip(times, shown, strict=True) if len(due := windows.push(at, people(at, ids)))
    ]


def frames(fps: float, seconds: float, start: float = 0.0) -> list[float]:
    return [start + i / fps for i in range(round(fps * seconds))]


def test_pushing_equals_slicing() -> None:
    times = frames(15, 6)
    whole = np.array([walker(at) for at in times], np.float32)
    found = follow(Windows(SETTINGS), times, [1])
    assert [round(float(due.last_at[0]) * 15) for due in found] == list(range(16, 90, 8))
    for due in found[3:]:
        end = round(float(due.last_at[0]) * 15)
        np.testing.assert_allclose(due.keypoints[0], whole[end - 31 : end + 1], atol=1e-2)
        assert due.seen[0].all()
        assert due.filled[0].all()


@pytest.mark.parametrize(("window", "stride"), [(32, 3), (32, 8), (32, 16), (16, 4)])
def test_windows_end_at_multiples_of_the_stride_whatever_the_frame_rate(window: int, stride: int) -> None:
    settings = WindowSettings(window=window, stride=stride)
    for fps in (10.0, 12.5, 25.0, 30.0):
        ends = [
            float(due.last_at[0]) * 15 for due in follow(Windows(settings), frames(fps, 5, 1.7e9 + 0.37), [1])
        ]
        assert ends, fps
        np.testing.assert_allclose(np.array(ends) % stride % stride, 0, atol=1e-3)
        assert np.allclose(np.diff(ends), stride, atol=1e-3)


def test_replaying_the_last_seconds_gives_the_same_windows() -> None:
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.02, 0.25, 300)).tolist()
    present = [
        [track for track in range(1, 7) if rng.random() < 0.8 and i // 40 != track] for i in range(300)
    ]
    for cut in (120, 201, 250):
        old, new = Windows(SETTINGS), Windows(SETTINGS)
        later: list[tuple[Due, Due]] = []
        for i, (at, ids) in enumerate(zip(times, present, strict=True)):
            if i < cut:
                old.push(at, people(at, ids))
                if at > times[cut - 1] - SETTINGS.history_s:
                    new.push(at, people(at, ids))
            else:
                later.append((old.push(at, people(at, ids)), new.push(at, people(at, ids))))
        assert sum(len(due) for due, _ in later) > 20
        for due, replayed in later:
            for field in dataclasses.fields(Due):
                np.testing.assert_array_equal(getattr(due, field.name), getattr(replayed, field.name))


def test_too_short_a_replay_would_be_noticed() -> None:
    times = frames(10, 6)
    old, new = Windows(SETTINGS), Windows(SETTINGS)
    follow(old, times, [1])
    follow(new, [at for at in times if at > times[-1] - 1.0], [1])
    later = frames(10, 0.6, times[-1] + 0.1)
    due, replayed = follow(old, later, [1])[0], follow(new, later, [1])[0]
    assert due.filled.sum() > replayed.filled.sum()


def test_slow_and_fast_cameras_give_nearly_the_same_input() -> None:
    slow = follow(Windows(SETTINGS), frames(10, 6), [1])[-3:]
    fast = follow(Windows(SETTINGS), frames(30, 6), [1])[-3:]
    for one, other in zip(slow, fast, strict=True):
        assert one.last_at[0] == other.last_at[0]
        assert np.abs(body(paired(one))[:, PLACE] - body(paired(other))[:, PLACE]).max() < 0.02


def test_a_short_gap_is_interpolated_and_marked() -> None:
    last = follow(Windows(SETTINGS), frames(15, 4), [1], unseen=(2.0, 2.3))[-2]
    assert last.filled.all()
    assert 32 - 6 <= last.seen[0].sum() < 32
    middle = round(32 - 1 - (float(last.last_at[0]) - 2.1) * 15)
    assert np.abs(last.keypoints[0, middle] - walker(2.1)).max() < 25


def test_a_long_gap_stays_empty() -> None:
    last = follow(Windows(SETTINGS), frames(15, 4), [1], unseen=(2.0, 2.8))[-1]
    empty = ~last.filled[0]
    assert 10 <= empty.sum() <= 12
    assert not last.keypoints[0][empty].any()
    assert not body(paired(last))[0][:, empty].any()


def test_a_young_track_is_padded_in_front_and_judged_from_min_frames_on() -> None:
    windows = Windows(SETTINGS)
    follow(windows, frames(15, 1), [1])
    found = follow(windows, frames(15, 3, 1.0), [1, 2])
    young = next(due for due in found if 2 in due.ids[due.judged].tolist())
    row = young.ids.tolist().index(2)
    cells = young.filled[row].sum()
    assert SETTINGS.min_frames <= cells < SETTINGS.min_frames + SETTINGS.stride
    assert young.filled[row, -cells:].all()
    assert young.first_at[row] == pytest.approx(young.last_at[row] - (cells - 1) / 15)


def test_a_shorter_window_is_padded_to_the_nets_length() -> None:
    fast = WindowSettings(window=16, stride=4)
    last = follow(Windows(fast), frames(15, 4), [1])[-1]
    assert last.keypoints.shape == (1, 32, 17, 3)
    assert last.filled[0].tolist() == [False] * 16 + [True] * 16


def test_a_forgotten_track_starts_afresh() -> None:
    windows = Windows(SETTINGS)
    follow(windows, frames(15, 3), [1, 2])
    follow(windows, frames(15, 2.4, 3.0), [2])
    assert len(windows) == 1
    assert all(1 not in due.ids[due.judged] for due in follow(windows, frames(15, 0.8, 5.4), [1]))


def test_memory_stays_bounded_while_tracks_come_and_go() -> None:
    windows = Windows(SETTINGS)
    for i, at in enumerate(frames(15, 60)):
        windows.push(at, people(at, [1000 + i, 2000 + i]))
    assert len(windows) <= 2 * (SETTINGS.window + 1)
    assert len(windows._rows.at) <= 128


def test_a_slow_camera_gets_one_window_where_several_were_due() -> None:
    settings = WindowSettings(stride=3, max_gap_s=1.0)
    found = follow(Windows(settings), frames(2, 8), [1])
    ends = [float(due.last_at[0]) * 15 for due in found]
    assert len(ends) == len(set(ends))
    assert all(len(due) == 1 for due in found)


def test_a_pause_of_the_camera_longer_than_the_ring_leaves_nothing_old() -> None:
    windows = Windows(dataclasses.replace(SETTINGS, max_gap_s=0.5))
    follow(windows, frames(15, 3), [1])
    found = follow(windows, frames(15, 3, 500.0), [1])
    assert all(due.first_at[0] >= 500.0 for due in found)
    assert (~found[0].filled[0]).sum() >= 8


def test_the_order_of_people_does_not_change_their_windows() -> None:
    one, other = Windows(SETTINGS), Windows(SETTINGS)
    for at in frames(12, 4):
        due, swapped = one.push(at, people(at, [1, 2, 3])), other.push(at, people(at, [3, 1, 2]))
        if len(due):
            assert due.ids.tolist() == swapped.ids.tolist() == [1, 2, 3]
            np.testing.assert_array_equal(due.keypoints, swapped.keypoints)


def test_windows_are_copies() -> None:
    windows = Windows(SETTINGS)
    due = follow(windows, frames(15, 3), [1])[-1]
    before = due.keypoints.copy()
    follow(windows, frames(15, 3, 3.0), [1])
    np.testing.assert_array_equal(due.keypoints, before)


def test_who_was_lost_a_moment_ago_is_judged_and_who_was_there_briefly_is_not() -> None:
    windows = Windows(SETTINGS)
    follow(windows, frames(15, 2), [1, 2])
    last = follow(windows, frames(15, 0.6, 2.0), [1, 3])[-1]
    assert last.ids.tolist() == [1, 2, 3]
    assert last.ids[last.judged].tolist() == [1, 2]
    assert last.last_at[1] < last.last_at[0]
