from __future__ import annotations

import numpy as np
import pytest

from benchmarks.skeleton_scenes import FIGHTS, MOVING, Recording, record
from tests.pose.refine.people import FRAME, NOBODY, box, played, standing
from workers.pose.evaluation.skeletons import score
from workers.pose.refine import FixedLag, RefineConfig, Refiner

filters = pytest.mark.parametrize("smoothing", ["adaptive", "kalman"])


def numbers(recording: Recording, refiner: Refiner | FixedLag) -> tuple[float, float]:
    """Jitter and error."""
    answers, predicted = played(refiner, recording)
    found = score(
        recording.at,
        recording.keypoints,
        recording.present,
        recording.heights_px,
        answers,
        predicted=predicted,
    )
    return found.jitter, found.error


@filters
@pytest.mark.parametrize("kinds", [MOVING, FIGHTS])
def test_it_is_steadier_and_nearer_to_the_truth_than_at_once(smoothing: str, kinds: tuple[str, ...]) -> None:
    recording = record(kinds, [40], seconds=5.0)
    config = RefineConfig(smoothing=smoothing)
    results = [numbers(recording, Refiner(config))]
    results += [numbers(recording, FixedLag(config, frames)) for frames in (1, 2)]
    jitter, error = zip(*results, strict=True)
    assert jitter[0] > jitter[1] > jitter[2]
    assert error[0] > error[1]
    assert error[0] > error[2]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_answers_come_so_many_frames_later_under_their_own_time(frames: int) -> None:
    lagging, refiner = FixedLag(RefineConfig(), frames), Refiner(RefineConfig())
    random, causal, late = np.random.default_rng(0), {}, []
    for step in range(40):
        at = step / 30 + random.uniform(0, 0.01)
        ids = np.flatnonzero(random.random(4) < 0.8)
        random.shuffle(ids)
        place = [(100 + 150 * person + step, 200.0) for person in ids.tolist()]
        boxes = np.array([box(*one)[0] for one in place]).reshape(-1, 4)
        points = np.array([standing(*one)[0] for one in place]).reshape(-1, 17, 3)
        causal[at] = refiner.update(at, ids, boxes, points, FRAME)
        answer = lagging.update(at, ids, boxes, points, FRAME)
        assert (answer is None) == (step < frames)
        late += [answer] if answer else []
    assert len(late) == 40 - frames
    late += lagging.flush()
    assert [at for at, _ in late] == list(causal)
    for at, refined in late:
        for name in ("track_ids", "boxes", "predicted", "scale", "quality", "rows"):
            assert np.array_equal(getattr(refined, name), getattr(causal[at], name)), name
        assert np.array_equal(refined.keypoints[..., 2], causal[at].keypoints[..., 2])
    assert np.array_equal(late[-1][1].keypoints, causal[at].keypoints)
    assert lagging.flush() == []


def test_people_who_come_and_go_do_not_change_the_others() -> None:
    together, alone = FixedLag(RefineConfig()), FixedLag(RefineConfig())
    random = np.random.default_rng(1)
    for step in range(40):
        points = standing(300 + step)
        points[..., :2] += random.normal(0, 2, (1, 17, 2))
        others = np.flatnonzero(random.random(3) < 0.5) + 10
        ids = np.append(others, 1)
        all_points = np.concatenate([standing(700.0)] * len(others) + [points])
        one = alone.update(step / 30, [1], box(300 + step), points, FRAME)
        boxes = np.concatenate([box(700.0)] * len(others) + [box(300 + step)])
        many = together.update(step / 30, ids, boxes, all_points, FRAME)
        if one and many:
            row = many[1].track_ids.tolist().index(1)
            assert many[1].keypoints[row] == pytest.approx(one[1].keypoints[0], abs=1e-9)


@filters
def test_who_stays_away_is_as_predicted_at_once(smoothing: str) -> None:
    lagging, refiner = (one(RefineConfig(smoothing=smoothing)) for one in (FixedLag, Refiner))
    causal, late = [], []
    for step in range(50):
        frame = ([1], box(300 + 3 * step), standing(300 + 3 * step)) if step < 30 else NOBODY
        causal.append(refiner.update(step / 30, *frame, FRAME))
        late.append(lagging.update(step / 30, *frame, FRAME))
    for step in range(30, 48):
        assert late[step + 2][1].keypoints == pytest.approx(causal[step].keypoints, abs=1e-6)


@filters
def test_a_return_is_a_small_step(smoothing: str) -> None:
    lagging, late = FixedLag(RefineConfig(smoothing=smoothing)), []
    for step in range(80):
        x = 300 + 2 * min(step, 30)
        frame = NOBODY if 30 < step <= 45 else ([1], box(x), standing(x))
        answer = lagging.update(step / 30, *frame, FRAME)
        late += [answer[1]] if answer else []
    places = np.array([refined.keypoints[0, :, :2] for refined in late]) / 200
    steps = np.sqrt(np.square(np.diff(places, axis=0)).sum(axis=-1)).max(axis=-1)
    assert any(refined.predicted.any() for refined in late)
    # That of the refiner, and what the later frames tell of the first one.
    assert steps.max() <= 0.06


@filters
def test_time_that_goes_back_and_forgotten_people_do_not_reach_into_what_was_before(smoothing: str) -> None:
    for leap in (-50.0, 20.0):
        lagging, refiner = (one(RefineConfig(smoothing=smoothing)) for one in (FixedLag, Refiner))
        for step in range(20):
            frame = [1], box(300.0 + 2 * step), standing(300.0 + 2 * step)
            last = refiner.update(100 + step / 30, *frame, FRAME)
            lagging.update(100 + step / 30, *frame, FRAME)
        lagging.update(100 + leap, [1], box(900.0), standing(900.0), FRAME)
        at, late = lagging.update(100 + leap + 1 / 30, [1], box(902.0), standing(902.0), FRAME)
        assert at == 100 + 19 / 30
        assert np.array_equal(late.keypoints, last.keypoints)


@pytest.mark.parametrize(
    ("config", "frames", "reason"),
    [
        (RefineConfig(smoothing="one_euro"), 2, "needs smoothing adaptive or kalman, not one_euro"),
        (RefineConfig(smoothing="none"), 2, "needs smoothing adaptive or kalman, not none"),
        (RefineConfig(), 0, "0 frames are not from 1 to 5"),
        (RefineConfig(), 6, "6 frames are not from 1 to 5"),
    ],
)
def test_what_cannot_be_smoothed_back_is_refused(config: RefineConfig, frames: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FixedLag(config, frames)
