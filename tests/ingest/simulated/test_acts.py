from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workers.ingest.simulated.acts import ACT_S, Cast, act
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.places import PLACES, place
from workers.ingest.simulated.site_camera import SiteCamera

BUSY = Cast(people=4, fights=2, hugs=1, dances=1)
TIMES = np.arange(0, ACT_S, 0.2)


@pytest.mark.parametrize("name", PLACES)
def test_acts_join_because_nobody_is_there_when_one_begins_or_ends(name: str) -> None:
    for number in range(2):
        scene = act(place(name), 0, BUSY, 11, number)
        for camera in place(name).cameras:
            truth = replace(scene, camera=camera).truth(np.array([0.0, ACT_S - 0.1]))
            assert not truth.present.any(), (name, number)


@pytest.mark.parametrize("name", PLACES)
def test_the_first_fight_comes_soon_and_all_are_in_the_image(name: str) -> None:
    truth = act(place(name), 0, BUSY, 12, 0).truth(TIMES)
    fighters = truth.fighting.any(axis=0)
    assert fighters.sum() == 2 * BUSY.fights
    seen = truth.fighting & truth.present
    assert TIMES[np.flatnonzero(seen.any(axis=1))[0]] < 20
    assert seen.sum() > 0.95 * truth.fighting.sum()
    heights = truth.heights_px[seen]
    assert np.median(heights) > 100, "large enough for a small net"


def test_two_views_show_the_same_people_at_the_same_places() -> None:
    one, other = (act(place("yard"), view, BUSY, 13, 4) for view in (0, 1))
    np.testing.assert_array_equal(one.points(TIMES[100:110]), other.points(TIMES[100:110]))
    assert one.camera != other.camera
    assert (one.truth(TIMES).present & other.truth(TIMES).present).any()


def test_an_act_without_anybody_is_empty() -> None:
    assert len(act(place("yard"), 0, Cast(people=0), 1, 0)) == 0


def test_a_site_goes_on_act_after_act_and_tells_people_of_each_apart() -> None:
    camera = SiteCamera(Address(place="plaza", people=2, fights=1, seed=3, seconds=150))
    spans = camera.fights(150)
    assert [int(first // ACT_S) for first, _ in spans] == [0, 1, 2]
    for first, last in spans:
        assert 4 < last - first < 20
    frame = round((spans[1][0] + 2) * camera.address.fps)
    truth = camera.truth(frame)
    assert truth.at[0] == pytest.approx(frame / camera.address.fps)
    assert set(truth.ids // 1000) == {1}
    assert truth.fighting.any()


def test_the_same_address_shows_the_same_and_another_seed_does_not() -> None:
    address = Address(place="lobby", people=3, seed=5, seconds=30)
    frame = 200
    one, again = (SiteCamera(address).truth(frame) for _ in range(2))
    np.testing.assert_array_equal(one.keypoints, again.keypoints)
    other = SiteCamera(address.model_copy(update={"seed": 6})).truth(frame)
    assert not np.array_equal(one.keypoints, other.keypoints)
