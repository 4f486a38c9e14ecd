from __future__ import annotations

import numpy as np
import pytest

from workers.classify.decision import THRESHOLDS, Thresholds, decide, scale_weight, scores

PRODUCTION = THRESHOLDS["production"]


@pytest.mark.parametrize(
    ("primary", "veto", "result"),
    [
        (0.939, None, "SAFE"),
        (0.939, 0.999, "SAFE"),
        (0.94, 0.849, "VETOED"),
        (0.94, 0.85, "VIOLENCE"),
        (0.94, None, "VIOLENCE"),
        (1.0, 0.0, "VETOED"),
    ],
)
def test_primary_then_veto(primary: float, veto: float | None, result: str) -> None:
    assert decide(primary, veto, PRODUCTION) == result


def test_the_named_thresholds() -> None:
    assert {
        "production": Thresholds(0.94, 0.85),
        "high_security": Thresholds(0.88, 0.75),
        "low_false_positive": Thresholds(0.96, 0.90),
        "maximum_accuracy": Thresholds(0.94, 0.92),
        "cctv": Thresholds(0.92, 0.88),
    } == THRESHOLDS


def test_weights_step_at_50_100_and_300_pixels() -> None:
    heights = np.array([0, 49.9, 50, 99.9, 100, 299.9, 300, 5000])
    assert scale_weight(heights).tolist() == [0.4, 0.4, 0.7, 0.7, 0.9, 0.9, 1.0, 1.0]


def logits(probability: float) -> np.ndarray:
    return np.array([[0.0, np.log(probability / (1 - probability))]])


def test_a_weight_of_one_leaves_the_score() -> None:
    assert scores(logits(0.94), [1], 1.0, np.ones(1))[0] == 0.94


def test_evidence_shrinks_towards_the_prior_and_keeps_its_side() -> None:
    for weight in (0.4, 0.7, 0.9):
        at = np.array([weight])
        assert 0.5 < scores(logits(0.9), [1], 1.0, at)[0] < 0.9
        assert 0.1 < scores(logits(0.1), [1], 1.0, at)[0] < 0.5
        assert scores(logits(0.5), [1], 1.0, at)[0] == 0.5


@pytest.mark.parametrize("weight", [0.4, 0.7, 0.9])
def test_small_people_can_still_be_violent(weight: float) -> None:
    # The document's product of score and weight could never reach the threshold.
    score = scores(np.array([[0.0, 8.0]]), [1], 1.0, np.array([weight]))[0]
    assert score >= PRODUCTION.primary
    assert weight * 1.0 < PRODUCTION.primary


def test_temperature_divides_the_logits() -> None:
    assert scores(np.array([[0.0, 4.0]]), [1], 2.0, np.ones(1))[0] == round(1 / (1 + np.exp(-2.0)), 3)


def test_several_violent_classes_add_up() -> None:
    even = np.zeros((1, 4))
    assert scores(even, [1, 3], 1.0, np.ones(1))[0] == 0.5
    assert scores(even, [2], 1.0, np.ones(1))[0] == 0.25


def test_scores_are_rounded_before_they_meet_a_threshold() -> None:
    found = scores(logits(0.93996), [1], 1.0, np.ones(1))[0]
    assert found == 0.94
    assert decide(float(found), None, PRODUCTION) == "VIOLENCE"


def test_huge_logits_do_not_overflow() -> None:
    assert scores(np.array([[-1e4, 1e4], [1e4, -1e4]]), [1], 1.0, np.ones(2)).tolist() == [1.0, 0.0]
