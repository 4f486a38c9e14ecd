"""Scales a picture and encodes it as JPEG.

Planes are scaled before they become BGR: half the bytes, and swscale's conversion of unscaled pictures is
its fast one. BGR in between keeps the colours of BT.709 cameras right, because a JPEG's planes are BT.601.
`python -m benchmarks.ingest_parts` compares the ways.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import av
import numpy as np
import simplejpeg
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray


class EncodeError(ValueError):
    """A picture that cannot be published; the text says why."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG, its size and its source's size in pixels, and its CRC-32."""

    jpeg: bytes
    width: int
    height: int
    source_width: int
    source_height: int
    crc: int


def fitted(width: int, height: int, max_width: int | None) -> tuple[int, int]:
    """The published size: at most `max_width` wide, both sides even, the shape kept, never enlarged."""
    new_width = min(width, max_width or width)
    new_width = max(2, new_width - new_width % 2)
    new_height = height if new_width == width else round(height * new_width / width)
    return new_width, max(2, new_height - new_height % 2)


class Encoder:
    """Encodes one camera's pictures; keeps swscale's tables for the last size. For one thread.

    Args:
        max_width: pixels; None keeps the source's.
        quality: JPEG quality, 1 to 100.
    """

    def __init__(self, max_width: int | None, quality: int) -> None:
        self._max_width = max_width
        self._quality = quality
        self._scaler = VideoReformatter()
        self._converter = VideoReformatter()

    def encode(self, frame: VideoFrame) -> Encoded:
        """The picture as it is shown: scaled, and turned upright where the recording says so.

        Raises:
            EncodeError: no JPEG can be made of it.
        """
        try:
            return self._encode(frame)
        except (av.error.FFmpegError, ValueError, RuntimeError) as error:
            size = f"{frame.width}x{frame.height} {frame.format.name}"
            raise EncodeError(f"picture of {size} cannot be encoded: {error}") from error

    def _encode(self, frame: VideoFrame) -> Encoded:
        quarter_turns = round(frame.rotation / 90) % 4
        shown = (frame.width, frame.height) if quarter_turns % 2 == 0 else (frame.height, frame.width)
        width, height = fitted(*shown, self._max_width)
        image = self._bgr(frame, *((width, height) if quarter_turns % 2 == 0 else (height, width)))
        if quarter_turns:
            image = np.ascontiguousarray(np.rot90(image, quarter_turns))
        jpeg: bytes = simplejpeg.encode_jpeg(image, self._quality, "BGR", "420", fastdct=False)
        return Encoded(jpeg, width, height, *shown, zlib.crc32(jpeg))

    def _bgr(self, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        """The picture in another size, [height, width, 3]."""
        source = {"src_colorspace": frame.colorspace, "src_color_range": frame.color_range}
        area = Interpolation.AREA
        if frame.format.name == "yuv420p" and (width, height) != (frame.width, frame.height):
            same = {"dst_colorspace": frame.colorspace, "dst_color_range": frame.color_range}
            frame = self._scaler.reformat(
                frame, width, height, "yuv420p", interpolation=area, **source, **same
            )
        converted = self._converter.reformat(frame, width, height, "bgr24", interpolation=area, **source)
        return np.asarray(converted.to_ndarray(), np.uint8)
