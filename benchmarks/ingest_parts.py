"""What a frame costs in ingest, by part, in CPU ms on one thread; and two other ways for comparison.

python -m benchmarks.ingest_parts VIDEO... [--width 640] [--frames 60]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import simplejpeg
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from shared.messages import Frame, encode
from workers.ingest.encode import Encoded, Encoder, fitted
from workers.ingest.ring_files import Kept, RingFiles

QUALITY = 85
_REPEATS = 3


def main() -> None:
    """Prints a table for each video."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for video in options.videos:
        _measure(video, options.width, options.frames)


def _measure(video: Path, max_width: int, count: int) -> None:
    frames, decode_ms = _decode(video, count)
    width, height = fitted(frames[0].width, frames[0].height, max_width)
    print(f"{video.name}: {frames[0].width}x{frames[0].height} -> {width}x{height}, {len(frames)} frames")
    _row("decode", decode_ms)
    encoder, bgr_scaler = Encoder(max_width, QUALITY), VideoReformatter()
    scale_ms, scaled = _timed(lambda frame: encoder._bgr(frame, width, height), frames)
    _row("scale, to BGR (swscale)", scale_ms)
    _row(
        "JPEG (simplejpeg)",
        _timed(lambda array: simplejpeg.encode_jpeg(array, QUALITY, "BGR", "420", False), scaled)[0],
    )
    both_ms, encoded = _timed(encoder.encode, frames)
    _row("pack (msgpack)", _timed(lambda image: encode(_message(image.jpeg, width, height)), encoded)[0])
    _row("= ours after decoding", both_ms)
    _row("ring (only for evidence with pictures)", _ring_ms(encoded))
    print(f"  JPEG {np.mean([len(image.jpeg) for image in encoded]) / 1000:.1f} kB")

    planes_ms, planes = _timed(lambda frame: _jpeg_planes(bgr_scaler, frame, width, height), frames)
    jpeg_ms = _timed(lambda yuv: simplejpeg.encode_jpeg_yuv_planes(*yuv, QUALITY, False), planes)[0]
    _row("planes: scale to BT.601 planes", planes_ms)
    _row("planes: JPEG of planes", jpeg_ms)
    _row("= as planes after decoding", planes_ms + jpeg_ms)
    to_bgr_ms, arrays = _timed(
        lambda frame: bgr_scaler.reformat(frame, format="bgr24").to_ndarray(), frames[:20]
    )
    resize_ms, small = _timed(
        lambda array: cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA), arrays
    )
    quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    opencv_ms = _timed(lambda array: cv2.imencode(".jpg", array, quality)[1].tobytes(), small)[0]
    simple_ms = _timed(lambda array: simplejpeg.encode_jpeg(array, QUALITY, "BGR", "420", False), small)[0]
    _row("full BGR: convert", to_bgr_ms)
    _row("full BGR: cv2 INTER_AREA", resize_ms)
    _row("full BGR: cv2 JPEG", opencv_ms)
    _row("full BGR: simplejpeg", simple_ms)
    _row("= through full BGR after decoding", to_bgr_ms + resize_ms + min(opencv_ms, simple_ms))


def _ring_ms(encoded: list[Encoded]) -> float:
    numbers = itertools.count(1)

    def kept(image: Encoded) -> Kept:
        number = next(numbers)
        return Kept(f"{number}-0", number, 0.0, image.crc, image.jpeg)

    with tempfile.TemporaryDirectory() as name:
        files = RingFiles(Path(name), "bench", keep_s=60.0, max_bytes=2**28)
        return _timed(lambda image: files.append("0" * 16, [kept(image)]), encoded)[0]


def _jpeg_planes(scaler: VideoReformatter, frame: VideoFrame, width: int, height: int) -> list[Any]:
    """Full-range BT.601 planes, as a JPEG holds them."""
    scaled = scaler.reformat(
        frame,
        width,
        height,
        format="yuvj420p",
        dst_colorspace=Colorspace.ITU601,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.AREA,
    )
    lines = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in scaled.planes
    ]
    return [
        np.ascontiguousarray(line[: plane.height, : plane.width])
        for line, plane in zip(lines, scaled.planes, strict=True)
    ]


def _decode(video: Path, count: int) -> tuple[list[VideoFrame], float]:
    with av.open(str(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = []
        started = time.process_time()
        for frame in container.decode(video=0):
            frames.append(frame)
            if len(frames) == count:
                break
        return frames, 1000 * (time.process_time() - started) / len(frames)


def _timed(work: Callable[[Any], Any], items: list[Any]) -> tuple[float, list[Any]]:
    """Least CPU ms an item of several turns, and the results."""
    best = float("inf")
    for _ in range(_REPEATS):
        started = time.process_time()
        for item in items:
            # Results are not kept here: fresh memory for each would cost more than the work.
            work(item)
        best = min(best, 1000 * (time.process_time() - started) / len(items))
    return best, [work(item) for item in items]


def _message(jpeg: bytes, width: int, height: int) -> Frame:
    return Frame(
        camera="bench",
        generation="0" * 16,
        number=0,
        at=0.0,
        captured_at=0.0,
        monotonic_s=0.0,
        pts_s=None,
        width=width,
        height=height,
        source_width=width,
        source_height=height,
        crc=zlib.crc32(jpeg),
        image=jpeg,
    )


def _row(name: str, milliseconds: float) -> None:
    print(f"  {name:34s}{milliseconds:8.2f} ms")


if __name__ == "__main__":
    main()
