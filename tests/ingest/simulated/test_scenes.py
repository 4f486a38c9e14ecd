"""Scenes are functions of seed and time."""

import numpy as np
import pytest

from workers.ingest.simulated import KINDS, DetectorNoise, make_scene, observe


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_scene_is_a_function_of_its_seed_and_of_time(kind):
    at = np.arange(0, 3, 0.1)
    truth, again = (make_scene(kind, seed=5, seconds=3.0).truth(at) for _ in range(2))
    assert np.array_equal(truth.keypoints, again.keypoints)
    assert np.isfinite(truth.keypoints).all()
    some = make_scene(kind, seed=5, seconds=3.0).truth(at[::3])
    assert np.allclose(some.keypoints[..., :2], truth.keypoints[::3, ..., :2])
    seen = observe(truth, DetectorNoise(), seed=1)
    assert len(seen) == len(at)
    assert all(np.isfinite(frame.keypoints).all() for frame in seen)
