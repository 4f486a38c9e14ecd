"""The metrics that every worker has. A worker's own stand beside it, in `workers/<role>/metrics.py`.

Counters of records count what is stored, once: they move after a commit, never by work that is thrown away
or done again (but READ, which counts every reading). A counter that may move only once a year is shown at 0
from the start, or its first step could not be told from its first appearance. Gauges of one camera are shown
by its owner alone and go when the camera goes, or two workers would tell two stories of it. `docs/metrics.md`
lists all of them.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A second series for each counter, only to say when it began; a reset shows that too.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# --- records ------------------------------------------------------------------------------------------------

READ = Counter("nexara_stage_read_total", "Records read from the input stream.", ["stage", "camera"])
COMMITTED = Counter("nexara_stage_committed_total", "Records whose effects are stored.", ["stage", "camera"])
DEAD = Counter(
    "nexara_dead_letters_total",
    "Records that could not be used. reason: message (damaged or foreign), input (the stage refuses it), "
    "failure (the stage broke on it).",
    ["stage", "camera", "reason"],
)
BATCH = Histogram(
    "nexara_stage_batch_records",
    "Records that went through the stage's batched step together.",
    ["stage"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)

# --- time ---------------------------------------------------------------------------------------------------

LATENCY = Histogram(
    "nexara_stage_latency_seconds", "From reading a record to its commit.", ["stage"], buckets=_SECONDS
)
SINCE_CAPTURE = Histogram(
    "nexara_since_capture_seconds",
    "From a frame's capture to the commit of this stage.",
    ["stage"],
    buckets=_SECONDS,
)
DELAY = Gauge(
    "nexara_stage_delay_seconds",
    "From capture to the commit of this stage, of the camera's last frame.",
    ["stage", "camera"],
)
LAG = Gauge(
    "nexara_stage_lag_records", "Records in the input stream that are not committed yet.", ["stage", "camera"]
)

# --- ownership and the server -------------------------------------------------------------------------------

READY = Gauge("nexara_worker_ready", "1 while the role can do its work.", ["stage"])
SITE_CAMERAS = Gauge("nexara_site_cameras", "Cameras in the site file.", ["stage"])
OWNED = Gauge("nexara_stage_owned_cameras", "Cameras that this worker owns.", ["stage"])
LEASE_CHANGES = Counter(
    "nexara_lease_changes_total",
    "Leases gained, lost (run out or taken) and released (surplus, shutdown).",
    ["stage", "change"],
)
OPENED = Counter("nexara_stage_opened_total", "Times a camera was opened at its cursor.", ["stage", "camera"])
REFUSED = Counter(
    "nexara_stage_refused_commits_total", "Commits refused by the server.", ["stage", "outcome"]
)
DISCARDED = Counter(
    "nexara_stage_state_discarded_total",
    "Cameras that began from their initial state because the settings had changed.",
    ["stage"],
)
BUS_ERRORS = Counter("nexara_bus_errors_total", "Calls to the server that failed.", ["stage"])
DELIVERIES_FAILED = Counter(
    "nexara_deliveries_failed_total", "Tries of a sink that could not store; it tries again.", ["stage"]
)
CLOCK_SKEW = Gauge(
    "nexara_clock_skew_seconds", "This machine's clock minus the server's, at the last heartbeat.", ["stage"]
)
BUS_MEMORY = Gauge("nexara_bus_memory_used_bytes", "Memory that the server uses.")
BUS_MEMORY_LIMIT = Gauge("nexara_bus_memory_limit_bytes", "The server's maxmemory; 0: none.")


def show_stage(stage: str) -> None:
    """Shows a stage's rare counters at 0."""
    for change in ("gained", "lost", "released"):
        LEASE_CHANGES.labels(stage, change)
    for outcome in ("FENCED", "STALE"):
        REFUSED.labels(stage, outcome)
    BUS_ERRORS.labels(stage)
    DELIVERIES_FAILED.labels(stage)
    DISCARDED.labels(stage)


def show_camera(stage: str, camera: str) -> None:
    """Shows a camera's rare counters at 0."""
    for reason in ("message", "input", "failure"):
        DEAD.labels(stage, camera, reason)


def forget_camera(stage: str, camera: str) -> None:
    """Takes back what only the camera's owner shows."""
    LAG.remove(stage, camera)
    DELAY.remove(stage, camera)
