"""People who are out of sight, and how they come back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pose.refine.people import FRAME, NOBODY, box, standing
from tests.pose.refine.test_refiner import every_smoothing
from workers.pose.refine import RefineConfig, Refined, Refiner, occlusion

FPS = 30.0


def seen(refiner: Refiner, frame: int, x: float) -> Refined:
    return refiner.update(frame / FPS, [1], box(x), standing(x), FRAME)


def walked(refiner: Refiner, frames: int, speed: float = 2.0) -> Refined:
    """Somebody seen for so many frames, `speed` pixels a frame."""
    for frame in range(frames):
        refined = seen(refiner, frame, 300 + speed * frame)
    return refined


@every_smoothing
def test_people_are_predicted_for_the_whole_of_max_missing_s_and_not_after(smoothing: str) -> None:
    for max_missing_s in (0.1, 0.5, 1.0):
        refiner = Refiner(RefineConfig(smoothing=smoothing, max_missing_s=max_missing_s))
        last = walked(refiner, 20)
        most = round(max_missing_s * FPS)
        for missed in range(1, most + 4):
            refined = refiner.update((19 + missed) / FPS, *NOBODY, FRAME)
            assert refined.predicted.tolist() == [True] * (missed <= most)
            assert refined.rows.tolist() == [-1] * (missed <= most)
        assert last.predicted.tolist() == [False]


def test_nobody_is_predicted_where_that_is_switched_off() -> None:
    refiner = Refiner(RefineConfig(max_missing_s=0))
    walked(refiner, 20)
    for at in (19 / FPS, 20 / FPS):
        assert len(refiner.update(at, *NOBODY, FRAME).track_ids) == 0
    back = seen(refiner, 40, 400.0)
    assert back.keypoints[0, :, :2] == pytest.approx(standing(400.0)[0, :, :2], abs=2)


@every_smoothing
def test_confidence_of_the_predicted_falls_by_half_in_half_a_second(smoothing: str) -> None:
    refiner = Refiner(RefineConfig(smoothing=smoothing))
    last = walked(refiner, 20)
    qualities = [last.quality[0]]
    for missed in range(1, 16):
        refined = refiner.update((19 + missed) / FPS, *NOBODY, FRAME)
        qualities.append(refined.quality[0])
        assert refined.keypoints[0, :, 2].mean() == pytest.approx(refined.quality[0])
    assert (np.diff(qualities) < 0).all()
    assert qualities[15] == pytest.approx(qualities[0] * 0.5 ** (0.5 / occlusion.HALVES_IN))


def test_who_walks_goes_on_and_the_box_goes_along() -> None:
    refiner = Refiner(RefineConfig())
    last = walked(refiner, 40, speed=4.0)
    for missed in range(1, 6):
        refined = refiner.update((39 + missed) / FPS, *NOBODY, FRAME)
    way = refined.keypoints[0, :, 0] - last.keypoints[0, :, 0]
    assert (way > 10).all()
    assert (way < 21).all()
    assert refined.boxes[0] - last.boxes[0] == pytest.approx([way[5], 0, way[5], 0], abs=1)


def test_limbs_cease_to_swing_before_the_body_stops() -> None:
    velocity = np.zeros((1, 17, 2))
    velocity[..., 0] = 200.0
    velocity[0, 9, 0] = 400.0
    place, later = occlusion.coasted(np.zeros((1, 17, 2)), velocity, np.array([0.3]), np.array([200.0]))
    assert later[0, 9, 0] - later[0, 5, 0] < 10
    assert later[0, 5, 0] > 100
    assert place[0, 9, 0] - place[0, 5, 0] < 20


def test_who_leaves_the_image_is_not_predicted() -> None:
    refiner = Refiner(RefineConfig())
    for frame in range(30):
        seen(refiner, frame, 1130 + 5.0 * frame)
    told = [len(refiner.update((29 + missed) / FPS, *NOBODY, FRAME).track_ids) for missed in range(1, 15)]
    assert told[0] == 1
    assert told[-1] == 0
    assert told == sorted(told, reverse=True)


@every_smoothing
@pytest.mark.parametrize("missed", [5, 15, 30])
@pytest.mark.parametrize("turns", [False, True])
def test_a_return_is_no_jump_and_is_soon_over(smoothing: str, missed: int, turns: bool) -> None:
    # Half a body height a second, or half of that by one who turns as soon as nobody sees it, and walks back.
    speed, height = (50 if turns else 100) / FPS, 200.0
    eased, plain = (Refiner(RefineConfig(smoothing=smoothing, max_missing_s=s)) for s in (1.0, 0.0))
    for one in (eased, plain):
        last = walked(one, 60, speed)
    x = 300 + speed * 59
    for frame in range(60, 60 + missed):
        last = eased.update(frame / FPS, *NOBODY, FRAME)
        plain.update(frame / FPS, *NOBODY, FRAME)
    speed = -speed if turns else speed
    x = x if turns else x + speed * missed
    steps = []
    for frame in range(60 + missed, 90 + missed):
        x += speed
        refined, bare = seen(eased, frame, x), seen(plain, frame, x)
        steps.append(np.hypot(*(refined.keypoints - last.keypoints)[0, :, :2].T).max() / height)
        last = refined
    assert steps[0] <= 0.05 + 1e-9
    assert not refined.predicted.any()
    assert refined.keypoints == pytest.approx(bare.keypoints, abs=1e-9)


def test_who_returns_far_away_is_at_once_where_they_are_found() -> None:
    refiner = Refiner(RefineConfig(smoothing="none"))
    walked(refiner, 30)
    assert refiner.update(40 / FPS, *NOBODY, FRAME).predicted.all()
    assert seen(refiner, 41, 900.0).keypoints == pytest.approx(standing(900.0))


def test_what_is_left_of_a_return_is_dropped_once_nobody_is_shown() -> None:
    refiner, plain = Refiner(RefineConfig(max_missing_s=0.5)), Refiner(RefineConfig(max_missing_s=0))
    for one in (refiner, plain):
        walked(one, 30)
        for frame in range(30, 40):
            one.update(frame / FPS, *NOBODY, FRAME)
        refined = seen(one, 40, 390.0)
        for frame in range(41, 70):
            one.update(frame / FPS, *NOBODY, FRAME)
    assert not np.allclose(refiner.memory.offset, 0)
    assert np.array_equal(seen(refiner, 70, 390.0).keypoints, seen(plain, 70, 390.0).keypoints)
    assert not refined.predicted.any()


def test_a_frame_or_two_without_somebody_is_not_eased() -> None:
    eased, plain = (Refiner(RefineConfig(max_missing_s=s)) for s in (1.0, 0.0))
    for one in (eased, plain):
        walked(one, 30)
        for frame in (30, 31):
            one.update(frame / FPS, *NOBODY, FRAME)
    assert np.array_equal(seen(eased, 32, 375.0).keypoints, seen(plain, 32, 375.0).keypoints)
