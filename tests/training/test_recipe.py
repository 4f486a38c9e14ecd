from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.classify.people import walker
from training import measure
from training.associate import associate
from training.clips import _numbers
from training.folds import FOLDS, split


def test_no_source_video_straddles_a_split(shared_data: Path) -> None:
    source = np.load(shared_data / "skeletons" / "cctv_fights_coco17.npz")
    groups = _numbers(source["clip_name"], shared_data / "videos" / "fights" / "source_groups.json")
    assert len(groups) == 200
    folds = split(groups, source["clip_label"].astype(np.int64), seed=1)
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
    assert set(folds) == set(range(FOLDS))
    for fold in range(FOLDS):
        assert 0 < source["clip_label"][folds == fold].sum() < (folds == fold).sum()


def test_a_clip_without_a_source_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "source_groups.json"
    path.write_text(json.dumps([["a.mp4"]]))
    with pytest.raises(ValueError, match=r"b\.mp4"):
        _numbers(np.array(["a.mp4", "b.mp4"]), path)


def people_crossing(gap: range = range(0)) -> tuple[np.ndarray, ...]:
    frames, boxes, scores, keypoints, truth = [], [], [], [], []
    for frame in range(40):
        for person, speed in ((0, 6.0), (1, -6.0)):
            if person == 0 and frame in gap:
                continue
            x = 100 + 240 * person + speed * frame
            body = walker(0, person)
            body[:, 0] += x - 100
            frames.append(frame)
            boxes.append([x - 30, 50 + 60 * person, x + 30, 250 + 60 * person])
            body[:, 1] += 60 * person
            scores.append(0.9 if frame < 3 else 0.15)
            keypoints.append(body)
            truth.append(person)
    floats = [np.array(values, np.float32) for values in (boxes, scores, keypoints)]
    return np.array(frames), *floats, np.array(truth)


def test_weak_detections_continue_tracks_through_a_crossing() -> None:
    *detections, truth = people_crossing()
    tracks = associate(*detections, fps=20.0)
    assert (tracks >= 0).all()
    for person in (0, 1):
        assert len(set(tracks[truth == person])) == 1


def test_a_gap_of_half_a_second_is_bridged_and_a_longer_one_is_not() -> None:
    for missing, tracks_expected in ((range(20, 26), 1), (range(20, 36), 2)):
        frames, boxes, scores, keypoints, truth = people_crossing(missing)
        scores[:] = 0.9
        tracks = associate(frames, boxes, scores, keypoints, fps=20.0)
        assert len(set(tracks[truth == 0])) == tracks_expected


def test_weak_detections_alone_start_nothing() -> None:
    frames, boxes, scores, keypoints, _ = people_crossing()
    assert (associate(frames, boxes, np.minimum(scores, 0.2), keypoints, fps=20.0) == -1).all()


def test_the_clip_score_is_the_mean_of_the_top_third() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.3, 0.2, 0.7, 0.4])
    clip_of = np.array([0, 0, 0, 0, 0, 0, 2])
    assert measure.clip_scores(scores, clip_of, 3).tolist() == pytest.approx([0.8, 0.0, 0.4])


def test_figures_on_a_small_table() -> None:
    labels = np.array([1, 1, 0, 0])
    assert measure.auc(np.array([0.9, 0.4, 0.4, 0.1]), labels) == pytest.approx(0.875)
    assert measure.accuracy(np.array([0.9, 0.4, 0.6, 0.1]), labels) == 0.5
    assert measure.fpr_at_tpr(np.array([0.9, 0.4, 0.5, 0.1]), labels) == 0.5
    low, high = measure.interval(measure.accuracy, np.array([0.9, 0.4, 0.6, 0.1]), labels, np.arange(4))
    assert low < 0.5 < high


def test_the_temperature_makes_scores_honest() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, 20000)
    labels = (rng.random(20000) < measure.probability(logits, 1)).astype(np.int64)
    assert measure.fit_temperature(3 * logits, labels, np.ones(20000)) == pytest.approx(3, rel=0.05)
