import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.config import ConfigError, build
from shared.skeleton import FLIP, JOINTS
from workers.pose.config import CameraOptions, PoseConfig, view_plan
from workers.pose.stage import USUAL_IMAGE
from workers.pose.views import OVERLAP, View, ViewPlan, parse_tiles, sharpest_size

plans = st.builds(
    ViewPlan,
    sizes=st.lists(st.sampled_from([96, 320, 640, 960]), min_size=1, max_size=3, unique=True).map(tuple),
    tiles=st.sampled_from(["none", "auto", "2x1", "1x2", "3x2", "4x3"]),
    flip_test=st.booleans(),
)
sides = st.integers(200, 1500)


def where_it_is(width: int, height: int) -> np.ndarray:
    """An image whose colours tell each pixel's place: blue from left to right, green from top to bottom."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)[None].round()
    image[..., 1] = np.linspace(0, 255, height)[:, None].round()
    return image


@given(plans, sides, sides, st.sampled_from([0.5, 1.0]), st.data())
def test_a_point_of_an_input_is_carried_back_to_what_it_shows(plan, width, height, decoded, data):
    image = where_it_is(round(width * decoded), round(height * decoded))
    view = data.draw(st.sampled_from(plan.views(width, height)))
    box = view.box
    shown = view.place(image)
    assert shown.shape == (*box.input_shape, 3)
    x = data.draw(st.integers(2, box.inner_width - 3))
    y = data.draw(st.integers(2, box.inner_height - 3))
    at = (box.input_width - 1 - box.left - x if view.flipped else box.left + x, box.top + y)
    point = np.zeros((1, 17, 3), np.float32)
    point[..., :2] = np.array(at) + 0.5
    back = view.keypoints_back(point)[0, 0, :2] / [width, height] * 255
    # Colours come in 255 steps, tiles begin at whole pixels.
    coarse = 1.5 + 255 * 1.5 / np.array([width * decoded, height * decoded])
    coarse += 255 / np.array([width, height]) / view.scale
    assert (np.abs(back - shown[at[1], at[0], :2]) <= coarse).all()


def test_what_is_left_in_a_mirror_image_is_right_again():
    plain, mirrored = ViewPlan((640,), flip_test=True).views(640, 480)
    keypoints = np.random.default_rng(0).uniform(0, 480, (3, 17, 3)).astype(np.float32)
    seen = keypoints[:, FLIP].copy()
    seen[..., 0] = 640 - seen[..., 0]
    assert mirrored.keypoints_back(seen) == pytest.approx(plain.keypoints_back(keypoints), abs=1e-3)
    hand = np.zeros((1, 17, 3), np.float32)
    hand[0, JOINTS.index("left_wrist")] = 100, 50, 0.9
    assert mirrored.keypoints_back(hand)[0, JOINTS.index("right_wrist")] == pytest.approx([540, 50, 0.9])
    boxes = np.array([[10, 20, 110, 220]], np.float32)
    assert mirrored.boxes_back(boxes)[0].tolist() == [530, 20, 630, 220]


@given(st.integers(1, 12), st.integers(1, 12), sides, sides)
def test_tiles_cover_the_image_and_share_a_part_of_it(columns, rows, width, height):
    assume(1 < columns * rows <= 12)
    tiles = ViewPlan((320,), f"{columns}x{rows}").views(width, height)[1:]
    assert len(tiles) == columns * rows
    covered = np.zeros((height, width), bool)
    for tile in tiles:
        assert 0 <= tile.left <= width - tile.box.width
        assert 0 <= tile.top <= height - tile.box.height
        covered[tile.top : tile.top + tile.box.height, tile.left : tile.left + tile.box.width] = True
    assert covered.all()
    if columns > 1:
        shared = tiles[0].left + tiles[0].box.width - tiles[1].left
        assert shared >= OVERLAP * tiles[0].box.width - 2


@pytest.mark.parametrize(
    ("size", "count"),
    [((1920, 1080), 1), ((1280, 960), 1), ((3840, 1080), 3), ((5760, 1080), 4), ((1080, 3840), 3)],
)
def test_auto_cuts_only_very_wide_or_tall_images(size, count):
    assert len(ViewPlan((640,), "auto").views(*size)) == count


@pytest.mark.parametrize("size", [(640, 360), (1138, 640), (1920, 1080), (2560, 1440)])
@given(plans)
def test_usual_cameras_have_the_input_shapes_of_the_warm_up(size, plan):
    shapes = {view.box.input_shape for view in plan.views(*USUAL_IMAGE)}
    assert {view.box.input_shape for view in plan.views(*size)} == shapes


def test_a_box_at_an_inner_edge_is_cut_and_one_at_the_images_edge_is_not():
    _, left, right = ViewPlan((640,), "2x1").views(1000, 500)
    edge = float(left.box.width)
    boxes = np.array(
        [[0, 0, 100, 500], [edge - 100, 50, edge - 1, 200], [edge - 100, 50, edge - 20, 200]], np.float32
    )
    assert left.cut(boxes).tolist() == [False, True, False]
    start = float(right.left)
    boxes = np.array([[start + 1, 0, start + 90, 500], [900, 0, 1000, 500]], np.float32)
    assert right.cut(boxes).tolist() == [True, False]
    assert not View.whole(1000, 500, 640).cut(np.array([[0, 0, 1000, 500]], np.float32)).any()


def test_a_view_is_best_for_people_of_middle_height_in_its_input():
    boxes = np.array([[0, 0, 50, height] for height in (10, 60, 250, 1000)], np.float32)
    small, large = (View.whole(1280, 1280, size).quality(boxes) for size in (640, 1280))
    assert (small > 0).all()
    assert large[1] > small[1]
    assert large[3] < small[3]


def test_an_image_is_decoded_at_the_size_that_its_sharpest_view_needs():
    assert sharpest_size(ViewPlan((640,)).views(1920, 1080)) == (640, 360)
    assert sharpest_size(ViewPlan((640, 1280)).views(1920, 1080)) == (1280, 720)
    width, _height = sharpest_size(ViewPlan((640,), "2x2").views(1920, 1080))
    assert width == pytest.approx(1.8 * 640, abs=2)


@pytest.mark.parametrize("text", ["", "2", "x2", "0x1", "2 x 1", "two", "1x1x1"])
def test_tiles_are_columns_and_rows(text):
    with pytest.raises(ValueError, match="columns x rows as 2x1"):
        parse_tiles(text)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"tiles": "5x5"}, "tiles: 5x5 are 25 tiles: at most 12"),
        ({"tiles": "many"}, "tiles: write none, auto, or columns x rows as 2x1"),
        ({"extra_sizes": [1000]}, r"extra_sizes.*multiple of 32"),
        ({"extra_sizes": [640, 640]}, "the same size twice"),
        ({"extra_sizes": [320, 640, 960, 1280]}, "extra_sizes.*3"),
        ({"flip_test": "sideways"}, "flip_test"),
    ],
)
@pytest.mark.parametrize("model", [PoseConfig, CameraOptions])
def test_views_that_cannot_be_are_refused_in_one_line(section, reason, model):
    with pytest.raises(ConfigError, match=reason) as error:
        build(section, model, "site.yaml")
    assert not re.search(r"\n", str(error.value))


def test_a_camera_overrules_the_section():
    section = PoseConfig(image_size=640, extra_sizes=(960,), tiles="2x1", flip_test=True)
    assert view_plan(section, CameraOptions(), 1280) == ViewPlan((640, 960), "2x1", True)
    own = CameraOptions(image_size=960, extra_sizes=(), tiles="none", flip_test=False)
    assert view_plan(section, own, 1280) == ViewPlan((960,), "none", False)
    assert view_plan(PoseConfig(), CameraOptions(), 1280) == ViewPlan((1280,))
    # A size that is already there is not looked at twice.
    assert view_plan(PoseConfig(extra_sizes=(640, 960)), CameraOptions(), 640).sizes == (640, 960)


def test_frames_are_published_wide_enough_for_every_view():
    assert ViewPlan((640,)).least_width == 640
    assert ViewPlan((640, 1280)).least_width == 1280
    assert ViewPlan((640,), "2x2").least_width == 1152


@pytest.mark.parametrize(
    ("plan", "work"),
    [
        (ViewPlan((640,)), 1),
        (ViewPlan((640,), flip_test=True), 2),
        (ViewPlan((1280,)), 3.83),
        (ViewPlan((640, 1280)), 4.83),
        (ViewPlan((640,), "2x2"), 5),
    ],
)
def test_the_work_of_a_plan_counts_all_its_looks(plan, work):
    assert plan.work == pytest.approx(work, abs=0.01)
