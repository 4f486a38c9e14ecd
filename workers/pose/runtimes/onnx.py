"""ONNX Runtime on the CPU, in f32: one thread an inference, several inferences at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from workers.pose.runtimes import Finish, Image, T


class OnnxRuntime:
    """Keeps a session for each input shape, since fixed shapes run faster."""

    name = "onnxruntime"

    def __init__(self, model: Path, *, features: bool, precision: str, parallel: int) -> None:
        self._model = model
        self._features = features
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="pose-net")
        self._sessions: dict[tuple[int, ...], onnxruntime.InferenceSession] = {}

    def warm_up(self, shape: tuple[int, int]) -> None:
        """See `Runtime`."""
        self.run([np.zeros((*shape, 3), np.uint8)], lambda _row, _candidates, _features: None)

    def run(self, images: Sequence[Image], finish: Finish[T]) -> list[T]:
        """See `Runtime`."""
        for shape in {image.shape[:2] for image in images}:
            if shape not in self._sessions:
                self._sessions[shape] = self._session(*shape)

        def one(row: int) -> T:
            outputs = self._sessions[images[row].shape[:2]].run(None, {"images": images[row][None]})
            return finish(row, outputs[0][0], outputs[1][0] if self._features else None)

        return list(self._threads.map(one, range(len(images))))

    def _session(self, height: int, width: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        for name, size in (("count", 1), ("height", height), ("width", width)):
            options.add_free_dimension_override_by_name(name, size)
        return onnxruntime.InferenceSession(str(self._model), options, providers=["CPUExecutionProvider"])
