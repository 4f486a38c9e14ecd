from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from shared.skeleton import FLIP
from tests.classify.scenes import emptied, moved, standing, waving, window
from workers.classify.due import Due
from workers.classify.inputs.interaction import interaction as features_of
from workers.classify.inputs.interaction import names
from workers.classify.pairs import paired

ARMS = [7, 8, 9, 10]


def interaction(due: Due) -> np.ndarray:
    return features_of(paired(due))


def said(due: Due, feature: str, n: int = 0) -> float:
    return float(interaction(due)[n, names().index(feature)])


def test_every_feature_has_one_name() -> None:
    assert interaction(window(standing(0), standing(60))).shape == (2, len(names()))
    assert len(set(names())) == len(names())


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    due = window(standing(0), waving(standing(60), ARMS, 2.0, 20))
    found, elsewhere = interaction(due), interaction(moved(due, 0.37, (400.0, -20.0)))
    same = [name != "height" for name in names()]
    np.testing.assert_allclose(found[:, same], elsewhere[:, same], rtol=1e-3, atol=1e-3)


def test_a_mirrored_picture_says_the_same() -> None:
    due = window(standing(0), waving(standing(60), ARMS, 2.0, 20))
    keypoints = due.keypoints[:, :, FLIP].copy()
    keypoints[..., 0] *= -1
    boxes = due.boxes[..., [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
    mirrored = dataclasses.replace(due, keypoints=keypoints, boxes=boxes)
    np.testing.assert_allclose(interaction(due), interaction(mirrored), rtol=1e-3, atol=1e-3)


def test_hands_that_move_are_fast_and_feet_that_stand_are_not() -> None:
    due = window(waving(standing(0), [9, 10], 2.0, 20))
    # 20 px at 2 Hz have a mean speed of 160 px/s, in bodies of 97 px.
    assert said(due, "own hands mean") == pytest.approx(160 / 97, rel=0.1)
    assert said(due, "own feet mean") == pytest.approx(0, abs=1e-3)


def test_a_hand_that_goes_to_and_fro_is_seen_as_going_towards_the_other() -> None:
    fighter = waving(standing(0), [9, 10], 2.0, 20)
    near, far = window(fighter, standing(50)), window(fighter, standing(500))
    assert said(near, "pair hands towards peak") > 1
    assert said(far, "pair hands towards peak") < 0.01
    assert said(near, "pair hands received peak") == pytest.approx(0, abs=1e-3)
    assert said(near, "pair hands received peak", 1) == pytest.approx(said(near, "pair hands towards peak"))


def test_energy_counts_where_the_other_is_close() -> None:
    fighter = waving(standing(0), ARMS, 2.0, 20)
    energies = [said(window(fighter, standing(x)), "pair energy mean") for x in (40, 80, 200)]
    assert energies[0] > 1.5 * energies[1] > 1e3 * energies[2]


def test_approach_is_positive_when_they_come_closer() -> None:
    comer = standing(100)
    comer[:, :, 0] -= np.arange(32, dtype=np.float32)[:, None] * 2
    assert said(window(standing(0), comer), "pair approach mean") > 0.4
    assert said(window(standing(0), comer[::-1]), "pair approach mean") < -0.4


def test_somebody_alone_knows_nothing_of_a_partner() -> None:
    found = dict(zip(names(), interaction(window(standing(0)))[0].tolist(), strict=True))
    assert found["alone"] == 1
    assert all(np.isnan(v) for k, v in found.items() if k.startswith(("other", "pair")))
    assert not any(np.isnan(v) for k, v in found.items() if k.startswith("own"))


def test_people_around_are_counted_in_body_heights() -> None:
    due = window(standing(0), standing(100), standing(250), standing(900))
    assert [said(due, "crowd 1.5"), said(due, "crowd 3")] == [1, 2]


def test_unknown_joints_are_unknown_and_nothing_is_infinite() -> None:
    due = window(standing(0), standing(60))
    keypoints = due.keypoints.copy()
    keypoints[0, :, :, 2] = 0
    blind = dataclasses.replace(emptied(due, 1, slice(0, 31)), keypoints=keypoints, boxes=0 * due.boxes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = interaction(blind)
    assert not np.isinf(found).any()
    assert np.isnan(found[0, names().index("own hands mean")])


def test_a_row_does_not_depend_on_who_else_is_judged() -> None:
    people = [standing(0), waving(standing(60), ARMS, 2.0, 20), standing(300)]
    np.testing.assert_array_equal(interaction(window(*people))[1:2], interaction(window(*people, judged=[1])))
