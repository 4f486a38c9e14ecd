from __future__ import annotations

import dataclasses

import numpy as np

from tests.classify.test_windows import follow, frames
from workers.classify.features import body_heights, features
from workers.classify.windows import Due, Windows, WindowSettings


def walked() -> Due:
    return follow(Windows(WindowSettings()), frames(15, 3), [1])[-1]


def changed(due: Due, scale: float, shift: tuple[float, float]) -> Due:
    keypoints, boxes = due.keypoints.copy(), due.boxes.copy()
    keypoints[..., :2] = keypoints[..., :2] * scale + shift
    boxes = boxes * scale + np.array([*shift, *shift])
    return dataclasses.replace(due, keypoints=keypoints, boxes=boxes.astype(np.float32))


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    due = walked()
    moved = changed(due, 0.37, (400.0, -20.0))
    np.testing.assert_allclose(features(due), features(moved), atol=1e-4)
    np.testing.assert_allclose(body_heights(moved), body_heights(due) * 0.37, rtol=1e-4)


def test_the_hips_mean_over_the_window_is_the_origin_so_walking_remains() -> None:
    x = features(walked())
    hips = x[0, :2, :, [11, 12], 0]
    assert np.abs(hips.mean(axis=(0, 2))).max() < 1e-3
    drift = hips[:, 0].mean(axis=0)
    assert drift[-1] - drift[0] > 0.1


def test_shape_order_and_confidence() -> None:
    x = features(walked())
    assert x.shape == (1, 3, 32, 17, 1)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[0, 2], 0.8)


def test_nobody_gives_an_empty_batch() -> None:
    due = walked()
    none = dataclasses.replace(
        due, **{field.name: getattr(due, field.name)[:0] for field in dataclasses.fields(due)}
    )
    assert features(none).shape == (0, 3, 32, 17, 1)
    assert body_heights(none).shape == (0,)


def test_people_without_hips_or_height_give_finite_input() -> None:
    due = walked()
    keypoints = due.keypoints.copy()
    keypoints[..., 2] = 0
    flat = dataclasses.replace(due, keypoints=keypoints, boxes=np.zeros_like(due.boxes))
    x = features(flat)
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 3


def test_a_soft_mask_pulls_uncertain_joints_to_the_origin() -> None:
    due = walked()
    keypoints = due.keypoints.copy()
    keypoints[:, :, 9, 2] = 0.05
    masked = dataclasses.replace(due, keypoints=keypoints)
    assert (
        np.abs(features(masked, masked=True)[0, :2, :, 9]).max()
        < 0.1 * np.abs(features(masked)[0, :2, :, 9]).max()
    )
