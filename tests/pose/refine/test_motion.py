from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from tests.pose.refine.numbers import any_floats
from workers.pose.refine.motion import FEATURES, extrapolated, is_moving, speeds, velocity_features


def features_of(velocity: np.ndarray, **options: float) -> dict[str, float]:
    return dict(zip(FEATURES, velocity_features(velocity, **options)[0].tolist(), strict=True))


def test_features_agree_with_the_reference_but_for_the_unit(reference) -> None:
    random = np.random.default_rng(0)
    extractor = reference.VelocityFeatureExtractor(fps=30)
    keypoints = random.uniform(0, 100, (17, 3))
    for _ in range(5):
        keypoints = keypoints + random.normal(0, 1, (17, 3))
        expected = extractor.extract_features(0, keypoints)
    # In pixels a second: a person of height 1.
    found = features_of(extractor.velocity_tracker.velocities[0][None], rapid=50)
    for name, theirs in {
        "mean": "avg_velocity",
        "max": "max_velocity",
        "variance": "velocity_variance",
    }.items():
        assert found[name] == pytest.approx(expected[theirs])
    for name in ("arm", "leg", "torso"):
        assert found[name] == pytest.approx(expected[f"{name}_velocity"])
    assert found["rapid"] == float(expected["is_rapid_motion"])


def test_the_plain_formula_agrees_with_the_references_prediction(reference) -> None:
    random = np.random.default_rng(1)
    tracker = reference.KeypointVelocityTracker(fps=30)
    for _ in range(5):
        tracker.update(0, random.uniform(0, 100, (17, 3)))
    found = extrapolated(
        tracker.positions[0][-1][None],
        tracker.velocities[0][None],
        tracker.accelerations[0][None],
        np.array([4 / 30]),
        lasts_s=np.inf,
    )
    assert found[0] == pytest.approx(tracker.predict(0, 4))


def test_each_feature_is_of_its_own_joints() -> None:
    velocity = np.zeros((1, 17, 2))
    velocity[0, 9] = [3.0, 4.0]
    found = features_of(velocity)
    assert found["max"] == 5
    assert found["mean"] == pytest.approx(5 / 17)
    assert found["arm"] == pytest.approx(5 / 4)
    assert found["leg"] == found["torso"] == 0
    assert found["rapid"] == 1
    assert features_of(velocity / 4)["rapid"] == 0


def test_moving_is_said_by_the_mean_of_all_joints() -> None:
    velocity = np.zeros((2, 17, 2))
    velocity[0, 9] = 1.0
    velocity[1] = 0.3
    assert is_moving(velocity).tolist() == [False, True]


def test_an_acceleration_fades_from_lasting_to_none() -> None:
    start, still, push = np.zeros((1, 17, 2)), np.zeros((1, 17, 2)), np.full((1, 17, 2), 2.0)
    reached = [
        extrapolated(start, still, push, np.array([0.5]), lasts_s=lasts)[0, 0, 0]
        for lasts in (np.inf, 1e4, 0.1, 1e-3, 0.0)
    ]
    assert reached[0] == pytest.approx(0.25)
    assert reached[1] == pytest.approx(0.25, rel=1e-4)
    assert reached[2] == pytest.approx(2 * 0.1 * (0.5 - 0.1 * (1 - np.exp(-5))))
    assert reached[2] > reached[3] > reached[4] == 0


def test_each_person_is_extrapolated_by_a_time_of_their_own() -> None:
    velocity = np.ones((3, 17, 2))
    found = extrapolated(np.zeros((3, 17, 2)), velocity, np.zeros((3, 17, 2)), np.array([0.0, 0.1, -1.0]))
    assert found[:, 0, 0] == pytest.approx([0, 0.1, 0])


@given(any_floats(2, 17, 2), any_floats(2, 17, 2), any_floats(2))
def test_any_numbers_give_finite_ones(velocity: np.ndarray, other: np.ndarray, ahead: np.ndarray) -> None:
    assert np.isfinite(velocity_features(velocity)).all()
    assert np.isfinite(speeds(velocity)).all()
    for lasts in (0.0, 0.05, np.inf):
        assert np.isfinite(extrapolated(other, velocity, velocity[::-1], ahead, lasts)).all()


def test_nobody_is_fine() -> None:
    nobody = np.zeros((0, 17, 2))
    assert velocity_features(nobody).shape == (0, 7)
    assert is_moving(nobody).shape == (0,)
    assert extrapolated(nobody, nobody, nobody, np.zeros(0)).shape == (0, 17, 2)
