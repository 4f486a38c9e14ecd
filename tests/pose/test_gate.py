"""The pose gate: people in real images are found well enough, in every runtime."""

import pytest
import torch

from benchmarks.pose_gate import score
from workers.pose.config import PoseConfig

LEAST_OKS = 0.85


@pytest.mark.parametrize(
    ("runtime", "precision"),
    [
        ("openvino", "auto"),
        ("openvino", "f32"),
        ("onnxruntime", "auto"),
        ("torch", "auto"),
        pytest.param("cuda", "auto", marks=pytest.mark.gpu),
    ],
)
def test_mean_oks_on_real_images(runtime, precision, checkpoint, weights, shared_data):
    if runtime == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    config = PoseConfig(
        weights=str(checkpoint), runtime=runtime, precision=precision, parallel=2, image_size=640
    )
    result = score(config, shared_data / "images")
    assert result.people == 12
    assert result.oks >= LEAST_OKS
