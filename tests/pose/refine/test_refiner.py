"""What holds for every kind of smoothing: one by one, snapshots, motion, errors; see also `test_returns`."""

from __future__ import annotations

from typing import get_args

import msgpack
import numpy as np
import pytest

from shared.config import ConfigError, validate
from tests.pose.refine.people import FRAME, NOBODY, box, crowd, standing
from workers.pose.refine import RefineConfig, Refined, Refiner

SMOOTHINGS = get_args(RefineConfig.model_fields["smoothing"].annotation)
every_smoothing = pytest.mark.parametrize("smoothing", SMOOTHINGS)


def of_track(refined: Refined, track: int) -> dict[str, np.ndarray]:
    """All that is said of one track, apart from the row in which it stood."""
    (row,) = np.flatnonzero(refined.track_ids == track)
    return {name: value[row] for name, value in vars(refined).items() if name != "rows"}


@every_smoothing
def test_all_at_once_equals_one_by_one(smoothing: str) -> None:
    random, people = np.random.default_rng(2), 5
    config = RefineConfig(smoothing=smoothing, max_missing_s=0.3, forget_s=0.5)
    together, alone = Refiner(config), [Refiner(config) for _ in range(people)]
    here = np.ones(people, bool)
    for step in range(40):
        boxes, points = crowd(random, people)
        here ^= random.random(people) < 0.1
        present = random.permutation(np.flatnonzero(here))
        refined = together.update(step / 15, present + 100, boxes[present], points[present], FRAME)
        told = set()
        for person in range(people):
            rows = [person] if here[person] else []
            one = alone[person].update(
                step / 15, [100 + row for row in rows], boxes[rows], points[rows], FRAME
            )
            for track in one.track_ids.tolist():
                told.add(track)
                expected, got = of_track(one, track), of_track(refined, track)
                for name, value in expected.items():
                    assert np.allclose(got[name], value, rtol=1e-9, atol=1e-9), name
        assert told == set(refined.track_ids.tolist())
        assert refined.rows[: len(present)].tolist() == list(range(len(present)))
        assert refined.track_ids[: len(present)].tolist() == (present + 100).tolist()


@every_smoothing
def test_a_restored_refiner_goes_on_exactly(smoothing: str) -> None:
    # Person 1 is away in frames 20 to 34, and its return is eased in those that follow.
    config = RefineConfig(smoothing=smoothing)
    for cut in (0, 12, 25, 35, 36):
        random = np.random.default_rng(3)
        first = second = Refiner(config)
        for step in range(50):
            boxes, points = crowd(random, 5)
            points[1] = standing(300 + (5 * step if step < 20 else 4 * step))
            who = np.flatnonzero(random.random(5) < 0.7)
            who = np.setdiff1d(who, [1]) if 20 <= step < 35 else np.union1d(who, [1])
            if step == cut:
                second = Refiner.restore(config, msgpack.unpackb(msgpack.packb(first.snapshot())))
            expected = first.update(step / 30, who, boxes[who], points[who], FRAME)
            if second is not first:
                got = second.update(step / 30, who, boxes[who], points[who], FRAME)
                for name, value in vars(expected).items():
                    assert np.array_equal(getattr(got, name), value), name
        assert second is not first


@every_smoothing
def test_twice_as_near_and_twice_as_large_gives_the_same_motion(smoothing: str) -> None:
    random = np.random.default_rng(4)
    near, far = (Refiner(RefineConfig(smoothing=smoothing)) for _ in range(2))
    for step in range(20):
        # Large enough that the least error, a part of a pixel, plays no part.
        points = standing(height=20_000.0)
        points[..., :2] += random.normal(0, 300, (1, 17, 2))
        a = far.update(step / 30, [1], box(height=20_000.0), points, FRAME)
        b = near.update(step / 30, [1], 2 * box(height=20_000.0), points * [2, 2, 1], FRAME)
        assert b.velocity == pytest.approx(a.velocity, rel=1e-3, abs=1e-3)
        assert b.keypoints[..., :2] == pytest.approx(2 * a.keypoints[..., :2], rel=1e-4)


@every_smoothing
def test_velocity_is_in_body_heights_a_second(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing))
    for step in range(100):
        x = 50 + step * 200.0 * 0.5 / 25
        refined = refiner.update(step / 25, [1], box(x), standing(x), FRAME)
    assert refined.velocity[0, :, 0] == pytest.approx(100 / refined.scale[0], rel=0.03)
    assert refined.velocity[0, :, 1] == pytest.approx(0.0, abs=1e-3)
    assert refined.acceleration[0] == pytest.approx(0.0, abs=0.1)


@every_smoothing
def test_acceleration_is_in_body_heights_a_second_squared(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing, process_noise=1e4))
    for step in range(60):
        x = 50 + 0.5 * 200.0 * (step / 30) ** 2
        refined = refiner.update(step / 30, [1], box(x), standing(x), FRAME)
    assert refined.acceleration[0, :, 0] == pytest.approx(200 / refined.scale[0], rel=0.15)
    assert refined.acceleration[0, :, 1] == pytest.approx(0.0, abs=1e-3)


def test_without_smoothing_the_raw_key_points_stay_and_velocity_is_still_known() -> None:
    refiner = Refiner(RefineConfig(smoothing="none"))
    for step in range(5):
        boxes, points = crowd(np.random.default_rng(step), 1)
        refined = refiner.update(step / 10, [1], boxes, points, FRAME)
        assert np.array_equal(refined.keypoints, points)
    assert refined.velocity.any()


@every_smoothing
def test_a_time_that_stands_still_or_goes_back_a_little_holds_the_pose(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing))
    refiner.update(0.9, [1], box(), standing(), FRAME)
    first = refiner.update(1.0, [1], box(), standing(402.0), FRAME)
    for at in (1.0, 0.5, np.nan):
        again = refiner.update(at, [1], box(500.0), standing(500.0), FRAME)
        assert np.array_equal(first.keypoints, again.keypoints)
        assert np.array_equal(first.velocity, again.velocity)
    on = refiner.update(1.1, [1], box(404.0), standing(404.0), FRAME)
    assert on.keypoints[0, :, :2] == pytest.approx(standing(404.0)[0, :, :2], abs=2)


@every_smoothing
def test_a_time_that_goes_far_back_starts_afresh(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing))
    for step in range(5):
        refiner.update(100 + step / 30, [1], box(300.0 + step), standing(300.0 + step), FRAME)
    refined = refiner.update(50.0, [1], box(), standing(), FRAME)
    assert np.array_equal(refined.keypoints, standing())
    assert not refined.velocity.any()


@every_smoothing
def test_a_forgotten_track_starts_afresh(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing, forget_s=1.0))
    for step in range(5):
        refiner.update(step / 30, [1], box(300.0 + step), standing(300.0 + step), FRAME)
    refiner.update(0.5, [2], box(), standing(), FRAME)
    assert len(refiner.memory) == 2
    refined = refiner.update(1.3, [1], box(900.0), standing(900.0), FRAME)
    assert refined.keypoints[0] == pytest.approx(standing(900.0)[0])
    assert not refined.velocity[0].any()
    refiner.update(3.0, *NOBODY, FRAME)
    assert len(refiner.memory) == 0


def test_quality_and_reliability_are_mean_confidences() -> None:
    refiner = Refiner(RefineConfig())
    refined = refiner.update(0.0, [1], box(), standing(confidence=0.6), FRAME)
    assert refined.quality == pytest.approx([0.6])
    refined = refiner.update(0.1, [1], box(), standing(confidence=0.2), FRAME)
    assert refined.quality == pytest.approx([0.2])
    assert (refined.reliability > 0.35).all()
    assert (refined.reliability < 0.45).all()


@every_smoothing
def test_ahead_goes_on_as_people_move_and_is_less_sure(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing))
    for step in range(60):
        refined = refiner.update(step / 30, [1], box(200.0 + 4 * step), standing(200.0 + 4 * step), FRAME)
    assert refined.ahead(0) == pytest.approx(refined.keypoints)
    assert refined.ahead(-1) == pytest.approx(refined.keypoints)
    later = refined.ahead(2 / 30)
    assert later[0, :, 0] - refined.keypoints[0, :, 0] == pytest.approx(8, abs=1)
    assert (later[..., 2] < refined.keypoints[..., 2]).all()
    assert np.isfinite(refined.ahead(np.inf)).all()


def test_people_who_are_predicted_must_be_remembered() -> None:
    with pytest.raises(ConfigError, match=r"forget_s 2 is below max_missing_s 5, for which people.*raise it"):
        validate({"max_missing_s": 5, "forget_s": 2}, RefineConfig, "site.yaml")
    assert RefineConfig(max_missing_s=2, forget_s=2).forget_s == 2


def test_nobody_is_fine() -> None:
    refiner = Refiner(RefineConfig())
    for nobody in (NOBODY, ([], [], [])):
        empty = refiner.update(0.0, *nobody, FRAME)
        assert empty.keypoints.shape == (0, 17, 3)
        assert empty.velocity.shape == (0, 17, 2)
        assert empty.quality.shape == (0,)
        assert empty.ahead(0.1).shape == (0, 17, 3)


def test_a_damaged_snapshot_is_refused() -> None:
    snapshot = Refiner(RefineConfig()).snapshot()
    for damaged, reason in (
        ({**snapshot, "more": b""}, "fields"),
        ({**snapshot, "at": b"\0" * 8}, "length"),
        ({**snapshot, "at": b"\0" * 7}, "multiple"),
        ({**snapshot, "boxes": b"\0" * 24}, "reshape"),
    ):
        with pytest.raises(ValueError, match=reason):
            Refiner.restore(RefineConfig(), damaged)
