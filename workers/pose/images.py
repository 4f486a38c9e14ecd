"""Opens a frame's JPEG, at the smallest scale that still fills the net's input."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from shared.frames import ImageError, open_image
from shared.messages import Frame
from shared.stage import BadInput

# 8K. A message may claim more, and its image too, in a few hundred bytes.
MAX_PIXELS = 7680 * 4320


def decode(frame: Frame, least_width: int, least_height: int) -> NDArray[np.uint8]:
    """The frame's pixels, [h, w, 3] BGR; smaller than published, but not under the given size.

    The header is compared with the message first: a tiny JPEG may claim a size that takes gigabytes.

    Raises:
        BadInput: damaged, truncated, no JPEG, or not of the size that the message says.
    """
    try:
        data = open_image(frame)
        height, width, _space, _sampling = simplejpeg.decode_jpeg_header(data)
    except (ImageError, ValueError) as error:
        raise BadInput(f"image: {error}") from error
    if width * height > MAX_PIXELS:
        raise BadInput(f"image: {width}x{height} is larger than {MAX_PIXELS} pixels")
    if (width, height) != (frame.width, frame.height):
        raise BadInput(f"image: is {width}x{height}, its message says {frame.width}x{frame.height}")
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, "BGR", min_width=least_width, min_height=least_height, min_factor=1
        )
    except ValueError as error:
        raise BadInput(f"image: {error}") from error
    return pixels
