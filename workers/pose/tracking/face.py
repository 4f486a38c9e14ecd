"""What the stage asks of a tracker, whichever it is, and what identities are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.pose.detector import Detections

ID_BITS = 53  # exact in JSON and in every language's double


@dataclass(frozen=True)
class Tracked:
    """Who was seen in a frame of m detections.

    Attributes:
        track_ids: [P] the people who are told of.
        detection: [P] the rows of their detections.
        owners: [m] the track of each detection, 0 where it belongs to none. Also the tracks that are not told
            of, so that whoever is, is known from the first moment on.
    """

    track_ids: NDArray[np.int64]
    detection: NDArray[np.int16]
    owners: NDArray[np.int64]


class Tracker(Protocol):
    """One camera's tracker."""

    def update(
        self,
        number: int,
        at: float,
        found: Detections,
        frame_size: tuple[int, int],
        image: NDArray[np.uint8] | None = None,
    ) -> Tracked:
        """Take one frame.

        Args:
            number: the frame's number in its generation.
            at: its time in seconds; one before the last counts as the last.
            found: its detections.
            frame_size: width and height of the image in which they lie, pixels.
            image: [H, W, 1] grey at the published size; moving cameras only.
        """

    def dump(self) -> dict[str, Any]:
        """Everything the next update depends on, as plain values and array bytes."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what a tracker of the same settings dumped, exactly as that one would."""


def track_id(generation: str, number: int, index: int) -> int:
    """The lasting id of the `index`-th track born in frame `number` of a generation; positive, 53 bits."""
    digest = hashlib.blake2b(f"{generation}:{number}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - ID_BITS) or 1
