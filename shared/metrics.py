"""The metrics that every worker has. A worker's own stand beside it, in `workers/<role>/metrics.py`."""

from __future__ import annotations

import errno

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from shared.config import ConfigError

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

READ = Counter("nexara_stage_read_total", "Records read from the input stream.", ["stage", "camera"])
COMMITTED = Counter("nexara_stage_committed_total", "Records whose effects are stored.", ["stage", "camera"])
DEAD = Counter("nexara_stage_dead_letters_total", "Records that could not be used.", ["stage", "camera"])
OPENED = Counter("nexara_stage_opened_total", "Times a camera was opened at its cursor.", ["stage", "camera"])
REFUSED = Counter(
    "nexara_stage_refused_commits_total", "Commits refused by the server.", ["stage", "outcome"]
)
BUS_ERRORS = Counter("nexara_bus_errors_total", "Calls to the server that failed.", ["stage"])
OWNED = Gauge("nexara_stage_owned_cameras", "Cameras that this worker owns.", ["stage"])
BATCH = Histogram(
    "nexara_stage_batch_size", "Records in a batch.", ["stage"], buckets=(1, 2, 4, 8, 16, 32, 64)
)
STAGE_SECONDS = Histogram(
    "nexara_stage_seconds", "From reading a record to handing on its result.", ["stage"], buckets=_SECONDS
)
SINCE_CAPTURE_SECONDS = Histogram(
    "nexara_since_capture_seconds",
    "From a frame's capture to the stage's commit.",
    ["stage"],
    buckets=_SECONDS,
)


def serve(host: str, port: int) -> int:
    """Serves this process's metrics over HTTP; port 0 takes any free one.

    Returns:
        The port.

    Raises:
        ConfigError: the port is in use or not ours to take.
    """
    try:
        server, _thread = start_http_server(port, addr=host)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ConfigError(
            f"metrics.port: {host}:{port} {why}: choose another, or 0 for any free one"
        ) from error
    return int(server.server_port)
