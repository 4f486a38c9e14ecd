"""OpenVINO on the CPU: one thread an inference, several inferences at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from shared.config import cache_folder
from workers.pose.runtimes import Finish, Image, T


class OpenVino:
    """Keeps a compiled model and its requests for each input shape.

    With `precision` auto the plugin's default stands: bf16 where the CPU computes it natively, else f32.
    """

    name = "openvino"

    def __init__(self, model: Path, *, features: bool, precision: str, parallel: int) -> None:
        self._core = openvino.Core()
        self._core.set_property({"CACHE_DIR": str(cache_folder() / "openvino")})
        self._model = model
        self._features = features
        self._parallel = parallel
        self._settings: dict[str, Any] = {
            "NUM_STREAMS": parallel,
            "INFERENCE_NUM_THREADS": parallel,
            "PERFORMANCE_HINT": "THROUGHPUT",
        }
        if precision == "f32":
            self._settings["INFERENCE_PRECISION_HINT"] = "f32"
        self._requests: dict[tuple[int, int], deque[Any]] = {}

    def warm_up(self, shape: tuple[int, int]) -> None:
        """See `Runtime`."""
        blank = np.zeros((*shape, 3), np.uint8)
        self.run([blank] * self._parallel, lambda _row, _candidates, _features: None)

    def run(self, images: Sequence[Image], finish: Finish[T]) -> list[T]:
        """See `Runtime`."""
        under_way: deque[tuple[int, deque[Any], Any]] = deque()
        done: list[T] = []
        try:
            for row, image in enumerate(images):
                if len(under_way) == self._parallel:
                    done.append(self._finish(*under_way.popleft(), finish))
                free = self._free(image.shape[:2])
                request = free.popleft()
                under_way.append((row, free, request))
                request.set_input_tensor(openvino.Tensor(image[None], shared_memory=False))
                request.start_async()
            while under_way:
                done.append(self._finish(*under_way.popleft(), finish))
        finally:
            # Something failed: the requests still running serve the next call all the same.
            for _row, free, request in under_way:
                request.wait()
                free.append(request)
        return done

    def _finish(self, row: int, free: deque[Any], request: Any, finish: Finish[T]) -> T:
        try:
            request.wait()
            features = request.get_output_tensor(1).data[0] if self._features else None
            return finish(row, request.get_output_tensor(0).data[0], features)
        finally:
            free.append(request)

    def _free(self, shape: tuple[int, ...]) -> deque[Any]:
        height, width = shape
        found = self._requests.get((height, width))
        if found is None:
            model = self._core.read_model(str(self._model))
            model.reshape([1, height, width, 3])
            compiled = self._core.compile_model(model, "CPU", self._settings)
            found = deque(compiled.create_infer_request() for _ in range(self._parallel))
            self._requests[height, width] = found
        return found
