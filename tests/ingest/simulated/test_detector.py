"""The statistics of the detector's errors are those that `DetectorNoise` says."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from tests.ingest.simulated.people import level_camera, scene
from workers.ingest.simulated import DetectorNoise, Observation, Truth, make_scene, observe
from workers.ingest.simulated.noise import _CORRELATION_S
from workers.ingest.simulated.randomness import spells, wandering

PLAIN = DetectorNoise(unevenness=0.0, blur=0.0, outliers=0.0, swaps=0.0, borrows=0.0, misses=0.0, bursts=0.0)


def reported(truth: Truth, observations: list[Observation]) -> np.ndarray:
    """[T, N, 17, 3] key points by owner; NaN where nobody was found."""
    found = np.full(truth.keypoints.shape, np.nan)
    for moment, observation in enumerate(observations):
        own = observation.owner >= 0
        found[moment, observation.owner[own]] = observation.keypoints[own]
    return found


def sizes(truth: Truth) -> np.ndarray:
    sides = truth.boxes[..., 2:] - truth.boxes[..., :2]
    return np.sqrt(sides.prod(-1))


def still(fps: float, seconds: float = 60.0, people: int = 6) -> Truth:
    """People in a row who do not move at all, in full view."""
    truth = make_scene("standing", 0, 1.0, people=1, camera=level_camera()).truth(
        np.zeros(round(seconds * fps))
    )
    pose = truth.keypoints[:1, :1]
    pose = pose - np.array([pose[..., 0].min(), 0, 0]) + np.arange(people)[None, :, None, None] * [200, 0, 0]
    count = len(truth)
    low, high = pose[..., :2].min(2) - 10, pose[..., :2].max(2) + 10
    shape = (count, people)
    return replace(
        truth,
        at=np.arange(count) / fps,
        ids=np.arange(people),
        present=np.ones(shape, bool),
        keypoints=np.tile(np.concatenate([pose[..., :2], np.ones((1, people, 17, 1))], -1), (count, 1, 1, 1)),
        boxes=np.tile(np.concatenate([low, high], -1), (count, 1, 1)),
        visible_share=np.ones(shape),
        heights_px=np.full(shape, float(high[0, 0, 1] - low[0, 0, 1])),
        depth=np.full(shape, 5.0),
        fighting=np.zeros(shape, bool),
        action=np.zeros(shape, np.int8),
        frame_size=(1400, 900),
    )


def errors(truth: Truth, noise: DetectorNoise, seed: int = 0) -> np.ndarray:
    """[T, N, 17, 2] pixels."""
    return reported(truth, observe(truth, noise, seed))[..., :2] - truth.keypoints[..., :2]


@lru_cache(maxsize=1)
def usual() -> list[tuple[Truth, list[Observation]]]:
    """Several scenes as the default detector sees them."""
    at = np.arange(600) / 30
    some = [(kind, seed) for kind in ("walking", "crossing", "crowd", "fight", "sport") for seed in (0, 1)]
    return [(truth, observe(truth, DetectorNoise(), 5)) for truth in (scene(*one).truth(at) for one in some)]


def test_the_same_seed_gives_the_same_errors_and_another_one_others() -> None:
    truth = scene("fight").truth(np.arange(60) / 30)
    one, again, other = (observe(truth, DetectorNoise(), seed) for seed in (1, 1, 2))
    for a, b in zip(one, again, strict=True):
        assert np.array_equal(a.keypoints, b.keypoints)
        assert np.array_equal(a.owner, b.owner)
    both = [(a, b) for a, b in zip(one, other, strict=True) if len(a) and len(a) == len(b)]
    assert any(not np.allclose(a.keypoints, b.keypoints) for a, b in both)


def test_each_joint_errs_as_much_as_it_should() -> None:
    truth = still(30)
    spread = np.nanstd(errors(truth, PLAIN), axis=(0, 1, 3))
    wanted = PLAIN.jitter * sizes(truth)[0, 0] * np.array(PLAIN.joint_factors)
    assert np.allclose(spread, wanted, rtol=0.06)
    assert spread[0] < spread[9] < spread[11]


@pytest.mark.parametrize(("fps", "wanted"), [(30, 0.35), (15, 0.35**2), (10, 0.35**3)])
def test_errors_are_correlated_by_elapsed_time(fps: float, wanted: float) -> None:
    error = errors(still(fps), PLAIN)
    assert (error[1:] * error[:-1]).mean() / (error**2).mean() == pytest.approx(wanted, abs=0.02)


def test_white_noise_is_white_and_student_noise_has_tails() -> None:
    laws = PLAIN.variants()
    truth = still(30)
    white = errors(truth, laws["white"])
    assert abs((white[1:] * white[:-1]).mean() / (white**2).mean()) < 0.01
    gauss, heavy = errors(truth, PLAIN), errors(truth, replace(PLAIN, degrees=3.0))
    assert heavy.std() == pytest.approx(gauss.std(), rel=0.25)
    assert kurtosis(heavy) > kurtosis(gauss) + 1
    assert errors(truth, laws["double"]).std() == pytest.approx(2 * gauss.std(), rel=0.05)
    assert np.abs(errors(truth, laws["none"])).max() < 1e-3


def kurtosis(values: np.ndarray) -> float:
    scaled = values / values.std(axis=(0, 1), keepdims=True)
    return float((scaled**4).mean())


def test_raw_jitter_of_somebody_still_is_about_one_per_cent_of_body_height() -> None:
    truth = still(30)
    error = (
        errors(truth, replace(DetectorNoise(), outliers=0.0, swaps=0.0)) / truth.heights_px[..., None, None]
    )
    second = error[2:] - 2 * error[1:-1] + error[:-2]
    assert 0.004 < np.sqrt(np.nanmean(second**2)) < 0.02


def test_hidden_and_fast_joints_err_more_and_are_trusted_less() -> None:
    wrong, sure, seen = [], [], []
    for truth, observations in usual():
        found = reported(truth, observations)
        there = np.isfinite(found[..., 0]) & (sizes(truth) > 0)[..., None]
        inside = ((truth.keypoints[..., :2] > 0) & (truth.keypoints[..., :2] < truth.frame_size)).all(-1)
        there &= inside
        off = np.linalg.norm(found[..., :2] - truth.keypoints[..., :2], axis=-1)
        off = off / np.maximum(sizes(truth), 1)[..., None] / np.array(DetectorNoise().joint_factors)
        wrong.append(off[there])
        sure.append(found[..., 2][there])
        seen.append(truth.keypoints[..., 2][there] > 0)
    error, confidence, visible = (np.concatenate(one) for one in (wrong, sure, seen))
    assert 3 < np.median(error[~visible]) / np.median(error[visible]) < 9
    assert np.median(confidence[visible]) > 0.85
    assert np.median(confidence[~visible]) < 0.6
    assert rank_correlation(confidence, error) < -0.5
    assert rank_correlation(confidence[visible], error[visible]) < -0.2
    cuts = np.quantile(confidence, np.linspace(0, 1, 9))
    medians = [np.median(error[(confidence >= a) & (confidence <= b)]) for a, b in pairwise(cuts)]
    assert (np.diff(medians) < 0).all()


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1])


def test_misses_come_alone_and_in_bursts() -> None:
    truth = still(30, 200)
    plain = replace(PLAIN, least_score=0.0, false_people=0.0)
    alone = [len(o) for o in observe(truth, replace(plain, misses=0.02), 0)]
    assert 1 - np.mean(alone) / 6 == pytest.approx(0.02, rel=0.35)
    lost = reported(truth, observe(truth, replace(PLAIN, bursts=0.1, least_score=0.0, false_people=0.0), 0))
    gone = np.isnan(lost[..., 0, 0])
    starts = np.count_nonzero(np.diff(gone.astype(int), axis=0) == 1)
    assert starts / (200 * 6) == pytest.approx(0.1, rel=0.35)
    assert gone.sum() / starts > 5


def test_who_is_hidden_is_found_less_often_and_scores_less() -> None:
    scores: dict[str, list[float]] = {"whole": [], "half": []}
    missed: dict[str, list[bool]] = {"whole": [], "half": []}
    for truth, observations in usual():
        found = np.isfinite(reported(truth, observations)[..., 0, 0])
        ranges = {"whole": (0.97, 2), "half": (0.3, 0.6)}
        for name, (low, high) in ranges.items():
            these = truth.present & (truth.visible_share >= low) & (truth.visible_share < high)
            missed[name] += list(~found[these])
            for moment, one in enumerate(observations):
                own = one.owner >= 0
                scores[name] += list(one.scores[own][these[moment, one.owner[own]]])
        blind = truth.present & (truth.visible_share < DetectorNoise().blind_below)
        assert not found[blind].any()
        assert not found[~truth.present].any()
    assert np.quantile(scores["whole"], 0.05) > 0.7
    assert np.quantile(scores["whole"], 0.95) < 0.97
    assert 0.2 < np.median(scores["half"]) < 0.6
    assert np.mean(missed["whole"]) < np.mean(missed["half"])
    assert np.mean(missed["whole"]) < 0.12


def test_false_people_are_rare_short_and_unsure() -> None:
    frames, false, scores = 0, 0, []
    for _, observations in usual():
        frames += len(observations)
        false += sum(bool((one.owner < 0).any()) for one in observations)
        scores += [float(s) for one in observations for s in one.scores[one.owner < 0]]
    assert 0.01 < false / frames < 0.06
    assert max(scores) < 0.55
    nobody = observe(make_scene("empty", 0).truth(np.arange(3000) / 30), DetectorNoise(), 1)
    assert {int(o) for one in nobody for o in one.owner} == {-1}


def test_people_in_one_place_are_taken_for_one() -> None:
    truth = still(30, 10, people=2)
    places, boxes = truth.keypoints.copy(), truth.boxes.copy()
    places[:, 1], boxes[:, 1] = places[:, 0] + [4, 0, 0], boxes[:, 0] + [4, 0, 4, 0]
    close = replace(truth, keypoints=places, boxes=boxes)
    counts = [len(o) for o in observe(close, replace(PLAIN, false_people=0.0), 0)]
    assert np.mean(counts) < 1.1
    counts = [len(o) for o in observe(close, replace(PLAIN, false_people=0.0, same_iou=1.0), 0)]
    assert np.mean(counts) == 2


def test_left_and_right_are_swapped_for_a_few_frames() -> None:
    truth = still(30, 200)
    error = errors(truth, replace(PLAIN, swaps=0.02))
    apart = np.abs(truth.keypoints[0, 0, 5, 0] - truth.keypoints[0, 0, 6, 0])
    swapped = np.abs(error[..., 5, 0]) > 0.7 * apart
    assert swapped.mean() == pytest.approx(0.02, rel=0.5)
    starts = np.count_nonzero(np.diff(swapped.astype(int), axis=0) == 1)
    assert 1.5 < swapped.sum() / starts < 12


def test_what_is_reported_is_whole_sorted_and_in_the_image() -> None:
    for truth, observations in usual():
        assert [one.at for one in observations] == list(truth.at)
        width, height = truth.frame_size
        for one in observations[::7]:
            assert one.boxes.shape == (len(one), 4)
            assert one.keypoints.shape == (len(one), 17, 3)
            assert one.keypoints.dtype == one.boxes.dtype == one.scores.dtype == np.float32
            assert np.isfinite(one.keypoints).all()
            assert (np.diff(one.scores) <= 0).all()
            assert (one.boxes[:, 2:] > one.boxes[:, :2]).all()
            assert (one.boxes >= 0).all()
            assert (one.boxes <= np.array([width, height, width, height])).all()
            own = one.owner[one.owner >= 0]
            assert len(set(own.tolist())) == len(own)


@pytest.mark.parametrize("law", list(DetectorNoise().variants()))
def test_every_law_works_at_any_times(law: str) -> None:
    noise = DetectorNoise().variants()[law]
    at = np.sort(np.random.default_rng(3).uniform(0, 20, 50))
    observations = observe(scene("mixed").truth(at), noise, 0)
    assert all(np.isfinite(one.keypoints).all() for one in observations)
    assert observe(scene("mixed").truth(np.zeros(0)), noise, 0) == []
    assert len(observe(scene("walking").truth(np.array([3.0])), noise, 0)) == 1


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="joint_factors"):
        DetectorNoise(joint_factors=(1.0, 2.0))
    with pytest.raises(ValueError, match="degrees"):
        DetectorNoise(degrees=2.0)


def test_wandering_signals_have_unit_variance_at_uneven_times() -> None:
    rng = np.random.default_rng(0)
    at = np.cumsum(rng.exponential(0.05, 4000))
    signal = wandering(rng, at, (50,), _CORRELATION_S)
    assert signal.var() == pytest.approx(1.0, rel=0.02)
    assert wandering(rng, at, (50,), 0.0).var() == pytest.approx(1.0, rel=0.02)


def test_spells_fill_the_share_of_time_that_they_should() -> None:
    rng = np.random.default_rng(0)
    at = np.arange(30000) / 30
    here = spells(rng, at, (40,), 0.2, (0.1, 1.0))
    assert here.mean() == pytest.approx(0.2 * 0.9 / math.log(10), rel=0.1)
    assert not spells(rng, at, (3,), 0.0, (0.1, 1.0)).any()
    assert spells(rng, at[:0], (3,), 1.0, (0.1, 1.0)).shape == (0, 3)
