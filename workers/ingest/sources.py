"""Opens a file, an RTSP or HTTP stream or a USB camera, and gives its pictures one by one.

libav's texts name the URL, password included, so only an error's bare reason leaves this module.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame

from shared.config import ConfigError
from workers.ingest import metrics
from workers.ingest.config import CameraOptions, IngestConfig, Kind

log = logging.getLogger(__name__)

# Errors in a row after which the rest of a file counts as unreadable: some demuxers repeat one for ever.
_MAX_ERRORS_IN_A_ROW = 200
_DEFAULT_RATE = 25.0
# What a message can say; a JPEG ends at 65,500.
_MAX_SIDE_PX = 32768
# Network formats that may not know their pictures' size before the first key frame.
_SIZE_COMES_LATER = frozenset({"rtsp", "mpegts", "mpjpeg", "hls"})


class SourceError(RuntimeError):
    """A source that cannot be opened or gives no more pictures; the text says why, without credentials."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture.

    Attributes:
        frame: as decoded; it becomes BGR only once it is wanted and scaled (see `encode`).
        number: counted from the source's first picture, from 0.
        pts_s: presentation time, None where the source has none that means anything.
        captured_at, monotonic_s: wall and monotonic clock at decoding; for a file `captured_at` is the
            recording's own clock (see `VideoSource.started_at`).
    """

    frame: VideoFrame
    number: int
    pts_s: float | None
    captured_at: float
    monotonic_s: float

    @property
    def size_bytes(self) -> int:
        """Memory that the picture holds."""
        return sum(plane.buffer_size for plane in self.frame.planes)


class VideoSource:
    """An open source. Not safe to share between threads.

    Attributes:
        rate: nominal frames a second.
        started_at: wall time at a recording's first picture: its creation time, else the file's time.
    """

    def __init__(self, camera: str, options: CameraOptions, config: IngestConfig) -> None:
        self._camera = camera
        self._stall_s = config.stall_s
        self._is_file = options.kind == "file"
        self._container = _open(options, config)
        try:
            self._stream = _video_stream(self._container, config)
        except BaseException:
            self._container.close()
            raise
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or _DEFAULT_RATE)
        # MJPEG over HTTP has no times: libav counts them up at 25 a second, whatever the camera does.
        self._timed = self._is_file or "jpeg" not in self._container.format.name
        self.started_at = _recorded_at(self._container, options) if self._is_file else 0.0

    def pictures(self, first: int = 0) -> Iterator[Picture]:
        """All pictures in presentation order, until the end of the file.

        Those before number `first` are not wanted; they are given nevertheless, since they must be decoded.

        Raises:
            SourceError: a live source failed, ended or stalled.
        """
        first_pts_s: float | None = None
        for number, frame in enumerate(self._frames()):
            pts_s = frame.time if self._timed and frame.pts is not None else None
            captured_at = time.time()
            if self._is_file:
                first_pts_s = pts_s if first_pts_s is None else first_pts_s
                captured_at = self.started_at + (
                    number / self.rate if pts_s is None or first_pts_s is None else pts_s - first_pts_s
                )
            yield Picture(frame, number, pts_s, captured_at, time.monotonic())

    def close(self) -> None:
        """Frees the source; may take as long as its network timeout."""
        self._container.close()

    def _frames(self) -> Iterator[VideoFrame]:
        errors = 0
        seen_at = time.monotonic()
        for packet in self._packets():
            if time.monotonic() - seen_at > self._stall_s and not self._is_file:
                raise SourceError(f"no picture for {self._stall_s:g} s")
            if packet.stream.index != self._stream.index:
                continue
            try:
                frames = self._stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                metrics.CORRUPT.labels(self._camera).inc()
                errors += 1
                if errors >= _MAX_ERRORS_IN_A_ROW and not self._is_file:
                    raise SourceError(f"{errors} packets in a row cannot be decoded") from None
                continue
            for frame in frames:
                if max(frame.width, frame.height) > _MAX_SIDE_PX:
                    metrics.CORRUPT.labels(self._camera).inc()
                    continue
                errors = 0
                yield frame
                seen_at = time.monotonic()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        """Packets of all streams, so that a silent video beside a talking audio stream is noticed."""
        errors = 0
        while True:
            try:
                for packet in self._container.demux():
                    errors = 0
                    yield packet
            except av.error.FFmpegError as error:
                if not self._is_file:
                    raise SourceError(_reason(error)) from None
                metrics.CORRUPT.labels(self._camera).inc()
                errors += 1
                if errors < _MAX_ERRORS_IN_A_ROW:
                    continue
                log.error("camera=%s rest of the file cannot be read: %s", self._camera, _reason(error))
            break
        if not self._is_file:
            raise SourceError("the source ended")


def check_file(camera: str, options: CameraOptions, config: IngestConfig | None = None) -> None:
    """Opens a file source once, so that a mistake is said before anything starts; live ones may come later.

    Raises:
        ConfigError: the file is absent, cannot be read or holds no video that can be decoded.
    """
    if options.kind != "file":
        return
    try:
        VideoSource(camera, options, config or IngestConfig()).close()
    except SourceError as error:
        raise ConfigError(
            f"cameras.{camera}.source: {options.source}: {error}: give the path of a video file"
        ) from error


def _open(options: CameraOptions, config: IngestConfig) -> av.container.InputContainer:
    address, wanted, format_name = _HOW[options.kind](options, config)
    # A file must not send the library elsewhere, as a playlist would.
    wanted |= {"analyzeduration": "1000000", "fflags": "nobuffer"} if options.kind != "file" else {}
    timeout = None if options.kind == "file" else (config.open_timeout_s, config.stall_s)
    try:
        if options.kind == "file" and not Path(address).is_file():
            raise SourceError("is not a file" if Path(address).exists() else "no such file")
        return av.open(
            address, "r", format=format_name, options=wanted, timeout=timeout, metadata_errors="replace"
        )
    except av.error.FFmpegError as error:
        raise SourceError(_reason(error)) from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or type(error).__name__}") from None


_How = tuple[str, dict[str, str], str | None]


def _file(options: CameraOptions, _config: IngestConfig) -> _How:
    # An absolute path cannot be taken for a protocol such as "concat:".
    return str(Path(options.source).expanduser().absolute()), {"protocol_whitelist": "file"}, None


def _rtsp(options: CameraOptions, config: IngestConfig) -> _How:
    timeout_us = str(int(config.stall_s * 1e6))
    return options.source, {"rtsp_transport": options.rtsp_transport, "timeout": timeout_us}, None


def _http(options: CameraOptions, config: IngestConfig) -> _How:
    wanted = {
        "rw_timeout": str(int(config.stall_s * 1e6)),
        "protocol_whitelist": "http,https,tcp,tls,crypto,httpproxy",
        # Otherwise the first pictures are held back until their rate is known.
        "fpsprobesize": "0",
    }
    return options.source, wanted, None


def _usb(options: CameraOptions, _config: IngestConfig) -> _How:
    return options.device, {}, "v4l2"


_HOW: dict[Kind, Callable[[CameraOptions, IngestConfig], _How]] = {
    "file": _file,
    "rtsp": _rtsp,
    "http": _http,
    "usb": _usb,
}


def _video_stream(container: av.container.InputContainer, config: IngestConfig) -> av.VideoStream:
    if not container.streams.video:
        raise SourceError("holds no video")
    stream = container.streams.video[0]
    codec = stream.codec_context
    if codec is None:
        raise SourceError("its video cannot be decoded here")
    if not codec.width and container.format.name not in _SIZE_COMES_LATER:
        raise SourceError("its video cannot be decoded here")
    if (
        codec.width * codec.height > config.max_megapixels * 1_000_000
        or max(codec.width, codec.height) > _MAX_SIDE_PX
    ):
        raise SourceError(f"its pictures of {codec.width}x{codec.height} exceed ingest.max_megapixels")
    codec.thread_count = config.decoder_threads
    codec.options = {**codec.options, "max_pixels": str(config.max_megapixels * 1_000_000)}
    return stream


def _recorded_at(container: av.container.InputContainer, options: CameraOptions) -> float:
    """Wall time of a recording's first picture."""
    try:
        created = datetime.datetime.fromisoformat(container.metadata["creation_time"])
        if created.year > 1970:
            return created.astimezone(datetime.UTC).timestamp()
    except (KeyError, ValueError, OverflowError):
        pass
    return Path(options.source).expanduser().stat().st_mtime


def _reason(error: av.error.FFmpegError) -> str:
    """An error's reason without the address that libav adds."""
    if isinstance(error, (av.error.ExitError, av.error.TimeoutError)):
        return "does not answer in time"
    return (error.strerror or type(error).__name__).lower()
