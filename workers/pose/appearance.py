"""What people look like, by a re-identification net (OSNet and its like) in ONNX Runtime."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shared.config import ConfigError

# Colour statistics of ImageNet, RGB: what these nets were trained with.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


class Appearance:
    """A net from crops to vectors.

    Raises:
        ConfigError: the file is no net that takes [N, 3, H, W] and gives [N, D].
    """

    def __init__(self, path: Path, parallel: int) -> None:
        if path.suffix != ".onnx" or not path.is_file():
            raise ConfigError(
                f"reid: {path}: no such ONNX file: use none, native, or a net exported to .onnx"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no other base class
            raise ConfigError(f"reid: {path}: cannot be loaded: {str(error)[:120]}") from error
        taken, given = self._session.get_inputs(), self._session.get_outputs()
        shape = taken[0].shape
        if len(taken) != 1 or len(shape) != 4 or shape[1] != 3 or len(given[0].shape) != 2:
            raise ConfigError(f"reid: {path}: expected [N, 3, H, W] in and [N, D] out, found {shape}")
        self._input = taken[0].name
        self._height, self._width = (
            size if isinstance(size, int) else usual
            for size, usual in zip(shape[2:], (256, 128), strict=True)
        )
        self._dimension = len(self._vector(np.zeros((self._height, self._width, 3), np.uint8)))
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="pose-appearance")

    def vectors(
        self, image: NDArray[np.uint8], boxes: NDArray[np.float32], wanted: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """[n, D] one vector for each box; zeros, which the tracker passes over, where not wanted or empty.

        Args:
            image: [H, W, 3] BGR.
            boxes: [n, 4] x1 y1 x2 y2 in its pixels.
            wanted: [n].
        """
        height, width = image.shape[:2]
        corners = np.clip(np.round(boxes), 0, [width, height, width, height]).astype(int)
        rows = [
            row
            for row, (left, top, right, bottom) in enumerate(corners)
            if wanted[row] and right > left and bottom > top
        ]
        crops = [image[corners[row][1] : corners[row][3], corners[row][0] : corners[row][2]] for row in rows]
        vectors = np.zeros((len(boxes), self._dimension), np.float32)
        for row, vector in zip(rows, self._threads.map(self._vector, crops), strict=True):
            vectors[row] = vector
        return vectors

    def _vector(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        resized = cv2.resize(crop, (self._width, self._height), interpolation=cv2.INTER_LINEAR)
        planes = ((resized[..., ::-1] / np.float32(255) - MEAN) / SPREAD).transpose(2, 0, 1)
        answer = self._session.run(None, {self._input: np.ascontiguousarray(planes[None], np.float32)})
        vector: NDArray[np.float32] = answer[0][0]
        return vector
