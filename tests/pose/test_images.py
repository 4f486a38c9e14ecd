import struct

import numpy as np
import pytest
import simplejpeg

from shared.messages import Reference
from shared.stage import BadInput
from tests.pose.footage import frame_with
from workers.pose.images import decode
from workers.pose.letterbox import Letterbox

PIXELS = np.random.default_rng(0).integers(0, 255, (120, 200, 3), dtype=np.uint8)
JPEG = simplejpeg.encode_jpeg(PIXELS, 90, "BGR")


def claiming(width: int, height: int) -> bytes:
    """A tiny JPEG whose header names another size."""
    tiny = bytearray(simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8), 85, "BGR"))
    start = tiny.index(b"\xff\xc0")
    tiny[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(tiny)


def test_a_small_image_is_decoded_as_published():
    assert decode(frame_with(JPEG, 200, 120), 640, 384).shape == (120, 200, 3)


def test_a_large_image_is_decoded_no_larger_than_the_net_needs():
    large = simplejpeg.encode_jpeg(np.repeat(np.repeat(PIXELS, 8, 0), 8, 1), 85, "BGR")
    assert decode(frame_with(large, 1600, 960), 640, 384).shape == (480, 800, 3)


@pytest.mark.parametrize(
    ("image", "width", "height", "reason"),
    [
        (JPEG[: len(JPEG) // 2], 200, 120, "image: "),
        (b"", 200, 120, "empty"),
        (b"not a picture", 200, 120, "image: "),
        (JPEG, 120, 200, "is 200x120, its message says 120x200"),
        (claiming(30000, 30000), 8, 8, "larger than"),
        (claiming(30000, 30000), 30000, 30000, "larger than"),
        (claiming(4000, 3000), 8, 8, "its message says 8x8"),
        (claiming(4000, 3000), 4000, 3000, "image: "),
    ],
)
def test_a_bad_image_is_a_bad_input(image, width, height, reason):
    with pytest.raises(BadInput, match=reason):
        decode(frame_with(image, width, height), 640, 384)


def test_a_damaged_image_and_one_elsewhere_are_bad_inputs():
    with pytest.raises(BadInput, match="CRC"):
        decode(frame_with(JPEG, 200, 120, crc=1), 640, 384)
    elsewhere = Reference(host="far", segment="s", offset=0, length=10)
    with pytest.raises(BadInput, match="far"):
        decode(frame_with(JPEG, 200, 120, image=elsewhere), 640, 384)


@pytest.mark.parametrize(
    ("size", "image_size", "shape"),
    [
        ((1280, 720), 640, (384, 640)),
        ((640, 480), 640, (480, 640)),
        ((480, 640), 640, (640, 480)),
        ((768, 432), 320, (192, 320)),
        ((1280, 720), 1280, (736, 1280)),
        ((32000, 4), 640, (32, 640)),
    ],
)
def test_the_input_is_padded_to_multiples_of_32_only(size, image_size, shape):
    box = Letterbox.fit(*size, image_size)
    assert (box.input_height, box.input_width) == shape


def test_points_come_back_where_they_were():
    box = Letterbox.fit(1000, 700, 640)
    image = np.zeros((700, 1000, 3), np.uint8)
    image[500:520, 300:320] = 255
    rows, columns = np.nonzero(box.place(image)[..., 0] > 200)
    middle = np.array([[columns.mean() + 0.5, rows.mean() + 0.5]], np.float32)
    assert box.points_back(middle) == pytest.approx(np.array([[310, 510]]), abs=1.0)


def test_an_image_decoded_smaller_lands_in_the_same_place():
    box = Letterbox.fit(1280, 720, 640)
    half = np.random.default_rng(1).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    placed = box.place(half)
    assert np.array_equal(placed[12:372], half)
    assert (placed[:12] == 114).all()
    assert (placed[372:] == 114).all()
