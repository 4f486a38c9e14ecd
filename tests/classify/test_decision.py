from __future__ import annotations

import numpy as np
import pytest

from workers.classify.decision import (
    THRESHOLDS,
    Thresholds,
    decide,
    leader,
    log_odds,
    scale_weight,
    score,
    together,
)

PRODUCTION = THRESHOLDS["production"]


@pytest.mark.parametrize(
    ("own", "veto", "result"),
    [
        (0.939, None, "SAFE"),
        (0.939, 0.999, "SAFE"),
        (0.94, 0.849, "VETOED"),
        (0.94, 0.85, "VIOLENCE"),
        (0.94, None, "VIOLENCE"),
        (1.0, 0.0, "VETOED"),
    ],
)
def test_primary_then_veto(own: float, veto: float | None, result: str) -> None:
    assert decide(own, PRODUCTION.primary, [(veto, PRODUCTION.veto)]) == result


def test_any_veto_is_enough_and_without_one_the_primary_decides_alone() -> None:
    assert decide(0.95, 0.94, [(0.99, 0.85), (0.1, 0.85)]) == "VETOED"
    assert decide(0.95, 0.94, [(0.1, 0.85), (None, 0.85)]) == "VETOED"
    assert decide(0.95, 0.94, []) == "VIOLENCE"


def test_a_guess_is_never_called_safe_or_violent() -> None:
    for own in (0.0, 0.95, 1.0):
        assert decide(own, 0.94, [(0.99, 0.85)], unsure=True) == "UNSURE"


def test_the_named_thresholds() -> None:
    assert {
        "production": Thresholds(0.94, 0.85),
        "high_security": Thresholds(0.88, 0.75),
        "low_false_positive": Thresholds(0.96, 0.90),
        "maximum_accuracy": Thresholds(0.94, 0.92),
        "cctv": Thresholds(0.92, 0.88),
    } == THRESHOLDS


def test_weights_step_at_50_100_and_300_pixels() -> None:
    weights = scale_weight(np.array([0, 49.9, 50, 99.9, 100, 299.9, 300, 5000]))
    assert weights.tolist() == sorted(weights.tolist())
    assert len(set(weights.tolist())) <= 4
    assert weights[0] == weights[1]
    assert weights[2] == weights[3]
    assert weights[4] == weights[5]
    assert weights[6] == weights[7] == 1.0


def evidence(probability: float) -> np.ndarray:
    return np.array([np.log(probability / (1 - probability))])


def test_a_score_is_the_probability_of_the_evidence() -> None:
    assert score(evidence(0.94))[0] == 0.94
    assert score(evidence(0.5))[0] == 0.5


def test_evidence_shrinks_towards_the_prior_and_keeps_its_side() -> None:
    for weight in (0.4, 0.7, 0.9):
        assert 0.5 < score(weight * evidence(0.9))[0] < 0.9
        assert 0.1 < score(weight * evidence(0.1))[0] < 0.5
        assert score(weight * evidence(0.5))[0] == 0.5


@pytest.mark.parametrize("height", [20.0, 60.0, 150.0, 400.0])
def test_small_people_can_still_be_violent(height: float) -> None:
    # The document's product of score and weight could never reach the threshold.
    weight = scale_weight(np.array([height]))
    assert score(weight * 8.0)[0] >= PRODUCTION.primary


def test_violent_classes_are_set_against_all_others() -> None:
    even = np.zeros((1, 4))
    assert log_odds(even, [1, 3])[0] == pytest.approx(0)
    assert score(log_odds(even, [2]))[0] == 0.25
    assert log_odds(np.array([[0.0, 4.0]]), [1])[0] == pytest.approx(4)


def test_experts_are_heard_by_their_shares() -> None:
    opinions = np.array([[2.0, -1.0], [0.0, 3.0]])
    assert together(opinions, np.array([1.0, 1.0]), 1.0).tolist() == [0.5, 1.5]
    assert together(opinions, np.array([3.0, 1.0]), 1.0).tolist() == [1.25, 0.75]
    assert together(opinions, np.array([3.0, 1.0]), 2.0).tolist() == [2.5, 1.5]


def test_scores_are_rounded_before_they_meet_a_threshold() -> None:
    found = score(evidence(0.93996))[0]
    assert found == 0.94
    assert decide(float(found), PRODUCTION.primary, []) == "VIOLENCE"


def test_huge_logits_do_not_overflow() -> None:
    assert score(log_odds(np.array([[-1e4, 1e4], [1e4, -1e4]]), [1])).tolist() == [1.0, 0.0]


def test_the_most_violent_of_whom_something_is_known_leads() -> None:
    opinions = np.array([1.0, 5.0, 3.0, 3.0])
    assert leader(opinions, np.ones(4, bool)) == 1
    assert leader(opinions, np.array([True, False, True, True])) == 2
    assert leader(opinions, np.zeros(4, bool)) is None
