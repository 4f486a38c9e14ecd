"""What the archive worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

WRITTEN = Counter("nexara_archive_records_written_total", "Records appended to the log.", ["camera"])
WRITE_SECONDS = Histogram(
    "nexara_archive_write_seconds",
    "Time of one append, until the disk has it.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
STORED = Counter("nexara_archive_rows_total", "Records stored in the database.", ["stream", "camera"])
STORE_SECONDS = Histogram(
    "nexara_archive_store_seconds",
    "Time of one transaction.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
