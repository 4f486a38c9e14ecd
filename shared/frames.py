"""Opens a frame's image, wherever it lies."""

from __future__ import annotations

import zlib

from shared.messages import Frame


class ImageError(ValueError):
    """An image that cannot be opened; the text says why."""


def open_image(frame: Frame) -> bytes:
    """The frame's JPEG, as encoded by ingest.

    Raises:
        ImageError: empty, damaged (CRC) or stored where this worker cannot read it.
    """
    if not isinstance(frame.image, bytes):
        raise ImageError(f"image lies on host {frame.image.host!r}: references are not readable here yet")
    if not frame.image:
        raise ImageError("image is empty")
    if zlib.crc32(frame.image) != frame.crc:
        raise ImageError("image does not match its CRC")
    return frame.image
