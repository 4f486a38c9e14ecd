from __future__ import annotations

import zlib

import av
import cv2
import numpy as np
import pytest

from tests.ingest.conftest import QUICK, options
from tests.ingest.videos import picture, turned, write
from workers.ingest.config import IngestConfig
from workers.ingest.encode import EncodeError, Encoder, fitted
from workers.ingest.sources import VideoSource


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize(
    ("size", "max_width", "expected"),
    [
        ((1920, 1080), 640, (640, 360)),
        ((1280, 720), None, (1280, 720)),
        ((640, 480), 1280, (640, 480)),
        ((641, 481), None, (640, 480)),
        ((1080, 1920), 640, (640, 1138)),
        ((768, 432), 319, (318, 178)),
        ((5000, 3), 64, (64, 2)),
    ],
)
def test_published_sizes_are_even_and_keep_the_shape(size, max_width, expected):
    assert fitted(*size, max_width) == expected


def test_colours_and_places_survive():
    image = cv2.GaussianBlur(picture(7, 320, 240), (0, 0), 4)
    encoded = Encoder(None, 95).encode(av.VideoFrame.from_ndarray(image, format="bgr24"))
    assert (encoded.width, encoded.height) == (320, 240)
    assert cv2.PSNR(decoded(encoded.jpeg), image) > 38


def test_a_real_picture_looks_as_opencv_shows_it(shared_data):
    path = shared_data / "videos" / "pedestrians_crossing.avi"
    source = VideoSource("cam", options(path), IngestConfig())
    frame = next(source.pictures()).frame
    encoded = Encoder(640, 95).encode(frame)
    source.close()
    shown = cv2.VideoCapture(str(path)).read()[1]
    shown = cv2.resize(shown, (640, 360), interpolation=cv2.INTER_AREA)
    found = decoded(encoded.jpeg)
    assert cv2.PSNR(found, shown) > 40
    assert np.abs((found.astype(float) - shown).mean((0, 1))).max() < 1.5


@pytest.mark.parametrize("width", [33, 64, 101, 200])
def test_any_size_can_be_encoded(width):
    encoded = Encoder(None, 85).encode(av.VideoFrame.from_ndarray(picture(3, width, 51), format="bgr24"))
    assert decoded(encoded.jpeg).shape == (encoded.height, encoded.width, 3)
    assert (encoded.source_width, encoded.source_height) == (width, 51)
    assert encoded.crc == zlib.crc32(encoded.jpeg)


def test_what_no_jpeg_can_hold_is_refused():
    with pytest.raises(EncodeError, match="4x66000"):
        Encoder(None, 85).encode(av.VideoFrame(4, 66_000, "gray"))


def test_one_encoder_follows_changes_of_size_and_stays_exact():
    small = av.VideoFrame.from_ndarray(picture(1), format="bgr24")
    large = av.VideoFrame.from_ndarray(picture(1, 640, 480), format="bgr24")
    encoder = Encoder(128, 85)
    first = encoder.encode(small)
    assert encoder.encode(large).width == 128
    assert encoder.encode(small) == first == Encoder(128, 85).encode(small)


def test_a_recording_of_a_turned_camera_is_upright(tmp_path):
    path = turned(write(tmp_path / "a.mp4", frames=1, size=(320, 240)))
    source = VideoSource("cam", options(path), IngestConfig.model_validate(QUICK))
    encoded = Encoder(None, 90).encode(next(source.pictures()).frame)
    source.close()
    shown = cv2.VideoCapture(str(path)).read()[1]
    assert (encoded.width, encoded.height) == shown.shape[1::-1] == (240, 320)
    assert (encoded.source_width, encoded.source_height) == (240, 320)
    assert cv2.PSNR(decoded(encoded.jpeg), shown) > 28
