"""Runs the pose net: one face, four ways."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.config import ConfigError
from workers.pose.export import exported
from workers.pose.weights import Weights

log = logging.getLogger(__name__)

# More overlapping candidates than this never change which people are kept.
MAX_CANDIDATES = 1000

Image = NDArray[np.uint8]
Candidates = NDArray[np.float32]
Features = NDArray[np.float32]
T = TypeVar("T")
# Takes the row's number, its [56, A] candidates and its [A, D] features; must copy what it keeps.
Finish = Callable[[int, Candidates, Features | None], T]


class Runtime(Protocol):
    """A net ready to run. A row of the answer never depends on the other images of the call."""

    name: str

    def run(self, images: Sequence[Image], finish: Finish[T]) -> list[T]:
        """What `finish` makes of each image's candidates, in order.

        Args:
            images: [H, W, 3] uint8 BGR each, sides multiples of 32, shapes may differ.
            finish: called once for each image, while others are still being computed.
        """
        ...

    def warm_up(self, shape: tuple[int, int]) -> None:
        """Compile for a height and width and run once."""
        ...


def has_cuda() -> bool:
    """Whether an NVIDIA driver is here; torch is asked only then, because importing it takes seconds."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def choose(runtime: str) -> str:
    """What `auto` means on this machine: CUDA, else OpenVINO, else torch."""
    if runtime != "auto":
        return runtime
    if has_cuda():
        return "cuda"
    try:
        import openvino  # noqa: F401
    except ImportError:
        log.warning("runtime=torch reason=openvino_is_not_installed")
        return "torch"
    return "openvino"


def usual_image_size(runtime: str) -> int:
    """The longer side of the net's input where nobody chose one; `runtime` as `choose` gives it."""
    return 1280 if runtime == "cuda" else 640


def open_runtime(
    weights: Weights, *, runtime: str, head: str, features: bool, precision: str, parallel: int, batch: int
) -> Runtime:
    """The net on a chosen runtime.

    Args:
        weights: imported weights.
        runtime: `openvino`, `onnxruntime`, `torch` or `cuda` (see `choose`).
        head: a branch of the weights.
        features: also compute appearance features.
        precision: `auto` (bf16 or FP16 where the device is quicker so) or `f32`.
        parallel: inferences at once on the CPU, one thread each.
        batch: rows of a forward on CUDA; shorter batches are padded, so that every row is computed alike.

    Raises:
        ConfigError: the runtime is not installed or has no device.
    """
    options: dict[str, Any] = {"features": features, "precision": precision}
    try:
        if runtime == "openvino":
            from workers.pose.runtimes.openvino import OpenVino

            return OpenVino(exported(weights, head, features), parallel=parallel, **options)
        if runtime == "onnxruntime":
            from workers.pose.runtimes.onnx import OnnxRuntime

            return OnnxRuntime(exported(weights, head, features), parallel=parallel, **options)
        if runtime == "cuda":
            if not has_cuda():
                raise ConfigError("pose.runtime: cuda: no CUDA device here: use auto, openvino or torch")
            from workers.pose.runtimes.torch import Cuda

            return Cuda(weights, head, batch=batch, **options)
        from workers.pose.runtimes.torch import Torch

        return Torch(weights, head, parallel=parallel, **options)
    except ImportError as error:
        raise ConfigError(
            f"pose.runtime: {runtime} is not installed ({error.name}): use another runtime"
        ) from error
