"""What the serve worker counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "nexara_serve_request_seconds",
    "Time to answer a request. route: its pattern, without ids; status: 2xx to 5xx.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
LOGINS = Counter(
    "nexara_serve_logins_total",
    "Passwords tried: right, wrong, or refused unread (too many wrong ones).",
    ["outcome"],
)
VIEWERS = Gauge("nexara_serve_viewers", "Live views that are open.")
VIEWERS_GONE = Counter(
    "nexara_serve_viewers_gone_total",
    "Live views that ended: left, slow (took nothing for too long), session (logged out), spoke.",
    ["reason"],
)
FRAME_SECONDS = Histogram(
    "nexara_serve_frame_seconds",
    "From a frame's capture to handing it to live views.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0),
)
MESSAGES_SENT = Counter("nexara_serve_messages_sent_total", "Messages sent to live views.", ["kind"])
MESSAGES_DROPPED = Counter(
    "nexara_serve_messages_dropped_total",
    "Messages that a live view was not sent: newer (a newer frame came first), events (too many waited).",
    ["reason"],
)
for _outcome in ("right", "wrong", "refused"):
    LOGINS.labels(_outcome)
