from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pose.refine.people import FRAME, box, crowd, standing
from workers.pose.refine import RefineConfig, Refiner, adaptive, learned

NET = ("INPUT", "JOINTS", "OUTPUT", "OUTPUT_BIAS", "BODY", "BODY_BIAS")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A net that always says that joints are as lively as 1, the detector as usual, the body at rest."""
    for name in NET:
        monkeypatch.setattr(learned, name, np.zeros_like(getattr(learned, name)))
    monkeypatch.setattr(learned, "BODY_BIAS", np.array([-20.0]))
    return monkeypatch


def test_a_net_that_always_says_the_same_makes_a_plain_kalman_filter(silent) -> None:
    random = np.random.default_rng(0)
    ours = Refiner(RefineConfig(smoothing="adaptive"))
    plain = Refiner(RefineConfig(smoothing="kalman", process_noise=1.0))
    at = 0.0
    for step in range(120):
        boxes, points = crowd(random, 3)
        at += random.uniform(0.01, 0.1)
        a, b = (one.update(at, [1, 2, 3], boxes, points, FRAME) for one in (ours, plain))
        # In their second frame the body is not yet at rest, which is soon forgotten.
        if step >= 100:
            assert a.keypoints == pytest.approx(b.keypoints, abs=1e-3)
            assert a.velocity == pytest.approx(b.velocity, abs=1e-3)


def test_joints_that_move_together_are_believed_to_be_a_body_that_moves(silent) -> None:
    def followed(moved: np.ndarray) -> float:
        refiner = Refiner(RefineConfig())
        for step in range(30):
            refiner.update(step / 30, [1], box(), standing(), FRAME)
        points = standing()
        points[0, moved, 0] += 20
        return float(refiner.update(1.0, [1], box(), points, FRAME).keypoints[0, 9, 0] - standing()[0, 9, 0])

    silent.setattr(learned, "BODY_BIAS", np.array([8.0]))
    assert followed(np.arange(17)) > followed(np.array([9])) + 5


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.sampled_from([1.0, 1e3, 1e9]))
def test_a_net_that_says_nonsense_still_gives_finite_answers(seed: int, size: float) -> None:
    random = np.random.default_rng(seed)
    refiner, at = Refiner(RefineConfig()), 0.0
    with pytest.MonkeyPatch.context() as patch:
        for name in NET:
            patch.setattr(learned, name, size * random.normal(size=np.shape(getattr(learned, name))))
        for _ in range(20):
            boxes, points = crowd(random, 4)
            some = np.flatnonzero(random.random(4) < 0.8)
            at += 10 ** random.uniform(-6, 0.5)
            refined = refiner.update(at, some, boxes[some], points[some], FRAME)
            for name, value in vars(refined).items():
                assert np.isfinite(value).all(), name


def test_noises_are_bounded_whatever_the_net_is_shown() -> None:
    features = np.full((2, 17, len(learned.INPUT)), 1e6)
    told = adaptive.noises(np.concatenate([features, -features]))
    assert [one.shape for one in told] == [(4, 17), (4, 17), (4,)]
    assert all((np.abs(one) <= 20).all() for one in told)
