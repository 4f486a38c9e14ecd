"""What the archive worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

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
EVIDENCE = Counter(
    "nexara_evidence_made_total", "Snapshots and clips of incidents.", ["camera", "kind", "outcome"]
)
EVIDENCE_SECONDS = Histogram(
    "nexara_evidence_seconds",
    "Time to make one, with the waiting for the tracks of its end.",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0),
)
PICTURES_MISSING = Counter(
    "nexara_evidence_pictures_missing_total",
    "Moments of evidence with pictures that were drawn without one.",
    ["camera"],
)
EVIDENCE_BYTES = Gauge("nexara_evidence_bytes", "What the files of evidence come to.")
REMOVED = Counter(
    "nexara_archive_removed_total", "Files and rows that were too old or too many.", ["what", "reason"]
)
SWEEPS_FAILED = Counter(
    "nexara_archive_sweeps_failed_total", "Rounds of removal that did not come to an end."
)
