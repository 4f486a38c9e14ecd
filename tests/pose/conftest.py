"""Weights imported once for all tests here."""

from pathlib import Path

import pytest

from workers.pose.cache import file_hash
from workers.pose.checkpoint import convert
from workers.pose.config import CameraOptions, PoseConfig
from workers.pose.export import export, export_path
from workers.pose.stage import build_stage
from workers.pose.weights import Weights, models_folder

IMAGE_SIZE = 320


@pytest.fixture(scope="session")
def checkpoint(shared_data: Path) -> Path:
    return shared_data / "weights" / "yolo26n-pose-o2m.pt"


@pytest.fixture(scope="session")
def weights(checkpoint: Path) -> Weights:
    """Imported and exported here, since a process of its own takes seconds; one test goes that way."""
    named = models_folder() / f"{checkpoint.stem}-{file_hash(checkpoint)[:12]}"
    found = convert(checkpoint, named)
    export(found, found.branch("auto"), False, export_path(found, found.branch("auto"), False))
    return found


@pytest.fixture(scope="session")
def stage(checkpoint: Path, weights: Weights):
    config = PoseConfig(weights=str(checkpoint), runtime="openvino", image_size=IMAGE_SIZE, parallel=2)
    return build_stage(config, {"lobby": CameraOptions()})
