from __future__ import annotations

import numpy as np

from tests.classify.scenes import emptied, standing, waving, window
from workers.classify.pairs import ALONE, paired

ARMS = [7, 8, 9, 10]


def chosen(*people: np.ndarray) -> list[int]:
    return paired(window(*people)).partner.tolist()


def test_the_partner_is_who_is_close() -> None:
    assert chosen(standing(0), standing(60), standing(400), standing(440)) == [1, 0, 3, 2]


def test_of_two_at_the_same_distance_the_livelier_is_the_partner() -> None:
    still, lively = standing(-70), waving(standing(70), ARMS, 2.0, 20)
    assert chosen(standing(0), still, lively)[0] == 2
    assert chosen(standing(0), lively, still)[0] == 1


def test_somebody_alone_has_no_partner() -> None:
    assert chosen(standing(0)) == [ALONE]


def test_who_was_never_there_at_the_same_time_is_no_partner() -> None:
    due = emptied(window(standing(0), standing(60)), 0, slice(0, 16))
    due = emptied(due, 1, slice(16, 32))
    assert paired(due).partner.tolist() == [ALONE, ALONE]


def test_far_away_people_still_have_the_nearest_as_partner() -> None:
    assert chosen(standing(0), standing(5000), standing(9000)) == [1, 2, 1]


def test_only_the_judged_get_a_partner_and_anybody_can_be_one() -> None:
    due = window(standing(0), standing(60), judged=[1])
    assert paired(due).partner.tolist() == [0]


def test_distance_is_measured_in_bodies_not_pixels() -> None:
    # 100 px are a quarter of a large body and twice a small one.
    assert chosen(standing(0, 400), standing(100, 400), standing(-60, 50)) == [1, 0, 0]
    assert chosen(standing(0, 50), standing(100, 50), standing(-60, 50)) == [2, 0, 0]
