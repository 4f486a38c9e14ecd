"""What this worker counts."""

from collections.abc import Sequence
from typing import get_args

from prometheus_client import Counter, Histogram

from shared.messages import Result, Verdicts

VERDICTS = Counter("nexara_classify_verdicts_total", "Verdicts by result.", ["camera", "result"])
VETO_ASKED = Counter("nexara_classify_veto_asked_total", "Verdicts for which a veto was asked.")
SCORE = Histogram(
    "nexara_classify_score",
    "Scores: of primary and members together, and of vetoes.",
    ["expert"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98, 1),
)
QUALITY = Histogram(
    "nexara_classify_window_quality", "Quality of the judged windows.", buckets=[i / 10 for i in range(1, 11)]
)
JUDGE_SECONDS = Histogram(
    "nexara_classify_judge_seconds",
    "Time of one batch, all experts.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)


def measure(camera: str, records: Sequence[Verdicts]) -> None:
    """Counts verdicts that were stored; shows a camera's results at 0 before the first of them."""
    for result in get_args(Result):
        VERDICTS.labels(camera, result)
    for record in records:
        vetoes = [number for number, expert in enumerate(record.experts) if expert.role == "veto"]
        for verdict in record.verdicts:
            VERDICTS.labels(camera, verdict.result).inc()
            SCORE.labels("primary").observe(verdict.score)
            QUALITY.observe(verdict.quality)
            asked = [score for number in vetoes if (score := verdict.scores[number]) is not None]
            VETO_ASKED.inc(bool(asked))
            for score in asked:
                SCORE.labels("veto").observe(score)
