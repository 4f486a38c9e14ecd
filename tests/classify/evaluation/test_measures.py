"""Figures of scores against labels: known values, scikit-learn as the oracle, and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.classify.evaluation import measures
from workers.classify.evaluation.measures import (
    accuracy,
    auc,
    brier,
    calibration_error,
    fpr_at_tpr,
    intervals,
    log_loss,
    reliability,
    roc,
    tpr_at_fpr,
)

FIGURES = (auc, accuracy, tpr_at_fpr, fpr_at_tpr, brier, log_loss, calibration_error)
COMPARING = (auc, tpr_at_fpr, fpr_at_tpr)

# Few different scores, so that there are ties.
CASES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.9, 1.0]), st.integers(0, 1)),
    min_size=2,
    max_size=40,
).filter(lambda pairs: len({label for _, label in pairs}) == 2)


def columns(pairs: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = zip(*pairs, strict=True)
    return np.array(scores), np.array(labels)


def test_hand_made_values() -> None:
    scores, labels = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    assert auc(scores, labels) == 0.75
    assert accuracy(scores, labels) == 0.75
    assert accuracy(scores, labels, 0.35) == 0.75
    assert accuracy(np.array([0.5]), np.array([1])) == 1.0, "one at the threshold counts as violent"
    assert tpr_at_fpr(scores, labels, 0.05) == 0.5
    assert tpr_at_fpr(scores, labels, 0.5) == 1.0
    assert fpr_at_tpr(scores, labels, 0.9) == 0.5
    assert fpr_at_tpr(scores, labels, 0.5) == 0.0
    assert brier(scores, labels) == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert log_loss(np.array([0.0, 1.0]), np.array([1, 1])) == pytest.approx(
        -(math.log(1e-3) + math.log(1 - 1e-3)) / 2
    )


def test_roc_has_one_point_for_each_threshold_that_differs() -> None:
    false, true = roc(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1, 1, 0, 0]))
    assert false.tolist() == [0, 0, 0.5, 1]
    assert true.tolist() == [0, 0.5, 1, 1]


def test_calibration_error_takes_off_what_chance_makes() -> None:
    scores = np.repeat([0.2, 0.8], 10)
    labels = np.array([1] * 2 + [0] * 8 + [1] * 8 + [0] * 2)
    assert calibration_error(scores, labels, bins=2) == 0.0
    certain = np.repeat([0.2, 0.8], 10), np.repeat([0, 1], 10)
    assert calibration_error(*certain, bins=2) == pytest.approx(0.2), "no chance in bins of one label"
    turned = 1 - scores
    gap, chance = 0.6, 0.16 / 9
    assert calibration_error(turned, labels, bins=2) == pytest.approx(math.sqrt(gap**2 - chance))


def test_reliability_counts_every_clip_once() -> None:
    scores = np.linspace(0, 1, 11)
    parts = reliability(scores, (scores > 0.5).astype(int), bins=5)
    assert [size for _, _, size in parts] == [3, 2, 2, 2, 2]
    assert [score for score, _, _ in parts] == sorted(score for score, _, _ in parts)
    assert sum(share * size for _, share, size in parts) == pytest.approx(5)


@settings(max_examples=12)
@given(CASES)
def test_they_agree_with_scikit_learn(pairs: list[tuple[float, int]]) -> None:
    oracle = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")
    scores, labels = columns(pairs)
    assert auc(scores, labels) == pytest.approx(oracle.roc_auc_score(labels, scores))
    assert brier(scores, labels) == pytest.approx(oracle.brier_score_loss(labels, scores))
    held = scores.clip(1e-3, 1 - 1e-3)
    assert log_loss(scores, labels) == pytest.approx(oracle.log_loss(labels, held, labels=[0, 1]))
    false, true, _ = oracle.roc_curve(labels, scores, drop_intermediate=False)
    assert np.allclose(roc(scores, labels), (false, true))


@settings(max_examples=30)
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_clips_does_not_matter(pairs: list[tuple[float, int]], random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for figure in FIGURES:
        assert figure(*columns(shuffled)) == pytest.approx(figure(*columns(pairs)), abs=1e-12), figure


@settings(max_examples=40)
@given(CASES)
def test_what_compares_knows_the_scores_order_alone(pairs: list[tuple[float, int]]) -> None:
    scores, labels = columns(pairs)
    for figure in COMPARING:
        assert figure(scores**3 / 2, labels) == figure(scores, labels)


def test_what_compares_is_nan_where_a_label_is_missing() -> None:
    scores, labels = np.array([0.2, 0.7]), np.array([1, 1])
    assert all(math.isnan(figure(scores, labels)) for figure in COMPARING)
    assert accuracy(scores, labels) == 0.5
    assert all(map(math.isnan, intervals([auc], scores, labels, np.array([0, 1]))[0]))
    assert intervals([accuracy], scores, labels, np.array([0, 1]))[0] == (0, 1)


def test_an_interval_draws_source_videos_and_not_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_BOOTSTRAPS", 400)
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(20) % 2, 10)
    # The clips of one video are copies of one another.
    scores = np.repeat(rng.random(20) * 0.6 + 0.4 * (np.arange(20) % 2), 10)
    alone, grouped = (
        intervals([auc], scores, labels, groups)[0] for groups in (np.arange(200), np.arange(200) // 10)
    )
    assert grouped[0] <= auc(scores, labels) <= grouped[1]
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])
    assert intervals([auc], scores, labels, np.arange(200)) == [alone], "the same every time"
