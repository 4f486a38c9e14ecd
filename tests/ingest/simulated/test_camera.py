"""The camera agrees with OpenCV; what is in front hides what is behind."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from shared.skeleton import JOINTS
from tests.ingest.simulated.people import level_camera, moving, scene, solo
from workers.ingest.simulated import POINT, Body, Camera, Prop, Scene, make_scene
from workers.ingest.simulated.visibility import View, view


def opencv(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Projected by OpenCV, from a pose that is worked out another way: by angles about the axes."""
    to_image = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
    pan, _ = cv2.Rodrigues(np.array([0.0, 0.0, -camera.pan]))
    tilt, _ = cv2.Rodrigues(np.array([0.0, -camera.tilt, 0.0]))
    roll, _ = cv2.Rodrigues(np.array([0.0, 0.0, -camera.roll]))
    turn = roll @ to_image @ tilt @ pan
    width, height = camera.frame_size
    matrix = np.array([[camera.focal_px, 0, width / 2], [0, camera.focal_px, height / 2], [0, 0, 1.0]])
    shift = -turn @ np.array(camera.position)
    pixels, _ = cv2.projectPoints(
        points, cv2.Rodrigues(turn)[0], shift, matrix, np.array([*camera.distortion, 0.0, 0.0])
    )
    return pixels[:, 0]


@pytest.mark.parametrize("seed", range(8))
def test_projection_agrees_with_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = replace(Camera.mounted(rng), distortion=(float(rng.uniform(-0.12, 0.05)), 0.01))
    points = np.concatenate([rng.uniform(-2, 2, (200, 2)), rng.uniform(0, 2, (200, 1))], axis=1)
    pixels, depth = camera.project(points)
    ahead = depth > 0.5
    near = ahead & (np.abs(pixels - np.array(camera.frame_size) / 2).max(-1) < camera.frame_size[0])
    assert near.sum() > 50
    assert np.allclose(pixels[near], opencv(camera, points)[near], atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_mounted_cameras_look_down_from_a_wall_at_people_of_the_height_asked_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = float(rng.uniform(60, 500))
    camera = Camera.mounted(rng, (1280, 720), asked)
    assert 2.5 <= camera.position[2] <= 5
    assert 0 < camera.tilt < math.radians(40)
    assert camera.height_px(0.0, 0.0) == pytest.approx(asked, rel=1e-3)
    assert camera.sees(np.array([0.0, 0.0, 0.9]))
    assert camera.field_of_view < math.radians(115)


def test_a_barrel_does_not_fold_back_what_is_far_outside() -> None:
    camera = replace(level_camera(), distortion=(-0.2, 0.0), focal_px=400.0)
    across = np.stack([np.zeros(80), np.linspace(0, 40, 80), np.ones(80)], axis=1)
    pixels, _ = camera.project(across)
    assert (np.diff(pixels[:, 0]) > 0).all()


def seen(*figures, camera: Camera | None = None, props: tuple[Prop, ...] = (), knot: int = 300) -> View:
    people, points = moving(*figures)
    body = Body.stacked([figure.body for figure in figures])
    loads = np.stack([controls.load for controls in people], axis=1)
    return view(camera or level_camera(), body, points[knot : knot + 1], loads[knot : knot + 1], props)


def facing_camera(x: float = 0.0, y: float = 0.0, index: int = 0, yaw: float = 0.0):
    figure = solo()
    figure.index = index
    figure.root[:] = (x, y)
    figure.yaw[:] = yaw
    return figure


def test_the_left_of_somebody_who_faces_the_camera_is_on_the_right_of_the_image() -> None:
    looked_at = seen(facing_camera())
    for part in ("shoulder", "hip", "ankle", "eye", "ear", "wrist"):
        left, right = POINT[f"left_{part}"], POINT[f"right_{part}"]
        assert looked_at.pixels[0, 0, left, 0] > looked_at.pixels[0, 0, right, 0], part
    assert looked_at.visible[0, 0].all()
    assert looked_at.share[0, 0] == pytest.approx(1.0)


def test_faces_are_not_seen_from_behind_nor_far_limbs_from_the_side() -> None:
    behind = seen(facing_camera(yaw=math.pi)).visible[0, 0]
    assert not behind[:3].any()
    assert behind[[5, 6, 11, 12, 13, 14]].all()
    left_side = seen(facing_camera(yaw=-math.pi / 2)).visible[0, 0]
    named = dict(zip(JOINTS, left_side, strict=True))
    assert named["left_shoulder"]
    assert named["left_ear"]
    assert named["nose"]
    assert not named["right_ear"]
    assert not named["right_shoulder"]


def test_who_stands_in_front_hides_who_is_behind_and_not_the_other_way_round() -> None:
    looked_at = seen(facing_camera(1.0), facing_camera(0.0, index=1))
    assert looked_at.share[0, 0] == pytest.approx(1.0)
    assert looked_at.share[0, 1] < 0.3
    assert looked_at.visible[0, 1].sum() < 8
    apart = seen(facing_camera(1.0, 1.2), facing_camera(0.0, -1.2, index=1))
    assert apart.share[0].min() == pytest.approx(1.0)


def test_a_pillar_hides_all_and_a_counter_the_legs() -> None:
    pillar = Prop("pillar", (2.0, 0.0), (0.9, 0.9, 3.0))
    assert seen(facing_camera(), props=(pillar,)).share[0, 0] == 0
    assert seen(facing_camera(3.5), props=(pillar,)).share[0, 0] == pytest.approx(1.0)
    counter = Prop("counter", (2.0, 0.0), (0.5, 2.0, 0.8), yaw=0.1)
    named = dict(zip(JOINTS, seen(facing_camera(), props=(counter,)).visible[0, 0], strict=True))
    assert named["nose"]
    assert named["left_shoulder"]
    assert not named["left_ankle"]
    assert not named["right_knee"]


def test_a_raised_hand_behind_the_back_is_hidden_by_the_trunk() -> None:
    figure = facing_camera()

    def behind(c, t) -> None:
        c.hand[:, 0] = (-0.45, -0.35, -0.45)
        c.elbow[:, 0] = (-0.3, 0.9, 0.0)

    figure.clip(-1, 8, behind)
    looked_at = seen(figure).visible[0, 0]
    assert not looked_at[JOINTS.index("left_wrist")]
    assert looked_at[JOINTS.index("right_wrist")]


def test_boxes_hold_all_joints_and_end_at_the_image() -> None:
    for kind in ("walking", "fight", "fall"):
        truth = scene(kind).truth(np.arange(0, 20, 0.2))
        width, height = truth.frame_size
        assert truth.boxes.min() >= 0
        assert (truth.boxes <= np.array([width, height, width, height])).all()
        shown = truth.keypoints[..., 2] > 0
        x, y = truth.keypoints[..., 0], truth.keypoints[..., 1]
        low, high = truth.boxes[..., None, :2], truth.boxes[..., None, 2:]
        places = np.stack([x, y], axis=-1)
        assert (((places >= low - 1) & (places <= high + 1)).all(-1) | ~shown).all()
        assert (truth.visible_share[~truth.present] == 0).all()
        assert (truth.keypoints[~truth.present] == 0).all()


def test_crossing_people_are_hidden_by_each_other_again_and_again() -> None:
    truth = scene("crossing").truth(np.arange(0, 20, 0.1))
    hidden = truth.present & (truth.visible_share < 0.6)
    assert np.count_nonzero(np.diff(hidden.astype(int), axis=0) == 1) >= 4


def test_people_who_are_nearer_are_larger() -> None:
    truth = make_scene("crowd", 0, camera=level_camera(9.0, 1.6)).truth(np.arange(0, 20, 0.5))
    there = truth.present & (truth.depth > 0)
    assert np.corrcoef(truth.heights_px[there], 1 / truth.depth[there])[0, 1] > 0.95


def test_a_scene_without_people_or_moments_is_fine() -> None:
    truth = make_scene("empty", 0).truth(np.arange(5) / 10)
    assert truth.keypoints.shape == (5, 0, 17, 3)
    assert truth.boxes.shape == (5, 0, 4)
    none = scene("walking").truth(np.zeros(0))
    assert none.keypoints.shape[0] == 0
    assert none.present.shape == (0, len(scene("walking")))


def test_a_scene_can_be_looked_at_with_another_camera() -> None:
    camera = level_camera(9.0, 1.6)
    one: Scene = make_scene("standing", 1, camera=camera)
    truth = one.truth(np.arange(0, 20, 1.0))
    assert one.camera is camera
    assert truth.present.any()
