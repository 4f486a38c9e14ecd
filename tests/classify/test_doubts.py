from __future__ import annotations

import dataclasses

import numpy as np

from tests.classify.scenes import emptied, moved, standing, window
from workers.classify.doubts import DoubtSettings, doubts
from workers.classify.due import Due

SETTINGS = DoubtSettings(joints=5.0, frames=8, height_px=12.0, changes=2.0)


def about(due: Due) -> list[tuple[str, ...]]:
    return list(doubts(due, SETTINGS))


def test_whoever_is_well_seen_is_not_doubted() -> None:
    assert about(window(standing(0), standing(60))) == [(), ()]


def test_too_few_joints() -> None:
    due = window(standing(0))
    keypoints = due.keypoints.copy()
    keypoints[:, :, 4:, 2] = 0.1
    assert about(dataclasses.replace(due, keypoints=keypoints)) == [("few_joints",)]


def test_joints_are_counted_in_the_frames_that_are_there() -> None:
    assert about(emptied(window(standing(0)), 0, slice(0, 20))) == [()]


def test_too_few_frames_that_were_seen() -> None:
    due = window(standing(0))
    seen = due.seen.copy()
    seen[:, 7:] = False
    assert about(dataclasses.replace(due, seen=seen)) == [("short",)]


def test_too_small() -> None:
    assert about(moved(window(standing(0)), 0.1, (0, 0))) == [("small",)]


def test_identities_that_change_too_often() -> None:
    due = window(*[standing(0)] * 5, judged=[4])
    for row in range(5):
        for other in range(5):
            if other != row:
                due = emptied(due, row, slice(6 * other, 6 * other + 6))
    due = emptied(due, 0, slice(30, 32))
    filled = np.zeros_like(due.filled)
    for row in range(5):
        filled[row, 6 * row : 6 * row + 6] = True
    churned = dataclasses.replace(due, filled=filled, seen=np.ones_like(filled))
    assert about(churned) == [("churn",)]


def test_only_the_judged_are_doubted() -> None:
    assert len(about(window(standing(0), standing(60), judged=[1]))) == 1
