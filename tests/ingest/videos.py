"""Small videos made on the spot: every picture differs from the one before."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """A BGR picture with a bright square whose place tells the number."""
    image = np.full((height, width, 3), (40, 80, 120), np.uint8)
    x, y = (number * 5) % (width - 12), (number * 3) % (height - 12)
    image[y : y + 12, x : x + 12] = (250, 240, 20 + (number * 7) % 200)
    return image


def write(
    path: Path,
    frames: int = 30,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
) -> Path:
    """Writes a video of evenly spaced pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec == "libx264":
            stream.options = {"g": "10", "bf": "0", "preset": "ultrafast"}
        container.start_encoding()
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="bgr24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts = number
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def jpegs(count: int, width: int = 64, height: int = 48, start: int = 0) -> list[bytes]:
    """Pictures as JPEGs."""
    return [cv2.imencode(".jpg", picture(start + i, width, height))[1].tobytes() for i in range(count)]


def retimed(path: Path, milliseconds: list[int]) -> Path:
    """Gives the JPEGs of a Matroska file other times, by their block headers: track, time, flags."""
    data = bytearray(path.read_bytes())
    at = 0
    for time_ms in milliseconds:
        at = data.index(b"\xff\xd8\xff", at)
        data[at - 3 : at - 1] = time_ms.to_bytes(2, "big", signed=True)
        at += 3
    path.write_bytes(data)
    return path


def turned(path: Path) -> Path:
    """Marks an MP4 as recorded with the camera turned by a quarter, in its track header's matrix."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16
    one = (1 << 16).to_bytes(4, "big")
    minus_one = (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero = bytes(4)
    data[matrix : matrix + 20] = zero + one + zero + minus_one + zero
    path.write_bytes(data)
    return path
