"""Whatever comes in, finite numbers of the documented shapes go out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pose.refine.numbers import any_floats
from tests.pose.refine.people import FRAME, NOBODY, box, crowd, standing
from tests.pose.refine.test_refiner import every_smoothing
from workers.pose.refine import FixedLag, RefineConfig, Refined, Refiner
from workers.pose.refine.sightings import sighted

TIMES = st.sampled_from([np.nan, np.inf, -np.inf, 1e30, 1e308, -1e308, 0.0]) | st.floats(-5, 60)
IDS = st.lists(st.integers(-3, 6), max_size=5)


def frame(random: np.random.Generator, people: int) -> tuple[np.ndarray, np.ndarray]:
    """Ordinary people of whom every third number is any at all, and some boxes are without size or turned."""
    boxes, points = crowd(random, people)
    wild = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 1e30, 1e6, 9e4, -9e4, -1.0, 0.0])
    for values in (boxes, points):
        flat = values.reshape(-1)
        some = random.random(flat.shape) < random.choice([0.0, 0.05, 0.5, 1.0])
        flat[some] = random.choice(wild, some.sum())
    boxes[random.random(people) < 0.2, 2:] = 0.0
    boxes[random.random(people) < 0.2] = 7.0
    points[random.random(people) < 0.2] = np.nan
    return boxes, points


def check(refined: Refined) -> None:
    count = len(refined.track_ids)
    shapes = {
        "track_ids": (), "boxes": (4,), "keypoints": (17, 3), "predicted": (), "velocity": (17, 2),
        "acceleration": (17, 2), "scale": (), "quality": (), "reliability": (17,), "rows": (),
    }  # fmt: skip
    assert {name: value.shape for name, value in vars(refined).items()} == {
        name: (count, *shape) for name, shape in shapes.items()
    }
    for name, value in vars(refined).items():
        assert np.isfinite(value).all(), name
    for sure in (refined.quality, refined.reliability, refined.keypoints[..., 2]):
        assert ((sure >= 0) & (sure <= 1)).all()
    assert (refined.scale >= 1).all()
    assert (refined.boxes[:, 2:] >= refined.boxes[:, :2]).all()
    assert len(set(refined.track_ids.tolist())) == count
    assert np.array_equal(refined.predicted, refined.rows == -1)
    assert np.isfinite(refined.ahead(0.1)).all()


@every_smoothing
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), moments=st.lists(st.tuples(TIMES, IDS), min_size=1, max_size=12))
def test_any_frames_at_any_times_give_sound_answers(
    smoothing: str, seed: int, moments: list[tuple[float, list[int]]]
) -> None:
    random, refiner = np.random.default_rng(seed), Refiner(RefineConfig(smoothing=smoothing))
    lagging = FixedLag(RefineConfig(smoothing=smoothing)) if smoothing in ("adaptive", "kalman") else None
    for at, ids in moments:
        boxes, points = frame(random, len(ids))
        refined = refiner.update(at, ids, boxes, points, FRAME)
        check(refined)
        seen = refined.rows[refined.rows >= 0]
        assert [ids[row] for row in seen] == list(dict.fromkeys(ids))
        late = lagging.update(at, ids, boxes, points, FRAME) if lagging else None
        if late:
            check(late[1])
    for _, refined in lagging.flush() if lagging else []:
        check(refined)


@every_smoothing
def test_a_long_run_of_bad_frames_gives_sound_answers(smoothing: str) -> None:
    random, refiner = np.random.default_rng(0), Refiner(RefineConfig(smoothing=smoothing))
    at = 0.0
    for _ in range(200):
        people = random.integers(0, 6)
        boxes, points = frame(random, people)
        at += random.choice([1e-9, 1 / 30, 1 / 30, 0.3, 0.0, -0.1])
        check(refiner.update(at, random.permutation(8)[:people], boxes, points, FRAME))


def test_after_bad_frames_people_are_soon_where_they_are_seen() -> None:
    random, refiner = np.random.default_rng(1), Refiner(RefineConfig())
    for step in range(60):
        refiner.update(step / 30, [1], *frame(random, 1), FRAME)
    for step in range(60, 180):
        refined = refiner.update(step / 30, [1], box(), standing(), FRAME)
    assert refined.keypoints == pytest.approx(standing(), abs=2)
    assert refined.velocity == pytest.approx(0, abs=0.1)


def test_a_repeated_id_counts_once_where_it_is_first() -> None:
    refined = Refiner(RefineConfig()).update(
        0.0, [5, 3, 5, 3], np.repeat(box(), 4, axis=0), np.repeat(standing(), 4, axis=0), FRAME
    )
    assert refined.track_ids.tolist() == [5, 3]
    assert refined.rows.tolist() == [0, 1]


def test_a_joint_that_was_never_known_is_in_the_middle_of_the_box() -> None:
    points = standing()
    points[0, 9] = [np.nan, 5, 0.9]
    refined = Refiner(RefineConfig()).update(0.0, [1], box(), points, FRAME)
    assert refined.keypoints[0, 9] == pytest.approx([400, 300, 0])


def test_a_box_that_is_no_number_is_drawn_around_the_joints() -> None:
    points, boxes = standing(), np.full((1, 4), np.nan)
    expected = [points[0, :, 0].min(), points[0, :, 1].min(), points[0, :, 0].max(), points[0, :, 1].max()]
    assert sighted([1], boxes, points).boxes[0] == pytest.approx(expected)
    nothing = sighted([1], boxes, np.full((1, 17, 3), np.nan))
    assert nothing.boxes.tolist() == [[0, 0, 1, 1]]
    assert not nothing.confidence.any()


@given(any_floats(2, 4), any_floats(2, 17, 3))
def test_sightings_are_finite_and_their_boxes_have_sides(boxes: np.ndarray, points: np.ndarray) -> None:
    seen = sighted([1, 2], boxes, points)
    assert np.isfinite(seen.usable).all()
    assert (seen.boxes[:, 2:] - seen.boxes[:, :2] > 0.999).all()
    assert ((seen.confidence >= 0) & (seen.confidence <= 1)).all()
    assert (np.isnan(seen.places).any(axis=-1) <= (seen.confidence == 0)).all()


@pytest.mark.parametrize(
    ("ids", "boxes", "points"),
    [
        ([1, 2], (1, 4), (1, 17, 3)),
        ([1], (2, 4), (1, 17, 3)),
        ([1], (1, 4), (1, 17, 2)),
        ([1], (1, 4), (1, 3, 17)),
        ([1], (4,), (17, 3)),
        ([[1]], (1, 4), (1, 17, 3)),
        ([], (1, 4), (0, 17, 3)),
        ([1], (0, 4), (0, 17, 3)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(ids: list, boxes: tuple, points: tuple) -> None:
    refiner = Refiner(RefineConfig())
    with pytest.raises(ValueError, match=r"do not fit: give \[P\], \[P, 4\] and \[P, 17, 3\]"):
        refiner.update(0.0, ids, np.zeros(boxes), np.zeros(points), FRAME)
    assert len(refiner.memory) == 0


def test_memory_stays_bounded_even_if_time_stands_still() -> None:
    running, standing_still = Refiner(RefineConfig(forget_s=1.0)), Refiner(RefineConfig())
    for step in range(70):
        ids = np.arange(20) + 20 * step
        boxes, points = np.repeat(box(), 20, axis=0), np.repeat(standing(), 20, axis=0)
        running.update(step / 10, ids, boxes, points, FRAME)
        standing_still.update(5.0, ids, boxes, points, FRAME)
    assert len(running.memory) <= 20 * 11
    assert len(standing_still.memory) <= 1020
    assert set(standing_still.memory.track_ids.tolist()) >= set(range(20 * 50, 20 * 70))
    running.update(100.0, *NOBODY, FRAME)
    assert len(running.memory) == 0
