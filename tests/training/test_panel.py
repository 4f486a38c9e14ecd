from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'nexara[train]'")

from training.folds import split
from training.panel import Bench, Seat, measured, veto_table
from workers.classify.evaluation import measures

CLIPS, STEPS = 80, 4


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_BOOTSTRAPS", 20)


def bench_of(seed: int = 0) -> tuple[Bench, np.ndarray]:
    """Clips of 20 videos with two people at each step; true log odds of each window."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, CLIPS)
    labels = (rng.random(CLIPS) < 1 / (1 + np.exp(-truth))).astype(np.int64)
    groups = np.arange(CLIPS) // 4
    clip = np.repeat(np.arange(CLIPS), 2 * STEPS)
    at = np.tile(np.repeat(np.arange(STEPS, dtype=float), 2), CLIPS)
    bench = Bench(
        labels=labels, groups=groups, folds=split(groups, labels, 1), clip=clip, at=at,
        height=np.full(len(clip), 400.0), raw={},
    )  # fmt: skip
    # The second person of each step is calm, and says nothing about the clip.
    return bench, truth[clip] - 3 * (np.arange(len(clip)) % 2)


def said(bench: Bench, **raw: np.ndarray) -> Bench:
    return replace(bench, raw=raw)


def test_calibration_undoes_what_was_done_to_the_evidence() -> None:
    bench, evidence = bench_of()
    figures, fit = measured({"": said(bench, a=5 * evidence + 7)}, [Seat("a", "primary", 1.0)])
    calibration = fit.calibrations["a"]
    assert calibration.temperature == pytest.approx(5, rel=0.5)
    assert calibration.bias == pytest.approx(7, abs=2.5)
    assert figures["experts"]["a"]["brier"]["value"] < 0.2
    assert figures["experts"]["a"]["ece"]["value"] < 0.12


def test_a_scene_counts_by_its_most_violent_person() -> None:
    bench, evidence = bench_of()
    clip, highest = bench.scenes(evidence)
    assert len(clip) == CLIPS * STEPS
    np.testing.assert_allclose(highest, evidence[::2])


def test_experts_that_agree_are_believed_more_together() -> None:
    bench, evidence = bench_of()
    rng = np.random.default_rng(3)
    noisy = {name: evidence + rng.normal(0, 3, CLIPS)[bench.clip] for name in ("a", "b")}
    seats = [Seat("a", "primary", 1.0), Seat("b", "member", 1.0)]
    figures, fit = measured({"": said(bench, **noisy)}, seats)
    assert fit.sharpness > 1
    alone = figures["experts"]["a"]["log_loss"]["value"]
    assert figures["primary and members"]["log_loss"]["value"] < alone


def test_what_is_fitted_to_a_fold_does_not_know_its_labels() -> None:
    bench, evidence = bench_of()
    seats = [Seat("a", "primary", 1.0)]
    figures, _ = measured({"": said(bench, a=np.zeros(len(evidence)))}, seats)
    # An expert that knows nothing cannot become better than chance by what is fitted.
    assert figures["experts"]["a"]["auc"]["value"] <= 0.6


def test_each_look_is_measured_by_itself_with_what_was_fitted_to_all() -> None:
    bench, evidence = bench_of()
    seats = [Seat("a", "primary", 1.0)]
    first, shy = said(bench, a=evidence), said(bench, a=evidence - 4)
    figures, fit = measured({"": first, "same": first, "shy": shy}, seats)
    looks = figures["other looks"]
    assert looks["same"]["experts"]["a"] == figures["experts"]["a"]
    shift = looks["shy"]["experts"]["a"]["auc"]["value"] - figures["experts"]["a"]["auc"]["value"]
    assert abs(shift) < 0.01
    alone = measured({"": first}, seats)[1].calibrations["a"].bias
    assert alone - 4 < fit.calibrations["a"].bias < alone


def test_a_veto_that_says_the_same_cuts_nothing() -> None:
    bench, evidence = bench_of()
    for row in veto_table(bench, evidence, np.minimum(evidence, evidence)):
        assert row["fpr alone"] == row["fpr with veto"]
