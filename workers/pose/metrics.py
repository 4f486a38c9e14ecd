"""What the pose worker counts."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from shared.messages import Tracks

LOOK_SECONDS = Histogram(
    "nexara_pose_look_seconds",
    "Time of one batch through the net and its post-processing.",
    buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56),
)
DETECTIONS = Counter("nexara_pose_detections_total", "People found, weak detections too.", ["camera"])
PEOPLE = Counter("nexara_pose_people_total", "People tracked, summed over frames.", ["camera"])
PEOPLE_IN_FRAME = Histogram(
    "nexara_pose_people_per_frame", "People tracked in a frame.", buckets=(0, 1, 2, 3, 5, 8, 13, 20, 50)
)
STARTED = Counter(
    "nexara_pose_tracks_started_total",
    "Tracks that began; far more of them than people means that ids are lost and born again.",
    ["camera"],
)


# Longer than any tracker remembers whom it does not see.
_REMEMBERED_S = 60.0


class Audience:
    """Counts tracks and people who are seen in committed records. Forgets a track a minute after that."""

    def __init__(self) -> None:
        self._seen_at: dict[str, dict[int, float]] = {}

    def measure(self, camera: str, records: Sequence[Tracks]) -> None:
        """Take what was stored, in order."""
        detections, people, started = 0, 0, 0
        for tracks in records:
            ids = tracks.track_ids[tracks.detection >= 0].tolist()
            # Whoever is there when we come to a camera began before us.
            known = self._seen_at.setdefault(camera, dict.fromkeys(ids, tracks.at))
            started += sum(track_id not in known for track_id in ids)
            known |= dict.fromkeys(ids, tracks.at)
            oldest = tracks.at - _REMEMBERED_S
            self._seen_at[camera] = {i: at for i, at in known.items() if at >= oldest}
            detections += len(tracks.detection_scores)
            people += len(ids)
            PEOPLE_IN_FRAME.observe(len(ids))
        DETECTIONS.labels(camera).inc(detections)
        PEOPLE.labels(camera).inc(people)
        STARTED.labels(camera).inc(started)
