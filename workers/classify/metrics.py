"""What this worker counts."""

from prometheus_client import Counter, Histogram

WINDOWS = Counter("nexara_classify_windows_total", "Windows judged by the primary")
VETO_ASKED = Counter("nexara_classify_veto_windows_total", "Windows that the veto was asked about")
VERDICTS = Counter("nexara_classify_verdicts_total", "Verdicts by result", ["camera", "result"])
JUDGE_SECONDS = Histogram(
    "nexara_classify_judge_seconds",
    "Time of one batch, primary and veto",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
