"""What the ingest worker counts, by camera."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

CAPTURED = Counter("nexara_ingest_frames_captured_total", "Pictures taken from the source.", ["camera"])
PUBLISHED = Counter("nexara_ingest_frames_published_total", "Frames stored in the stream.", ["camera"])
BYTES = Counter("nexara_ingest_bytes_total", "JPEG bytes stored in the stream.", ["camera"])
CORRUPT = Counter("nexara_ingest_corrupt_packets_total", "Packets that could not be decoded.", ["camera"])
ENCODE = Histogram(
    "nexara_ingest_encode_seconds",
    "Time to scale and encode a frame.",
    buckets=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128),
)
STATE_LOST = Counter(
    "nexara_ingest_state_lost_total", "Times that a camera's stored state had vanished.", ["camera"]
)
RING_BYTES = Gauge("nexara_ingest_ring_bytes", "What the ring's files of a camera come to.", ["camera"])
RING_LOST = Counter(
    "nexara_ingest_ring_lost_total",
    "Pictures that the ring on disk lacks: the disk is full or may not be written, or is too slow (busy).",
    ["camera", "reason"],
)
RECONNECTS = Counter("nexara_camera_reconnects_total", "Times that a source was opened again.", ["camera"])
INFO = Gauge("nexara_camera_info", "1; what sort of source the camera is.", ["camera", "kind", "live"])
UP = Gauge("nexara_camera_up", "1 while the source gives pictures.", ["camera"])
FROZEN = Gauge("nexara_camera_frozen", "1 while the source repeats one identical picture.", ["camera"])
LAST_FRAME = Gauge(
    "nexara_camera_last_frame_timestamp_seconds", "Wall time of the last published frame.", ["camera"]
)


class _Dropped(Collector):
    """Frames dropped, as the server has them: they outlive this process and move with the camera."""

    def __init__(self) -> None:
        self._counts: dict[str, Mapping[str, int]] = {}

    def show(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Takes what is stored, camera -> reason -> frames; other cameras are shown no longer."""
        self._counts = dict(counts)

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "nexara_ingest_frames_dropped",
            "Frames that nobody will look at. reason: buffer, late, outage (never in the stream); age, "
            "entries, bytes (out of the stream again).",
            labels=["camera", "reason"],
        )
        for camera, reasons in self._counts.items():
            for reason, count in reasons.items():
                family.add_metric([camera, reason], count)
        yield family


DROPPED = _Dropped()
REGISTRY.register(DROPPED)


def show_camera(camera: str) -> None:
    """Shows a camera's rare counters at 0."""
    for counter in (CORRUPT, STATE_LOST, RECONNECTS):
        counter.labels(camera)


def show_ring(camera: str) -> None:
    """Shows the counters of a camera whose pictures are kept at 0."""
    for reason in ("disk", "busy"):
        RING_LOST.labels(camera, reason)


def forget_camera(camera: str) -> None:
    """Takes back what only the camera's owner shows."""
    for gauge in (UP, FROZEN, LAST_FRAME):
        gauge.remove(camera)
    INFO.remove_by_labels({"camera": camera})
