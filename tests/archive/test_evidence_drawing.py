"""What is drawn of an incident: whom, where, in which colours, and never the camera's picture."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.messages import Tracks
from tests.archive.scenes import mark, tracks
from workers.archive.evidence.drawing import OTHERS, PALETTE, Canvas, Caption, Colour, places

CAPTION = Caption(camera="lobby", when="2026-11-26 20:43:49.500 +01:00", score="peak score 0.97")
CANVAS = Canvas((640, 360), 640)
PICTURE = 360


def drawn(seen: Tracks, *people: int) -> NDArray[np.uint8]:
    """The picture without the text below."""
    return CANVAS.draw(seen, places([seen], people), CAPTION)[:PICTURE]


def near(image: NDArray[np.uint8], colour: Colour, within: int = 12) -> NDArray[np.bool_]:
    return np.asarray((np.abs(image.astype(int) - np.array(colour)) <= within).all(axis=-1))


def columns(mask: NDArray[np.bool_]) -> tuple[int, int]:
    found = np.flatnonzero(mask.any(axis=0))
    return int(found.min()), int(found.max())


def test_the_people_of_the_incident_have_colours_and_the_others_are_grey() -> None:
    image = drawn(tracks(1, {7: 50, 8: 250, 9: 450}), 7, 9)
    assert columns(near(image, PALETTE[0])) == pytest.approx((50, 90), abs=8)
    assert columns(near(image, PALETTE[1])) == pytest.approx((450, 490), abs=8)
    assert columns(near(image, OTHERS)) == pytest.approx((250, 290), abs=8)


def test_where_nobody_is_all_is_black() -> None:
    assert drawn(tracks(1, {})).max() == 0
    image = drawn(tracks(1, {7: 50}), 7)
    assert image[:, 120:].max() == 0


def test_a_skeleton_lies_on_its_joints() -> None:
    seen = tracks(1, {7: 300})
    image = drawn(seen, 7)
    for x, y, _ in seen.keypoints[0]:
        around = image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
        assert near(around, PALETTE[0]).any()


def test_who_is_predicted_is_fainter_and_dashed() -> None:
    seen, guessed = (drawn(tracks(1, {7: 50}, predicted=who), 7) for who in ((), (7,)))
    assert near(seen, PALETTE[0]).sum() > 300
    # But for the number beside the box.
    assert near(guessed[100:], PALETTE[0]).sum() == 0
    lit = [(image[100:].max(axis=-1) > 60).sum() for image in (seen, guessed)]
    assert 0.2 * lit[0] < lit[1] < 0.8 * lit[0]


@pytest.mark.parametrize(
    ("confidence", "bright", "faint"), [(0.9, True, True), (0.2, False, True), (0, False, False)]
)
def test_joints_that_are_guessed_are_fainter_and_unseen_ones_are_not_there(
    confidence: float, bright: bool, faint: bool
) -> None:
    seen = tracks(1, {7: 50}, confidence=confidence)
    inside = drawn(seen, 7)[104:216, 54:86]
    assert near(inside, PALETTE[0]).any() == bright
    assert (inside.max() > 60) == faint


def test_only_people_of_the_incident_have_a_box() -> None:
    seen = tracks(1, {7: 50, 8: 250})
    image = drawn(seen, 7)
    foot = int(seen.boxes[0, 3])
    assert image[foot, 55:85].min(axis=0).max() > 60
    assert image[foot, 255:270].max() == 0


def test_a_second_size_of_pictures_fills_the_same_canvas() -> None:
    half = tracks(1, {7: 50})
    half = half.model_copy(update={"width": 320, "height": 180})
    assert columns(near(drawn(half, 7), PALETTE[0])) == pytest.approx((100, 180), abs=12)


def test_a_moment_without_a_picture_says_so() -> None:
    image = CANVAS.draw(mark(1), {}, CAPTION)[:PICTURE]
    assert columns(image.max(axis=-1) > 60) == pytest.approx((270, 370), abs=40)


def test_wild_coordinates_do_no_harm() -> None:
    seen = tracks(1, {7: 50})
    wild = np.array(seen.keypoints)
    wild[0, ::2, :2] = 3e38
    wild[0, 1::2, :2] = -3e38
    image = drawn(
        seen.model_copy(update={"keypoints": wild, "boxes": wild[:, :1, :].repeat(4, 2)[:, 0, :4]}), 7
    )
    assert image.shape == (360, 640, 3)


def test_the_text_stands_below_and_fits_any_width() -> None:
    for picture in ((640, 360), (360, 640), (2560, 400), (64, 64)):
        canvas = Canvas(picture, 640)
        assert (canvas.width % 2, canvas.height % 2) == (0, 0)
        image = canvas.draw(tracks(1, {}), {}, CAPTION)
        lit = image.max(axis=-1) > 100
        assert lit.any()
        assert columns(lit)[1] < canvas.width


def test_the_bar_shows_where_in_the_clip_the_incident_is() -> None:
    caption = Caption(camera="lobby", when="", score="", span=(0.25, 0.5, 0.75))
    strip = CANVAS.draw(tracks(1, {}), {}, caption)[PICTURE:]
    assert columns(near(strip[:1], PALETTE[-1])) == (160, 319)


def test_the_same_is_drawn_the_same() -> None:
    seen = tracks(1, {7: 50, 8: 250})
    assert (drawn(seen, 7) == drawn(seen, 7)).all()


def test_people_keep_the_colour_in_which_they_came_into_sight() -> None:
    frames = [tracks(1, {9: 0}), tracks(2, {8: 0, 9: 100}), mark(3), tracks(4, {5: 0, 7: 100})]
    assert places(frames, (5, 7, 8, 11)) == {8: 0, 5: 1, 7: 2}


# Machado, Oliveira and Fernandes (2009), full severity: what linear RGB becomes to these eyes.
EYES = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


@pytest.mark.parametrize("eyes", EYES)
def test_colour_blind_people_tell_the_colours_apart(eyes: str) -> None:
    linear = (np.array([*PALETTE, OTHERS]) / 255) ** 2.2
    seen = np.clip(linear @ np.array(EYES[eyes]).T, 0, 1) ** (1 / 2.2) * 255
    for one, other in combinations(range(len(seen)), 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 35, (one, other)
    # On black all are to be seen.
    assert (seen.max(axis=1) > 80).all()
