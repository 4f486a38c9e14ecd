"""A ring as ingest leaves it: pictures with a pattern for each face, and detail everywhere else."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from shared.messages import Tracks
from shared.segments import SegmentWriter, ring_folder, segment_name
from tests.archive.scenes import BODY_PX, HEIGHT, WIDTH

Image = NDArray[np.uint8]

# Of a body that is 120 px high: what a head takes up, from the top of its box, and its half sides.
HEAD_Y, HEAD_HALF = 4.0, 5
SQUARE_PX = 2
PER_SEGMENT = 20


_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
_GROUND = np.where(((_X // 8 + _Y // 8) % 2)[..., None] > 0, np.uint8(160), np.uint8(100)).repeat(3, axis=-1)
_FACES = tuple(
    np.where(((_X // SQUARE_PX + _Y // SQUARE_PX + face) % 2)[..., None] > 0, np.uint8(255), np.uint8(0))
    for face in (0, 1)
)


def picture(lefts: Iterable[float], face: int = 0) -> Image:
    """[H, W, 3] RGB: squares everywhere, and in place of faces smaller ones, of which `face` is the first."""
    image = _GROUND.copy()
    for left in lefts:
        inside = face_of(left)
        image[inside] = _FACES[face][inside]
    return image


def face_of(left: float) -> tuple[slice, slice]:
    """Rows and columns of the face of somebody at a place."""
    x, y = round(left + BODY_PX[0] / 2), round(100 + HEAD_Y)
    return slice(y - HEAD_HALF, y + HEAD_HALF + 1), slice(x - HEAD_HALF, x + HEAD_HALF + 1)


def fill(root: Path, seen: Iterable[tuple[int, Tracks, Image]], per_segment: int = PER_SEGMENT) -> None:
    """Keep pictures as ingest does.

    Args:
        root: the ring's folder.
        seen: the number of an entry, its tracks and its picture.
        per_segment: how many pictures one file holds.
    """
    writer = None
    for place, (entry, tracks, image) in enumerate(seen):
        entry_id = f"{entry}-0"
        if place % per_segment == 0:
            if writer is not None:
                writer.close()
            folder = ring_folder(root, tracks.camera, tracks.generation)
            writer = SegmentWriter(folder / segment_name(entry_id, place))
        jpeg = simplejpeg.encode_jpeg(image, 95, "RGB", "444")
        writer.append(entry_id, tracks.number, tracks.captured_at, jpeg, zlib.crc32(jpeg))
    if writer is not None:
        writer.close()


def difference(one: Image, other: Image, part: tuple[slice, slice]) -> float:
    """How much two pictures differ in a part, grey values on average."""
    return float(np.abs(one[part].astype(float) - other[part].astype(float)).mean())


def detail(image: Image, part: tuple[slice, slice]) -> float:
    """How much brightness changes from pixel to pixel in a part of a picture."""
    return float(np.abs(np.diff(image[part].astype(float).mean(axis=-1), axis=1)).mean())
