from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from workers.ingest.simulated.acts import Cast, act
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.picture.backdrop import box, floor, rays, seen_by, wall
from workers.ingest.simulated.picture.lights import Lamp, Lights
from workers.ingest.simulated.picture.looks import SHAPES, outfits_of
from workers.ingest.simulated.picture.painter import Crowd, Painter
from workers.ingest.simulated.picture.sensor import Developer, Sensor
from workers.ingest.simulated.picture.solids import Solids, nearest, rasterized
from workers.ingest.simulated.picture.textures import plain
from workers.ingest.simulated.places import hung, place
from workers.ingest.simulated.site_camera import SiteCamera

SIZE = (64, 48)
QUIET = Sensor(noise=0.0)
GREY = plain((0.3, 0.3, 0.3))
DAYLIGHT = Lights((0.3, 0.3, 0.3), (0.1, 0.1, 0.1), (Lamp.sun((0.0, 0.6, 0.8), (0.7, 0.7, 0.7)),))


def ball(x: float, y: float, radius: float, depth: float) -> Solids:
    ends = np.tile(np.array([x, y], np.float32), (1, 2, 1))
    of = np.full((1, 2), 1, np.float32)
    return Solids(ends, radius * of, depth * of, 0.2 * of)


def both(one: Solids, other: Solids) -> Solids:
    return Solids(*(np.concatenate([getattr(s, name) for s in (one, other)]) for name in vars(one)))


def test_a_ball_covers_its_circle_and_bulges_towards_the_camera() -> None:
    found = rasterized(ball(30, 20, 8, 5), SIZE)
    assert found.cover.sum() == pytest.approx(np.pi * 64, rel=0.02)
    middle = int(np.argmin(found.depth))
    assert divmod(int(found.pixel[middle]), SIZE[0]) in {(19, 29), (19, 30), (20, 29), (20, 30)}
    assert found.depth[middle] == pytest.approx(4.8, abs=0.01)
    np.testing.assert_allclose(found.normal[middle], [0, 0, -1], atol=0.15)
    right = found.normal[found.pixel % SIZE[0] > 34]
    assert (right[:, 0] > 0).all()


def test_what_is_nearer_hides_what_is_behind() -> None:
    found = rasterized(both(ball(30, 20, 8, 5), ball(34, 20, 8, 4)), SIZE)
    winner = nearest(found, np.arange(len(found.pixel)), SIZE[0] * SIZE[1])
    assert found.solid[winner[20 * SIZE[0] + 32]] == 1
    assert found.solid[winner[20 * SIZE[0] + 23]] == 0
    assert winner[0] == -1


def test_what_is_outside_or_behind_the_camera_is_left_out() -> None:
    assert len(rasterized(ball(-50, 20, 8, 5), SIZE).pixel) == 0
    assert len(rasterized(ball(30, 20, 8, 0.1), SIZE).pixel) == 0


def test_rays_lead_back_to_their_pixels() -> None:
    camera = hung(30.0, 5.0, 3.0, 70.0, -0.05)
    way = rays(camera)
    rows, columns = np.array([3, 180, 350]), np.array([5, 320, 630])
    points = np.array(camera.position) + 4 * way[rows, columns].astype(float)
    pixels, depth = camera.project(points)
    np.testing.assert_allclose(pixels, np.stack([columns, rows], axis=1) + 0.5, atol=0.05)
    np.testing.assert_allclose(depth, 4, atol=1e-3)


def test_a_place_is_traced_with_depth_light_and_shadow() -> None:
    camera = hung(0.0, 5.0, 3.0, 70.0, 0.0)
    quads = [floor(20, GREY), wall((8, 9), (8, -9), 3, GREY), *box((1, 0), (1, 1, 1), 0, GREY)]
    seen = seen_by(camera, quads, DAYLIGHT)

    def at(*point: float) -> tuple[int, int]:
        pixel, _ = camera.project(np.array([point]))
        return int(pixel[0, 1]), int(pixel[0, 0])

    row, column = at(0.5, 0, 0.5)
    assert seen.depth[row, column] == pytest.approx(
        float(camera.project(np.array([[0.5, 0, 0.5]]))[1][0]), abs=0.05
    )
    # The sun stands to the left, so the box's shadow lies to its right.
    lit, shaded = seen.light[at(0.6, 1.6, 0)], seen.light[at(0.6, -0.9, 0)]
    assert shaded.mean() < 0.6 * lit.mean()
    assert seen.shares[0][at(0.6, 1.6, 0)] > 0.4
    assert seen.shares[0][at(8, 0, 1.5)] == 0, "walls take no people's shadows"


def test_pictures_come_from_light_by_a_curve_and_the_same_number_has_the_same_noise() -> None:
    light = np.full((40, 60, 3), 0.2, np.float32)
    noisy = Developer(Sensor(noise=4.0), light, 1)
    one, again, next_one = noisy.picture(7), noisy.picture(7), noisy.picture(8)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, next_one)
    assert 2 < one.std() < 8
    clean = Developer(QUIET, light, 1)
    changed = np.array([60 * 20 + 30, 60 * 21 + 30])
    picture = clean.picture(0, changed, np.array([[0.4, 0.4, 0.4], [0.2, 0, 0]], np.float32))
    grey, brighter, red = picture[5, 5], picture[20, 30], picture[21, 30]
    assert len(set(grey.tolist())) == 1
    assert brighter[0] > grey[0]
    assert red.argmax() == 2, "pictures are BGR"
    np.testing.assert_array_equal(clean.picture(0)[20, 30], clean.picture(0)[20, 31])
    dim = Developer(Sensor(noise=0.0, grey=True), light * np.array([1, 0, 0], np.float32), 1).picture(0)
    assert len(set(dim[20, 30].tolist())) == 1


@lru_cache
def shown(moment: float) -> tuple[np.ndarray, np.ndarray, object]:
    """A picture of an act, the same without anybody, and the truth."""
    here = place("plaza")
    scene = act(here, 0, Cast(people=2, fights=1), 21, 0)
    painter = Painter(here.cameras[0], list(here.quads), here.lights["day"], QUIET, 0)
    crowd = Crowd(scene.body, outfits_of(21, len(scene)), scene.posed)
    return painter.picture(crowd, moment, 0), painter.picture(None, moment, 0), scene.truth([moment])


def test_people_are_where_the_truth_says() -> None:
    picture, empty, truth = shown(16.0)
    changed = np.abs(picture.astype(int) - empty).max(axis=-1) > 40
    whole = np.zeros_like(changed)
    for person in np.flatnonzero(truth.present[0]):
        left, top, right, bottom = truth.boxes[0, person].round().astype(int)
        inside = changed[top:bottom, left:right]
        assert inside.mean() > 0.25, "somebody fills a good part of their box"
        whole[max(top - 5, 0) : bottom + 5, max(left - 5, 0) : right + 5] = True
        for x, y, seen in truth.keypoints[0, person]:
            if seen and 1 < x < 638 and 1 < y < 358:
                assert changed[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].any()
    lighter = (picture.astype(int) - empty).max(axis=-1) > 40
    assert (lighter & ~whole).sum() < 60, "outside of all boxes there are shadows only"


def test_left_and_right_have_colours_of_their_own() -> None:
    picture, _, truth = shown(16.0)
    bluer: dict[int, list[float]] = {0: [], 1: []}
    for person in np.flatnonzero(truth.present[0]):
        for side, first, last in ((0, 7, 9), (1, 8, 10), (0, 13, 15), (1, 14, 16)):
            a, b = truth.keypoints[0, person, [first, last]]
            if a[2] and b[2]:
                x, y = ((a + b) / 2)[:2].astype(int)
                blue, _, red = picture[y, x].astype(float)
                bluer[side].append(blue - red)
    assert min(len(side) for side in bluer.values()) >= 2
    assert np.median(bluer[0]) > 30
    assert np.median(bluer[1]) < -30


def test_shadows_lie_on_the_floor_beside_people() -> None:
    picture, empty, truth = shown(16.0)
    darker = (empty.astype(int) - picture).min(axis=-1) > 20
    for person in np.flatnonzero(truth.present[0]):
        left, top, right, bottom = truth.boxes[0, person].round().astype(int)
        darker[top:bottom, left:right] = False
    assert darker.sum() > 200


def test_who_is_behind_something_is_hidden_by_it() -> None:
    camera = hung(0.0, 5.0, 3.0, 70.0, 0.0)
    scene = act(place("plaza"), 0, Cast(people=1), 3, 0)
    outfits = outfits_of(1, len(scene))

    def standing(_: object) -> tuple[np.ndarray, np.ndarray]:
        at = scene.posed(np.array([20.0, 20.0, 20.0]))
        middle = at[0].mean(axis=2, keepdims=True) * np.array([1, 1, 0])
        return at[0] - middle, at[1]

    free = [floor(20, GREY)]
    blocked = [*free, *box((-1.0, 0), (0.3, 3, 2.4), 0, GREY)]
    pictures = []
    for quads in (free, blocked):
        painter = Painter(camera, quads, DAYLIGHT, QUIET, 0)
        crowd = Crowd(scene.body, outfits, standing)
        empty = painter.picture(None, 0, 0).astype(int)
        pictures.append(np.abs(painter.picture(crowd, 0, 0) - empty).max(axis=-1) > 40)
    assert pictures[0].sum() > 1000
    assert pictures[1].sum() < 0.1 * pictures[0].sum()


def test_fast_limbs_are_blurred_by_long_exposures() -> None:
    here = place("plaza")
    scene = act(here, 0, Cast(people=0, fights=1), 22, 0)
    crowd = Crowd(scene.body, outfits_of(1, len(scene)), scene.posed)
    quads = list(here.quads)
    sharp, blurred = (
        Painter(here.cameras[0], quads, here.lights["day"], Sensor(exposure_s=s, noise=0.0), 0)
        for s in (0.0001, 0.04)
    )
    times = np.arange(14.0, 18.0, 0.2)
    differences = [
        np.abs(sharp.picture(crowd, t, 0).astype(int) - blurred.picture(crowd, t, 0)).max() for t in times
    ]
    assert max(differences) > 40


@pytest.mark.parametrize("name", ["yard", "passage"])
def test_every_camera_gives_pictures_by_day_and_darker_ones_by_night(name: str) -> None:
    means = []
    for light in ("day", "night"):
        camera = SiteCamera(Address(place=name, people=2, seed=9, light=light, seconds=20))
        picture = camera.picture(100)
        assert picture.shape == (360, 640, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 10
        means.append(picture.mean())
    assert means[1] < means[0]


def test_pictures_are_the_same_in_each_run() -> None:
    address = Address(place="passage", people=2, seed=8, seconds=20)
    one, again = (SiteCamera(address).picture(130) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_every_joint_is_part_of_a_shape() -> None:
    touched = {shape.start for shape in SHAPES} | {shape.end for shape in SHAPES}
    assert set(range(17)) <= touched


def test_a_camera_that_is_hung_looks_at_the_middle() -> None:
    camera: Camera = hung(40.0, 5.0, 3.0, 70.0)
    pixels, _ = camera.project(np.array([[0.0, 0.0, 0.95]]))
    np.testing.assert_allclose(pixels[0], [320, 180], atol=1)
