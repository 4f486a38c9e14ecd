"""What this worker counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from prometheus_client import Counter, Histogram

from shared.messages import Incidents
from workers.incidents.group import EndReason

CONFIRMED = Counter("nexara_incidents_confirmed_total", "Incidents that began.", ["camera"])
ENDED = Counter("nexara_incidents_ended_total", "Incidents that ended, by reason.", ["camera", "reason"])
SUPPRESSED = Counter(
    "nexara_incidents_suppressed_total", "Incidents that a cooldown kept from beginning.", ["camera"]
)
CONFIRM_SECONDS = Histogram(
    "nexara_incidents_confirm_seconds",
    "From the first violent verdict to the confirmation.",
    buckets=(0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7.5, 10),
)
DURATION_SECONDS = Histogram(
    "nexara_incidents_duration_seconds",
    "From the first to the last violent verdict, of incidents that ended.",
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)


def measure(camera: str, records: Sequence[Incidents]) -> None:
    """Counts what was stored; shows a camera's counters at 0 before the first incident."""
    CONFIRMED.labels(camera)
    SUPPRESSED.labels(camera)
    for reason in get_args(EndReason):
        ENDED.labels(camera, reason)
    for record in records:
        SUPPRESSED.labels(camera).inc(record.suppressed)
        for incident in record.incidents:
            if incident.change == "new":
                CONFIRMED.labels(camera).inc()
                CONFIRM_SECONDS.observe(incident.confirmed_at - incident.began_at)
            elif incident.change == "end":
                ENDED.labels(camera, incident.end_reason).inc()
                DURATION_SECONDS.observe(incident.last_at - incident.began_at)
