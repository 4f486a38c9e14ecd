from __future__ import annotations

import pytest

from shared.config import ConfigError, validate
from workers.ingest.config import CameraOptions, IngestConfig, redacted

SECRETS = "rtsp://admin:hunter2@10.0.0.5:554/stream?token=abc"


@pytest.mark.parametrize(
    ("source", "kind", "live"),
    [
        ("videos/a.mp4", "file", False),
        ("/videos/a b.avi", "file", False),
        ("rtsp://10.0.0.5/stream", "rtsp", True),
        ("RTSPS://10.0.0.5/stream", "rtsp", True),
        ("http://10.0.0.5:8080/video.mjpg", "http", True),
        ("/dev/video2", "usb", True),
        ("usb:0", "usb", True),
    ],
)
def test_a_source_tells_what_it_is(source, kind, live):
    options = CameraOptions(source=source)
    assert (options.kind, options.live) == (kind, live)


def test_a_file_at_its_own_pace_is_live():
    assert CameraOptions(source="a.mp4", pace="realtime").live


def test_usb_numbers_are_device_files():
    assert [CameraOptions(source=source).device for source in ("usb:03", "/dev/video1")] == [
        "/dev/video3",
        "/dev/video1",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "  ",
        "concat://a|b",
        "ftp://u:hunter2@host/x",
        "rtsp:///x",
        "usb:x",
        "a\nb",
        "http://[::hunter2/",
        "file:///x",
    ],
)
def test_a_source_of_no_known_kind_is_refused_without_being_repeated(source):
    with pytest.raises(ConfigError, match="source") as caught:
        validate({"source": source}, CameraOptions, "site.yaml")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_credentials_are_not_shown():
    options = CameraOptions(source=SECRETS)
    assert options.shown_source == "rtsp://10.0.0.5:554/stream?..."
    for text in (repr(options), str(options), f"{options}"):
        assert "hunter2" not in text
        assert "abc" not in text


def test_credentials_in_a_broken_address_are_not_shown():
    assert "hunter2" not in redacted("rtsp://a:hunter2@host:port/x")


def test_an_unknown_key_names_the_right_one():
    with pytest.raises(ConfigError, match="did you mean 'max_width'"):
        validate({"source": "a.mp4", "maxwidth": 3}, CameraOptions, "site.yaml")


@pytest.mark.parametrize("model", [CameraOptions, IngestConfig])
def test_every_option_is_described(model):
    assert all(field.description for field in model.model_fields.values())


def test_a_frame_always_fits_into_a_message():
    with pytest.raises(ConfigError, match="max_frame_mb"):
        validate({"max_frame_mb": 16}, IngestConfig, "site.yaml")
