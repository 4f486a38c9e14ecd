"""Opens a frame's image, wherever it lies: in the record, or in a segment on the disk of ingest's host."""

from __future__ import annotations

import zlib
from pathlib import Path

from shared.messages import Frame, Reference
from shared.segments import SegmentError, read_part


class ImageError(ValueError):
    """An image that cannot be opened; the text says why."""


def open_image(frame: Frame, ring: Path | None = None) -> bytes:
    """The frame's JPEG, as encoded by ingest.

    Args:
        frame: whose.
        ring: the folder of ingest's segments, where this worker can read it.

    Raises:
        ImageError: empty, damaged (CRC) or stored where this worker cannot read it.
    """
    if isinstance(frame.image, Reference):
        return open_reference(frame.image, frame.crc, ring)
    if not frame.image:
        raise ImageError("image is empty")
    if zlib.crc32(frame.image) != frame.crc:
        raise ImageError("image does not match its CRC")
    return frame.image


def open_reference(reference: Reference, crc: int, ring: Path | None) -> bytes:
    """The JPEG that a reference names.

    Args:
        reference: its segment is a path below `ring`.
        crc: CRC-32 of the JPEG.
        ring: the folder of segments; None where this worker has none.

    Raises:
        ImageError: as `open_image`.
    """
    where = f"image lies on host {reference.host!r}, in segment {reference.segment!r}"
    if ring is None:
        raise ImageError(f"{where}: this worker has no folder of segments")
    folder = ring.resolve()
    path = (folder / reference.segment).resolve()
    # Whoever can write to the stream must not be able to read the disk with it.
    if not path.is_relative_to(folder):
        raise ImageError(f"{where}: that is outside {folder}")
    try:
        return read_part(path, reference.offset, reference.length, crc)
    except SegmentError as error:
        raise ImageError(f"image does not match its CRC: {error}") from error
    except OSError as error:
        raise ImageError(f"{where}: {folder}: {error.strerror}: is that folder shared with it?") from error
