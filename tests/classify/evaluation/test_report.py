"""All figures together, in words and in numbers."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest

from workers.classify.evaluation import measures
from workers.classify.evaluation.clips import Outcome
from workers.classify.evaluation.report import Report, report_of
from workers.classify.evaluation.sources import names_of, origins_of
from workers.classify.evaluation.told import as_numbers, as_text, warning


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_BOOTSTRAPS", 50)


def outcome(name: str, label: int, score: float, height: float = 200.0, scene: str = "SAFE") -> Outcome:
    nobody = math.isnan(height)
    return Outcome(
        name=name, label=label, score=score, height_px=height,
        verdicts=0 if nobody else 4, unsure=0 if nobody else 1,
        doubts=Counter() if nobody else Counter(short=1), scenes=Counter() if nobody else Counter({scene: 2}),
    )  # fmt: skip


OUTCOMES = [
    outcome("fight/a", 1, 0.9, 320, "VIOLENCE"),
    outcome("fight/b", 1, 0.7, 60),
    outcome("fight/c", 1, 0.2, 60),
    outcome("noFight/a", 0, 0.8, 150, "VETOED"),
    outcome("noFight/b", 0, 0.1, 20),
    outcome("noFight/c", 0, 0.0, math.nan),
]


def report(outcomes: list[Outcome], trained_on: set[str] = frozenset(), threshold: float = 0.5) -> Report:  # type: ignore[assignment]
    names = [names_of(one.name, one.label) for one in outcomes]
    return report_of(outcomes, origins_of(names, [["fight/a", "fight/b"]], trained_on), threshold)


def test_every_figure_is_there_with_its_interval() -> None:
    found = as_numbers(report(OUTCOMES))
    assert found["clips"] == 6
    assert found["videos"] == 5
    assert found["accuracy"] == pytest.approx(4 / 6, abs=1e-4)
    assert found["auc"] == pytest.approx(7 / 9, abs=1e-4)
    assert found["tpr_at_fpr5"] == found["tpr_at_fpr1"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["fpr_at_tpr90"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["clips_seen_in_training"] == 0
    assert found["clips_without_anybody"] == 1
    assert (found["unsure_share"], found["unsure_by_reason"]) == (0.25, {"short": 5})
    assert (found["fights_with_alarm"], found["others_with_alarm"], found["clips_vetoed"]) == (1, 0, 1)
    for name, (low, high) in found["intervals"].items():
        assert low <= high, name
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_threshold_moves_accuracy_and_recall_alone() -> None:
    usual, low = as_numbers(report(OUTCOMES)), as_numbers(report(OUTCOMES, threshold=0.15))
    assert low["accuracy"] == pytest.approx(5 / 6, abs=1e-4)
    assert low["auc"] == usual["auc"]
    assert [band["found"] for band in usual["recall_by_height_px"]] == [0, 1, 0, 1]
    assert [band["found"] for band in low["recall_by_height_px"]] == [0, 2, 0, 1]


def test_recall_is_of_fights_by_the_height_of_their_people() -> None:
    bands = as_numbers(report(OUTCOMES))["recall_by_height_px"]
    assert [(band["from"], band["to"], band["fights"], band["recall"]) for band in bands] == [
        (0, 50, 0, None),
        (50, 100, 2, 0.5),
        (100, 300, 0, None),
        (300, None, 1, 1.0),
    ]


def test_a_set_of_one_label_has_null_where_both_are_compared() -> None:
    fights = [one for one in OUTCOMES if one.label]
    found = as_numbers(report(fights))
    assert [name for name in found["intervals"] if found[name] is None] == [
        "auc",
        "tpr_at_fpr1",
        "tpr_at_fpr5",
        "fpr_at_tpr90",
        "ece",
    ]
    assert found["intervals"]["auc"] is None
    assert found["accuracy"] == pytest.approx(2 / 3, abs=1e-4)
    assert "AUC                          -" in as_text(report(fights))


def test_clips_known_from_training_are_said_loudly_and_unseen_ones_apart() -> None:
    mixed = report(OUTCOMES, {"fight/a", "noFight/c"})
    found = as_numbers(mixed)
    assert found["clips_seen_in_training"] == 2
    assert found["clips_of_videos_seen_in_training"] == 1, "fight/b is of fight/a's video"
    assert found["unseen"]["clips"] == 3
    assert found["unseen"]["accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert "WARNING: the experts were trained on 2 of these 6 clips." in as_text(mixed)
    assert "1 more come from the same videos. Unseen clips: 3." in warning(mixed)
    assert "3 unseen" in as_text(mixed)


def test_nothing_is_said_of_training_where_all_clips_are_new_or_all_known() -> None:
    assert "WARNING" not in as_text(report(OUTCOMES))
    known = report(OUTCOMES, {one.name for one in OUTCOMES})
    assert known.figures_new is None
    assert "Unseen clips: 0" in as_text(known)


def test_unknown_source_videos_are_said() -> None:
    assert "4 clips count as videos of their own" in as_text(report(OUTCOMES))
    listed = [one for one in OUTCOMES if one.name in ("fight/a", "fight/b")]
    assert "videos of their own" not in as_text(report(listed))


def test_one_clip_alone_is_no_crash() -> None:
    found = as_numbers(report(OUTCOMES[5:]))
    assert found["accuracy"] == 1.0
    assert found["unsure_share"] is None
    assert np.isfinite(found["brier"])
