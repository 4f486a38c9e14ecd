from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from shared.skeleton import soft_mask
from tests.classify.scenes import emptied, moved, standing, waving, window
from workers.classify.due import Due
from workers.classify.inputs import graph
from workers.classify.inputs.graph import BONE, CHANNELS, CONFIDENCE, OBSERVED, OTHER, PLACE, VELOCITY
from workers.classify.pairs import paired


def body(due: Due) -> np.ndarray:
    return graph.body(paired(due))


def two() -> np.ndarray:
    return body(window(standing(0), waving(standing(60), [9], 1.0, 20)))


def test_shape_and_order_of_channels() -> None:
    x = two()
    assert x.shape == (2, CHANNELS, 32, 17, 2)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[:, CONFIDENCE], 0.9, rtol=1e-6)
    assert (x[:, OBSERVED] == 1).all()


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    due = window(standing(0), waving(standing(60), [9, 10], 1.0, 20))
    np.testing.assert_allclose(body(due), body(moved(due, 0.37, (400.0, -20.0))), atol=1e-4)


def test_the_judged_person_comes_first_with_the_hips_as_origin() -> None:
    x = two()
    belief = soft_mask(np.array(0.9))
    hips = x[:, PLACE][..., [11, 12], 0].mean(axis=-1)
    np.testing.assert_allclose(hips, 0, atol=1e-3)
    height = 97 + 0.0
    assert x[0, PLACE, 0, 11, 1][0] == pytest.approx((60 + 6) / height * belief, rel=1e-2)
    assert x[1, PLACE, 0, 11, 1][0] == pytest.approx((-60 + 6) / height * belief, rel=1e-2)


def test_channels_are_what_they_are_called() -> None:
    x = two()
    wrist = x[1, VELOCITY, :, 9, 0]
    assert np.abs(wrist[0]).max() > 0.1
    assert np.abs(x[1, VELOCITY, :, 10, 0]).max() < 1e-6
    # From everybody's hips the other is 60 px away, to the right of the first and to the left of the second.
    assert x[0, OTHER, 0, 11:13, 0][0].mean() > 0.5
    assert x[1, OTHER, 0, 11:13, 0][0].mean() < -0.5
    # A shin hangs below its knee.
    assert x[0, BONE, 0, 15, 0][1] > 0.2
    assert not x[:, BONE, :, 0].any()


def test_somebody_alone_has_zeros_beside_them() -> None:
    x = body(window(standing(0)))
    assert not x[..., 1].any()
    assert not x[:, OTHER].any()


def test_empty_frames_are_zero_and_tell_nothing_about_the_other() -> None:
    x = body(emptied(window(standing(0), standing(60)), 1, slice(4, 9)))
    assert not x[0, :, 4:9, :, 1].any()
    assert not x[0, OTHER, 4:9, :, 0].any()
    assert x[0, OTHER, 9:, :, 0].any()


def test_joints_of_low_confidence_are_drawn_to_the_origin() -> None:
    due = window(standing(0))
    keypoints = due.keypoints.copy()
    keypoints[:, :, 15, 2] = 0.05
    faint = body(dataclasses.replace(due, keypoints=keypoints))
    assert np.abs(faint[:, PLACE, :, 15]).max() < 0.1 * np.abs(body(due)[:, PLACE, :, 15]).max()


def test_people_without_hips_or_height_give_finite_input() -> None:
    due = window(standing(0), standing(60))
    keypoints = due.keypoints.copy()
    keypoints[..., 2] = 0
    x = body(dataclasses.replace(due, keypoints=keypoints, boxes=np.zeros_like(due.boxes)))
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 3


def test_nobody_gives_an_empty_batch() -> None:
    assert body(window()).shape == (0, CHANNELS, 32, 17, 2)
    assert body(window(standing(0), judged=[])).shape == (0, CHANNELS, 32, 17, 2)
