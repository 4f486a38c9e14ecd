"""Scales a picture and encodes it as JPEG.

swscale turns the decoder's planes into scaled full-range BT.601 planes, which is what JPEG holds, and
simplejpeg encodes those as they are; no BGR array stands in between. docs/research.md has the figures.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import av
import numpy as np
import simplejpeg
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
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
        scaled = self._scaler.reformat(
            frame,
            *((width, height) if quarter_turns % 2 == 0 else (height, width)),
            format="yuvj420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA,
        )
        y, u, v = (np.ascontiguousarray(np.rot90(_pixels(plane), quarter_turns)) for plane in scaled.planes)
        jpeg: bytes = simplejpeg.encode_jpeg_yuv_planes(y, u, v, self._quality, False)
        return Encoded(jpeg, width, height, *shown, zlib.crc32(jpeg))


def _pixels(plane: VideoPlane) -> NDArray[np.uint8]:
    """A plane as [height, width]; libav pads its lines."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    pixels: NDArray[np.uint8] = lines[: plane.height, : plane.width]
    return pixels
