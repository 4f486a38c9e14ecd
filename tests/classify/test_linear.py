from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from workers.classify.linear import Linear, LinearError

MODEL = Linear(
    quantiles=np.array([[0, 10], [1, 10], [2, 30]], np.float32),
    normal=np.array([-1, 0, 1], np.float32),
    weight=np.array([2, 1], np.float32),
    bias=np.array([0.5], np.float32),
)


def test_features_are_spread_by_their_quantiles() -> None:
    spread = MODEL.spread(np.array([[1.5, 20], [-5, 1e9], [1, 10]], np.float32))
    np.testing.assert_allclose(spread, [[0.5, 0.5], [-1, 1], [0, 0]], atol=1e-6)


def test_an_unknown_feature_says_nothing() -> None:
    logits = MODEL.logits(np.array([[np.nan, np.nan], [2, np.nan]], np.float32))
    np.testing.assert_allclose(logits, [[0, 0.5], [0, 2.5]])


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    features = np.random.default_rng(0).normal(1, 10, (50, 2)).astype(np.float32)
    together = MODEL.logits(features)
    for row in range(50):
        np.testing.assert_array_equal(MODEL.logits(features[row : row + 1])[0], together[row])


def test_nobody_gives_no_logits() -> None:
    assert MODEL.logits(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_a_file_holds_the_model_however_its_arrays_lie_in_memory(tmp_path: Path) -> None:
    turned = Linear(np.asfortranarray(MODEL.quantiles), MODEL.normal, MODEL.weight, MODEL.bias)
    save_file(turned.tensors(), tmp_path / "turned.safetensors")
    found = Linear.read(tmp_path / "turned.safetensors", 2)
    np.testing.assert_array_equal(found.quantiles, MODEL.quantiles)


def test_a_file_holds_the_model(tmp_path: Path) -> None:
    path = tmp_path / "linear.safetensors"
    save_file(MODEL.tensors(), path)
    features = np.array([[0.3, 17.0]], np.float32)
    np.testing.assert_array_equal(Linear.read(path, 2).logits(features), MODEL.logits(features))


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(MODEL.tensors(), path)
    with pytest.raises(LinearError, match="other features than the 3"):
        Linear.read(path, 3)
    save_file({"weight": MODEL.weight}, path)
    with pytest.raises(LinearError, match="is no linear model"):
        Linear.read(path, 2)
    path.write_bytes(b"nothing")
    with pytest.raises(LinearError, match="not a safetensors file"):
        Linear.read(path, 2)
    with pytest.raises(LinearError, match="cannot be read"):
        Linear.read(tmp_path / "absent.safetensors", 2)
