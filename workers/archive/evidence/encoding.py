"""Pictures as files: H.264 in MP4 for clips, JPEG for snapshots. The same pictures give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_TICKS = 90_000
# A player can seek to one picture in so many.
_KEY_EVERY = 25
# For the same bytes each time: one thread, which also leaves the cameras their cores, and no macroblock tree,
# which reads memory that nobody has written (MALLOC_PERTURB_=1 shows it). No B-frames: packets come in the
# pictures' order, so that the last one can be told how long it is shown.
_OPTIONS = {"crf": "25", "preset": "veryfast", "bf": "0", "threads": "1", "x264-params": "mbtree=0"}
# The colours that OpenCV's conversion makes: SMPTE 170M.
_SMPTE_170M = 6
_JPEG_QUALITY = 90


def write_clip(path: Path, frames: Iterable[tuple[float, Image]], hold_s: float) -> None:
    """Write a clip that plays in browsers while it is still being loaded.

    Args:
        path: a file; what is there is replaced.
        frames: when each is shown, seconds, rising; and [H, W, 3] RGB, all of one size, of even sides.
        hold_s: how long the last one is shown.

    Raises:
        OSError: it cannot be written.
    """
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", options=_OPTIONS)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.gop_size = _KEY_EVERY
        context.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _SMPTE_170M
        first_at: float | None = None
        for at, image in frames:
            if first_at is None:
                first_at = at
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420), "yuv420p")
            frame.pts, frame.time_base = round((at - first_at) * _TICKS), context.time_base
            container.mux(stream.encode(frame))
        rest = stream.encode()
        for packet in rest:
            packet.duration = round(hold_s * _TICKS)
        container.mux(rest)


def write_snapshot(path: Path, image: Image) -> None:
    """Write a JPEG of [H, W, 3] RGB.

    Raises:
        OSError: it cannot be written.
    """
    path.write_bytes(simplejpeg.encode_jpeg(image, _JPEG_QUALITY, "RGB", "444"))
