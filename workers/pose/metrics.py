"""What the pose worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

LOOK_SECONDS = Histogram(
    "nexara_pose_look_seconds",
    "Time of one batch through the net and its post-processing.",
    buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56),
)
LOOKED = Counter("nexara_pose_frames_looked_at_total", "Frames that went through the net.", ["camera"])
DETECTIONS = Counter("nexara_pose_detections_total", "People found, weak detections too.", ["camera"])
