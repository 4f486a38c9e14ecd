import msgpack
import numpy as np
import pytest
from OneEuroFilter import OneEuroFilter

from workers.pose.refine import RefineConfig, Refiner
from workers.pose.refine.one_euro import OneEuro

FRAME = (640, 360)


def pose(random, people=1, height=200.0):
    keypoints = random.uniform(0, height, (people, 17, 3))
    keypoints[..., 2] = random.uniform(0.2, 1, (people, 17))
    boxes = np.stack(
        [np.zeros(people), np.zeros(people), np.full(people, height / 2), np.full(people, height)], 1
    )
    return boxes, keypoints


@pytest.mark.parametrize("clock", ["regular", "irregular"])
def test_it_agrees_with_the_authors_filter(clock):
    # OneEuroFilter 0.2.1 on PyPI
    random = np.random.default_rng(0)
    steps = np.full(300, 1 / 30) if clock == "regular" else random.uniform(0.005, 0.4, 300)
    times = 10 + np.cumsum(steps)
    signal = np.cumsum(random.normal(0, 0.05, (300, 4)), axis=0)
    oracle = [OneEuroFilter(30, 5.0, 10.0, 1.0) for _ in range(4)]
    ours = OneEuro(5.0, 10.0, 1.0)
    position, rate = signal[:1], np.zeros((1, 4))
    for column, one in enumerate(oracle):
        one(signal[0, column], times[0])
    for step in range(1, 300):
        elapsed = np.array([times[step] - times[step - 1]])
        position, rate, _ = ours.step(signal[step : step + 1], position, rate, elapsed, np.ones(1))
        expected = [one(signal[step, column], times[step]) for column, one in enumerate(oracle)]
        assert np.abs(position[0] - expected).max() < 1e-9


def test_the_refiner_is_that_filter_in_body_heights():
    random = np.random.default_rng(1)
    refiner = Refiner(RefineConfig())
    oracle = OneEuroFilter(10, 5.0, 10.0, 1.0)
    boxes, keypoints = pose(random, height=250.0)
    for step in range(60):
        keypoints[..., :2] += random.normal(0, 4, (1, 17, 2))
        at = 1.0 + step / 10
        refined = refiner.update(at, np.array([7]), boxes, keypoints, FRAME)
        expected = oracle(keypoints[0, 9, 0] / 250.0, at) * 250.0
        assert refined.keypoints[0, 9, 0] == pytest.approx(expected, abs=1e-9)
    assert refined.scale[0] == pytest.approx(250.0)


def test_all_at_once_equals_one_by_one():
    random = np.random.default_rng(2)
    together, alone = Refiner(RefineConfig()), [Refiner(RefineConfig()) for _ in range(6)]
    for step in range(30):
        boxes, keypoints = pose(random, people=6)
        present = np.flatnonzero(random.random(6) < 0.8)
        random.shuffle(present)
        all_of_them = together.update(step / 15, present + 100, boxes[present], keypoints[present], FRAME)
        for row, person in enumerate(present):
            one = alone[person].update(
                step / 15, np.array([person + 100]), boxes[[person]], keypoints[[person]], FRAME
            )
            assert np.array_equal(all_of_them.keypoints[row], one.keypoints[0])
            assert np.array_equal(all_of_them.velocity[row], one.velocity[0])


def test_a_restored_refiner_goes_on_exactly():
    random = np.random.default_rng(3)
    first = second = Refiner(RefineConfig())
    for step in range(40):
        boxes, keypoints = pose(random, people=5)
        who = np.flatnonzero(random.random(5) < 0.7)
        if step == 20:
            second = Refiner.restore(RefineConfig(), msgpack.unpackb(msgpack.packb(first.snapshot())))
        expected = first.update(step / 12, who, boxes[who], keypoints[who], FRAME)
        if second is not first:
            got = second.update(step / 12, who, boxes[who], keypoints[who], FRAME)
            for name, value in vars(expected).items():
                assert np.array_equal(getattr(got, name), value), name


def test_twice_as_near_and_twice_as_large_gives_the_same_motion():
    random = np.random.default_rng(4)
    near, far = Refiner(RefineConfig()), Refiner(RefineConfig())
    for step in range(20):
        boxes, keypoints = pose(random)
        doubled = keypoints * [2, 2, 1]
        a = far.update(step / 30, np.array([1]), boxes, keypoints, FRAME)
        b = near.update(step / 30, np.array([1]), boxes * 2, doubled, FRAME)
        assert b.velocity == pytest.approx(a.velocity)
        assert b.keypoints[..., :2] == pytest.approx(2 * a.keypoints[..., :2])


def test_velocity_is_body_heights_a_second():
    refiner = Refiner(RefineConfig())
    boxes, keypoints = pose(np.random.default_rng(5), height=200.0)
    for step in range(200):
        keypoints[..., 0] += 200.0 * 0.5 / 25
        refined = refiner.update(step / 25, np.array([1]), boxes, keypoints, FRAME)
    assert refined.velocity[0, :, 0] == pytest.approx(0.5, rel=0.02)
    assert refined.velocity[0, :, 1] == pytest.approx(0.0, abs=1e-6)


def test_smoothing_halves_the_jitter_of_a_still_person():
    random = np.random.default_rng(6)
    refiner = Refiner(RefineConfig())
    boxes, still = pose(random)
    raw, steady = [], []
    for step in range(300):
        keypoints = still + np.concatenate([random.normal(0, 2, (1, 17, 2)), np.zeros((1, 17, 1))], 2)
        raw.append(keypoints[0, :, :2])
        steady.append(refiner.update(step / 30, np.array([1]), boxes, keypoints, FRAME).keypoints[0, :, :2])
    jitter = [np.abs(np.diff(np.array(values), axis=0)).mean() for values in (raw, steady)]
    assert jitter[1] < 0.6 * jitter[0]


def test_a_forgotten_track_starts_afresh():
    random = np.random.default_rng(7)
    refiner = Refiner(RefineConfig(forget_s=1.0))
    boxes, keypoints = pose(random)
    refiner.update(0.0, np.array([1]), boxes, keypoints, FRAME)
    refiner.update(0.5, np.array([2]), boxes, keypoints, FRAME)
    assert len(refiner.snapshot()["track_ids"]) == 16
    moved = keypoints + np.array([100, 0, 0])
    refined = refiner.update(2.0, np.array([1]), boxes, moved, FRAME)
    assert np.array_equal(refined.keypoints, moved)
    assert not refined.velocity.any()
    assert len(refiner.snapshot()["track_ids"]) == 8


def test_a_repeated_time_holds_the_pose():
    random = np.random.default_rng(8)
    refiner = Refiner(RefineConfig())
    boxes, keypoints = pose(random)
    first = refiner.update(1.0, np.array([1]), boxes, keypoints, FRAME)
    again = refiner.update(1.0, np.array([1]), boxes, keypoints + np.array([9, 9, 0]), FRAME)
    assert np.array_equal(first.keypoints[..., :2], again.keypoints[..., :2])


def test_without_smoothing_the_raw_key_points_stay_and_velocity_is_still_known():
    random = np.random.default_rng(9)
    refiner = Refiner(RefineConfig(smoothing="none"))
    for step in range(5):
        boxes, keypoints = pose(random)
        refined = refiner.update(step / 10, np.array([1]), boxes, keypoints, FRAME)
        assert np.array_equal(refined.keypoints, keypoints)
    assert refined.velocity.any()


def test_nobody_is_fine_and_a_damaged_snapshot_is_refused():
    refiner = Refiner(RefineConfig())
    empty = refiner.update(0.0, np.zeros(0, np.int64), np.zeros((0, 4)), np.zeros((0, 17, 3)), FRAME)
    assert empty.keypoints.shape == (0, 17, 3)
    assert empty.quality.shape == (0,)
    snapshot = refiner.snapshot()
    with pytest.raises(ValueError, match="fields"):
        Refiner.restore(RefineConfig(), {**snapshot, "more": b""})
    with pytest.raises(ValueError, match="length"):
        Refiner.restore(RefineConfig(), {**snapshot, "at": b"\0" * 8})
