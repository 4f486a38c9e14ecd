"""Windows of the simulated site: who is in them is known by where they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from training.site_acts import _Owners

PLACES = np.array([[0, 0, 10, 20], [100, 0, 110, 20], [200, 0, 210, 20]], float)


def camera(present: list[bool]) -> Any:
    truth = SimpleNamespace(present=np.array([present]), boxes=PLACES[None])
    return SimpleNamespace(truth=lambda _number: truth)


def tracks(at: float, boxes: list[int], owners: list[int]) -> Any:
    return SimpleNamespace(number=0, at=at, detection_boxes=PLACES[boxes], detection_tracks=np.array(owners))


def test_a_track_is_whose_box_it_has() -> None:
    owners = _Owners()
    for step in range(10):
        owners.note(tracks(step / 10, [2, 0], [7, 8]), camera([True, True, True]))
    np.testing.assert_array_equal(owners.of(np.array([8, 7, 9]), 0.0), [0, 2, -1])


def test_who_is_not_there_owns_nothing_and_weak_detections_are_nobody() -> None:
    owners = _Owners()
    owners.note(tracks(0.0, [0, 1], [7, 0]), camera([False, True, True]))
    np.testing.assert_array_equal(owners.of(np.array([7, 0]), 0.0), [-1, -1])


def test_a_track_that_was_several_people_lately_is_nobody() -> None:
    owners = _Owners()
    for step in range(20):
        owners.note(tracks(step / 10, [0 if step < 10 else 1], [7]), camera([True, True, True]))
    np.testing.assert_array_equal(owners.of(np.array([7]), 0.5), [-1])
    np.testing.assert_array_equal(owners.of(np.array([7]), 1.0), [1])
