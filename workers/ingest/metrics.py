"""What the ingest worker counts, by camera."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CAPTURED = Counter("nexara_ingest_frames_captured_total", "Pictures taken from the source", ["camera"])
PUBLISHED = Counter("nexara_ingest_frames_published_total", "Frames stored in the stream", ["camera"])
DROPPED = Counter(
    "nexara_ingest_frames_dropped_total",
    "Frames that never reached the stream, by reason",
    ["camera", "reason"],
)
BYTES = Counter("nexara_ingest_bytes_total", "JPEG bytes stored in the stream", ["camera"])
CORRUPT = Counter("nexara_ingest_corrupt_packets_total", "Packets that could not be decoded", ["camera"])
UP = Gauge("nexara_ingest_camera_up", "1 while the source gives pictures", ["camera"])
FROZEN = Gauge("nexara_ingest_camera_frozen", "1 while the source repeats one identical picture", ["camera"])
RECONNECTS = Counter("nexara_ingest_reconnects_total", "Times that a source was opened again", ["camera"])
LAST_FRAME = Gauge(
    "nexara_ingest_last_frame_timestamp_seconds", "Wall time of the last published frame", ["camera"]
)
ENCODE = Histogram(
    "nexara_ingest_encode_seconds",
    "Time to scale and encode a frame",
    ["camera"],
    buckets=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128),
)
STATE_LOST = Counter(
    "nexara_ingest_state_lost_total", "Times that a camera's stored state had vanished", ["camera"]
)
