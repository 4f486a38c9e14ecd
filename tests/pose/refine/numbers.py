"""Key points as hypothesis draws them: good ones, and any number at all."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


def any_floats(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays with NaN, infinities and the largest floats among ordinary numbers."""
    wild = st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-308, 0.0, -1.0])
    return arrays.arrays(np.float64, shape, elements=wild | st.floats(0, 500), fill=st.floats(0, 1))


def keypoints(random: np.random.Generator, *shape: int) -> np.ndarray:
    """[..., 17, 3] x, y in pixels; a third of the confidences near 0."""
    points = random.uniform(0, 500, (*shape, 17, 3))
    points[..., 2] = random.random((*shape, 17)) * (random.random((*shape, 17)) > 0.33)
    return points
