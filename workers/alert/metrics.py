"""What the alert worker counts. Channels go by their names: never an address, never a secret."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SENT = Counter("nexara_alert_sent_total", "News that a receiver has taken.", ["channel"])
FAILED = Counter(
    "nexara_alert_failed_total", "Tries that no receiver took; they are repeated, or given up.", ["channel"]
)
SUMMED = Counter(
    "nexara_alert_summed_total",
    "News that went into a message with others, because of the limit.",
    ["channel"],
)
SHADOWED = Counter(
    "nexara_alert_shadowed_total",
    "Changes of incidents in shadow mode, of which nobody was told.",
    ["camera"],
)
WAITING = Gauge("nexara_alert_waiting", "News that waits to be sent.", ["channel"])
OLDEST = Gauge(
    "nexara_alert_waiting_seconds", "Age of the oldest news that waits; 0: none does.", ["channel"]
)
DEAD = Gauge("nexara_alert_dead_letters", "News that was given up and is still kept.", ["channel"])
SECONDS = Histogram(
    "nexara_alert_seconds",
    "From the incident's record to the receiver's answer.",
    ["channel"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)


def show(channel: str) -> None:
    """Shows a channel's counters at 0 before anything has happened."""
    for counter in (SENT, FAILED, SUMMED, SECONDS):
        counter.labels(channel)
