"""How a camera moves between two frames: ultralytics' estimate, with a memory that can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.pose.offline import ultralytics


class CameraMotion:
    """Compares each frame with the last one."""

    def __init__(self, method: str) -> None:
        self._gmc = ultralytics("trackers.utils.gmc").GMC(method=method)

    def since_last(self, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        """[2, 3] affine map from pixels of the last frame to pixels of this one; the identity at first.

        Args:
            image: [H, W, 1] grey.
            boxes: [n, 4] people, whose own movement does not count.
        """
        return np.asarray(self._gmc.apply(image, boxes), np.float64)

    def dump(self) -> dict[str, Any] | None:
        """What the next comparison depends on."""
        return dump_motion(self._gmc)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a dumped memory."""
        load_motion(self._gmc, state)


def dump_motion(gmc: Any) -> dict[str, Any] | None:
    """The last frame of ultralytics' `gmc`, which a PNG keeps exactly; None before the first."""
    if gmc is None or gmc.prevFrame is None:
        return None
    _, png = cv2.imencode(".png", gmc.prevFrame, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    points = gmc.prevKeyPoints
    return {
        "frame": png.tobytes(),
        "points": None if points is None else np.ascontiguousarray(points, np.float32).tobytes(),
    }


def load_motion(gmc: Any, state: Mapping[str, Any]) -> None:
    """Give ultralytics' `gmc` a dumped last frame."""
    gmc.prevFrame = cv2.imdecode(np.frombuffer(state["frame"], np.uint8), cv2.IMREAD_GRAYSCALE)
    points = state["points"]
    gmc.prevKeyPoints = None if points is None else np.frombuffer(points, np.float32).reshape(-1, 1, 2).copy()
    gmc.initializedFirstFrame = True
