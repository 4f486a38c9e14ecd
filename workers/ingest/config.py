"""What a site file may say about a camera's source and about the ingest worker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from shared.config import Section
from shared.messages import MAX_PAYLOAD_BYTES
from workers.ingest.simulated import address

Kind = Literal["file", "rtsp", "http", "usb", "simulated"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_KIND_OF_SCHEME: dict[str, Kind] = {
    **{"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"},
    address.SCHEME: "simulated",
}
_DEVICE = re.compile(r"^(?:usb:|/dev/video)(\d{1,3})$")
# Room in a record for everything but the image.
_HEADER_BYTES = 4096


def redacted(source: str) -> str:
    """A source without user, password and query: what logs, errors and tables may show."""
    scheme = _SCHEME.match(source)
    if not scheme or scheme[1].lower() == address.SCHEME:
        return source
    try:
        parts = urlsplit(source)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}{'?...' if parts.query else ''}"
    except ValueError:
        return f"{source.partition(':')[0]}://..."


def _known_source(source: str) -> str:
    """Refuses what the video library would take for a protocol of its own; never repeats the source."""
    if not source.strip() or "\n" in source or "\0" in source:
        raise ValueError("a source is a file's path, rtsp://, http(s)://, sim://, /dev/videoN or usb:N")
    scheme = _SCHEME.match(source)
    if scheme and scheme[1].lower() == address.SCHEME:
        address.parse(source)
        return source
    if scheme and scheme[1].lower() not in _KIND_OF_SCHEME:
        raise ValueError(
            f"'{scheme[1]}://' is no kind of source: use rtsp://, rtsps://, http://, https:// or sim://"
        )
    if scheme:
        try:
            named = urlsplit(source).hostname
        except ValueError:
            named = None
        if not named:
            raise ValueError(f"'{scheme[1]}://' needs a host: {scheme[1]}://HOST[:PORT]/PATH")
    if source.startswith("usb:") and not _DEVICE.match(source):
        raise ValueError("a USB camera is usb:N or /dev/videoN")
    return source


class CameraOptions(Section):
    """One camera's source and how its pictures are published."""

    source: Annotated[str, AfterValidator(_known_source)] = Field(
        repr=False,
        description="A video file's path, rtsp:// or rtsps://, http(s):// (MJPEG), /dev/videoN or usb:N; or "
        "a simulated camera as sim://plaza?people=5&fights=2&seed=7 (docs/simulated-site.md). "
        "Take passwords from the environment: `rtsp://${CAMERA_USER}:${CAMERA_PASSWORD}@HOST/PATH`.",
    )
    fps: float | None = Field(
        None, gt=0, le=240, description="Publish at most this many frames a second; every frame where absent."
    )
    max_width: int | None = Field(
        None,
        ge=64,
        le=7680,
        description="Wider pictures are made this wide, in pixels; where absent, what the detector needs.",
    )
    jpeg_quality: int = Field(85, ge=30, le=100, description="JPEG quality of published frames.")
    pace: Literal["asap", "realtime"] = Field(
        "asap",
        description="Files and simulated recordings only. asap: every frame, as fast as the fleet can. "
        "realtime: as a live camera, at the file's speed, with capture times by the clock and the oldest "
        "frames dropped.",
    )
    rtsp_transport: Literal["tcp", "udp"] = Field(
        "tcp", description="How RTSP carries the video; udp is quicker to recover but loses packets."
    )

    @property
    def kind(self) -> Kind:
        """What sort of source this is."""
        scheme = _SCHEME.match(self.source)
        if scheme:
            return _KIND_OF_SCHEME[scheme[1].lower()]
        return "usb" if _DEVICE.match(self.source) else "file"

    @property
    def recorded(self) -> bool:
        """Whether the source has an end and the same pictures in each run."""
        return self.kind == "file" or (
            self.kind == "simulated" and address.parse(self.source).seconds is not None
        )

    @property
    def live(self) -> bool:
        """Whether the source does not wait for us."""
        return not self.recorded or self.pace == "realtime"

    @property
    def shown_source(self) -> str:
        """The source without credentials."""
        return redacted(self.source)

    @property
    def device(self) -> str:
        """The device file of a USB camera."""
        found = _DEVICE.match(self.source)
        return f"/dev/video{int(found[1])}" if found else ""

    def __repr_args__(self) -> list[tuple[str | None, object]]:
        return [("source", self.shown_source), *((name, value) for name, value in self if name != "source")]


class IngestConfig(Section):
    """The ingest worker: bounds, timeouts, back-off."""

    max_age_s: float = Field(
        0.5, ge=0.05, le=60, description="Live: a frame that nobody has taken after this long is dropped."
    )
    max_entries: int = Field(
        64, ge=2, le=10_000, description="Live: at most this many frames of a camera wait in its stream."
    )
    max_stream_mb: int = Field(
        32, ge=1, le=4096, description="Live: at most this many MiB of a camera's frames wait in its stream."
    )
    buffer_pictures: int = Field(
        8, ge=1, le=256, description="At most this many decoded pictures of a camera wait to be published."
    )
    buffer_mb: int = Field(
        64,
        ge=8,
        le=4096,
        description="At most this many MiB of a camera's decoded pictures wait to be published.",
    )
    frames_per_commit: int = Field(
        8, ge=1, le=64, description="How many waiting frames one commit may publish."
    )
    max_frame_mb: float = Field(
        4,
        gt=0,
        le=(MAX_PAYLOAD_BYTES - _HEADER_BYTES) / 2**20,
        description="A JPEG larger than this many MiB is refused and goes to the camera's dead letters.",
    )
    max_megapixels: int = Field(
        36, ge=1, le=268, description="A stream with pictures larger than this is not decoded."
    )
    open_timeout_s: float = Field(
        10, ge=0.5, le=120, description="A live source that does not answer for so long is tried again."
    )
    stall_s: float = Field(
        5, ge=0.5, le=300, description="A live source without a picture for so long is reopened."
    )
    frozen_s: float = Field(
        60,
        ge=1,
        le=86_400,
        description="A live source that repeats one identical picture for so long is reported.",
    )
    retry_min_s: float = Field(0.5, ge=0.01, le=60, description="Back-off before the first reconnect.")
    retry_max_s: float = Field(30, ge=0.01, le=3600, description="Back-off before later reconnects, at most.")
    mark_interval_s: float = Field(
        1.0, ge=0.1, le=60, description="A silent live source is told of this often, so that time goes on."
    )
    ring_directory: Path | None = Field(
        None,
        description="Where the last pictures of cameras are kept whose evidence shows pictures (see "
        "`evidence.pictures`); archive reads them there. Absent: 'ring' under bus.data.",
    )
    ring_s: float = Field(
        120.0, ge=10, le=3600, description="Pictures are kept there for so many seconds after their writing."
    )
    ring_mb: int = Field(
        256, ge=16, le=65_536, description="And at most so many MiB of each such camera; the oldest go first."
    )
    decoder_threads: int = Field(
        1, ge=1, le=64, description="Decoder threads for each camera. One: cameras already run side by side."
    )

    @property
    def max_stream_bytes(self) -> int:
        """`max_stream_mb` in bytes."""
        return self.max_stream_mb * 2**20

    @property
    def buffer_bytes(self) -> int:
        """`buffer_mb` in bytes."""
        return self.buffer_mb * 2**20

    @property
    def ring_bytes(self) -> int:
        """`ring_mb` in bytes."""
        return self.ring_mb * 2**20

    @property
    def max_frame_bytes(self) -> int:
        """`max_frame_mb` in bytes."""
        return int(self.max_frame_mb * 2**20)
