"""Laws of how simulated people move; bands of speed are those of real people."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from shared.skeleton import JOINTS
from tests.ingest.simulated.people import FINE, doing, finely, moving, scene, solo, speeds
from workers.ingest.simulated import ACTIONS, KINDS, POINT, Manner, make_scene

POPULATED = [kind for kind in KINDS if kind != "empty"]
WRISTS, ANKLES = [POINT["left_wrist"], POINT["right_wrist"]], [POINT["left_ankle"], POINT["right_ankle"]]
RIGID = [
    *((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12)),
    *((0, 1), (0, 2), (1, 3), (2, 4), (POINT["neck"], 0), (POINT["neck"], POINT["head_top"])),
]


@pytest.mark.parametrize("kind", POPULATED)
def test_the_same_seed_gives_the_same_motion_and_another_one_another(kind: str) -> None:
    at = np.arange(0, 20, 0.5)
    again = make_scene(kind, 0)
    assert np.array_equal(again.points(at), scene(kind).points(at))
    other = make_scene(kind, 1).points(at)
    assert other.shape != again.points(at).shape or not np.allclose(other, again.points(at))


@pytest.mark.parametrize("kind", ["fight", "mixed", "crossing"])
def test_a_scene_is_a_function_of_time(kind: str) -> None:
    at = np.sort(np.random.default_rng(0).uniform(0, 20, 60))
    whole, some = scene(kind).truth(at), scene(kind).truth(at[5::7])
    for name in ("keypoints", "boxes", "present", "visible_share", "heights_px", "fighting", "action"):
        assert np.allclose(getattr(whole, name)[5::7], getattr(some, name), atol=1e-9), name


@pytest.mark.parametrize("kind", POPULATED)
def test_limbs_keep_their_lengths(kind: str) -> None:
    points = finely(kind)[::10]
    for start, end in RIGID:
        lengths = np.linalg.norm(points[..., start, :] - points[..., end, :], axis=-1)
        assert np.ptp(lengths, axis=0).max() < 1e-9, (start, end)


def test_bodies_have_human_proportions() -> None:
    bodies = [scene("crowd", seed).body for seed in range(4)]
    heights = np.concatenate([body.height for body in bodies])
    assert heights.min() >= 1.5
    assert heights.max() <= 1.95
    assert np.ptp(heights) > 0.15
    for body in bodies:
        assert np.all((body.leg / body.height > 0.45) & (body.leg / body.height < 0.53))
        assert np.all((body.arm / body.height > 0.30) & (body.arm / body.height < 0.36))
        assert np.all(body.shoulder_width > body.hip_width)


def test_a_standing_body_is_as_tall_as_it_says() -> None:
    figure = solo()
    _, points = moving(figure)
    tall = points[200, 0, POINT["head_top"], 2]
    assert tall == pytest.approx(float(figure.body.height), rel=0.04)


@pytest.mark.parametrize("kind", POPULATED)
@pytest.mark.parametrize("seed", [0, 1])
def test_nobody_jumps_from_one_moment_to_the_next(kind: str, seed: int) -> None:
    points = finely(kind, seed)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1) / 0.01
    trunk = [POINT[name] for name in ("pelvis", "neck", "left_hip", "right_shoulder")]
    assert np.isfinite(points).all()
    assert step[..., : len(JOINTS)].max() < 25
    assert step[..., trunk].max() < 7.5


@pytest.mark.parametrize("kind", POPULATED)
def test_nobody_sinks_into_the_floor(kind: str) -> None:
    points = finely(kind)
    kept = [i for i, name in enumerate(JOINTS) if "elbow" not in name]
    assert points[..., kept, 2].min() > 0.02


@pytest.mark.parametrize("kind", ["walking", "standing", "crossing", "carrying"])
def test_walkers_and_standers_have_a_foot_on_the_floor_and_it_stays_where_it_is(kind: str) -> None:
    points, ankle = finely(kind), scene(kind).body.ankle
    upright = doing(scene(kind), FINE, "walk", "stand", "carry", "phone", "talk")
    high = points[..., ANKLES, 2] - ankle[:, None]
    lowest = high.min(-1)[upright]
    # Ankles are measured: a heel rises before the other foot has landed.
    assert np.median(lowest) < 0.03
    assert np.quantile(lowest, 0.99) < 0.10
    assert lowest.min() > -0.02
    slide = speeds(points[..., ANKLES, :2])[(high < 0.01) & upright[..., None]]
    assert np.quantile(slide, 0.9) < 0.25


@pytest.mark.parametrize("speed", [0.8, 1.2, 1.6])
def test_a_walk_has_the_cadence_and_the_step_of_its_speed(speed: float) -> None:
    figure = solo(12)
    figure.walk(0.0, [np.array([speed * 10, 0.0])], speed)
    _, points = moving(figure)
    middle = points[400:900, 0]
    assert speeds(middle[:, POINT["pelvis"], :2]).mean() == pytest.approx(speed, rel=0.08)
    apart = middle[:, 15, 0] - middle[:, 16, 0]
    steps = np.count_nonzero(np.diff(np.sign(apart)))
    assert 1.2 < steps / 5 < 2.4
    # A step's length goes up with speed; arms swing against the legs.
    assert 0.35 < apart.max() < 1.0
    assert np.corrcoef(apart, middle[:, 9, 0] - middle[:, 10, 0])[0, 1] < -0.7


def test_running_has_moments_without_a_foot_on_the_floor() -> None:
    figure = solo(8)
    figure.walk(0.0, [np.array([24.0, 0.0])], 4.0)
    _, points = moving(figure)
    high = points[300:600, 0, ANKLES, 2].min(-1) - float(figure.body.ankle)
    assert (high > 0.02).mean() > 0.1


def test_a_limp_is_seen_in_the_steps() -> None:
    lengths = []
    for limp in (0.0, 0.3):
        figure = solo(12, manner=Manner(limp=limp))
        figure.walk(0.0, [np.array([12.0, 0.0])], 1.2)
        _, points = moving(figure)
        apart = points[400:900, 0, 15, 0] - points[400:900, 0, 16, 0]
        lengths.append(apart.max() + apart.min())
    assert abs(lengths[1]) > abs(lengths[0]) + 0.03


@pytest.mark.parametrize(
    ("kind", "action", "joints", "low", "high"),
    [
        ("walking", "walk", [POINT["pelvis"]], 0.6, 2.4),
        ("running", "run", [POINT["pelvis"]], 2.4, 6.2),
        ("fight", "strike", WRISTS, 4.5, 13),
        ("fight", "kick", ANKLES, 4.0, 12),
        ("fight", "shove", WRISTS, 2.0, 9),
        ("hug", "hug", WRISTS, 0.3, 4.0),
        ("meeting", "handshake", WRISTS, 0.3, 7),
        ("dance", "dance", WRISTS, 0.8, 8),
        ("standing", "stand", [POINT["pelvis"]], 0.0, 1.6),
        ("sitting", "sit", WRISTS, 0.0, 3.0),
        ("fall", "fall", [POINT["nose"]], 2.0, 7.5),
        ("play", "play", WRISTS, 1.5, 8),
    ],
)
def test_peak_speeds_are_those_of_people(
    kind: str, action: str, joints: list[int], low: float, high: float
) -> None:
    peaks = []
    for seed in range(6):
        fast = speeds(finely(kind, seed)[..., joints, :]).max(-1)
        those = doing(scene(kind, seed), FINE, action)
        peaks += [fast[those[:, n], n].max() for n in range(fast.shape[1]) if those[:, n].any()]
    assert peaks
    assert low < np.median(peaks) < high


def test_fighters_stay_near_each_other_and_their_blows_arrive() -> None:
    apart, arrive = [], []
    for seed in range(6):
        points, (action, fights) = finely("fight", seed), scene("fight", seed).labels(FINE)
        fighting = fights[:, :2].all(1)
        gap = points[:, 0, POINT["pelvis"], :2] - points[:, 1, POINT["pelvis"], :2]
        apart.append(np.linalg.norm(gap[fighting], axis=-1))
        for who in (0, 1):
            strikes = (action[:, who] == ACTIONS.index("strike")) & fighting
            if strikes.any():
                fists = points[strikes, who][:, WRISTS]
                body = points[strikes, 1 - who][:, [0, 5, 6, POINT["head"], POINT["chest"], POINT["waist"]]]
                arrive.append(np.linalg.norm(fists[:, :, None] - body[:, None], axis=-1).min())
    gaps = np.concatenate(apart)
    assert gaps.min() > 0.4
    assert np.quantile(gaps, 0.99) < 2.2
    assert np.median(arrive) < 0.25


def test_hugs_are_close_and_slow() -> None:
    for seed in range(4):
        points, (action, fights) = finely("hug", seed), scene("hug", seed).labels(FINE)
        hugging = (action[:, :2] == ACTIONS.index("hug")).all(1)
        gap = np.linalg.norm(points[:, 0, POINT["chest"]] - points[:, 1, POINT["chest"]], axis=-1)
        assert np.quantile(gap[hugging], 0.3) < 0.55
        assert gap[hugging].min() > 0.15
        assert speeds(points[:, :2][:, :, WRISTS])[hugging].max() < 4
        assert not fights.any()


def test_who_falls_lies_and_who_gets_up_stands() -> None:
    lay, rose = 0, 0
    for seed in range(8):
        points, (action, _) = finely("fall", seed), scene("fall", seed).labels(FINE)
        tall = scene("fall", seed).body.height
        for who in range(points.shape[1]):
            lying = action[:, who] == ACTIONS.index("lie")
            if not lying.any():
                continue
            lay += 1
            later = np.flatnonzero(lying)[40:]
            assert points[later, who, POINT["head"], 2].max() < 0.35 * tall[who]
            up = np.flatnonzero(action[:, who] == ACTIONS.index("get_up"))
            if len(up) > 300 and up[-1] + 50 < len(FINE):
                rose += 1
                assert points[up[-1] + 50, who, POINT["head_top"], 2] > 0.85 * tall[who]
    assert lay >= 3
    assert rose >= 1


@pytest.mark.parametrize("kind", [kind for kind in POPULATED if kind not in ("fight", "mixed")])
def test_what_only_looks_like_a_fight_is_none(kind: str) -> None:
    assert not any(scene(kind, seed).fighting.any() for seed in range(2))


def test_a_fight_is_one() -> None:
    shares = [scene("fight", seed).labels(FINE)[1][:, :2].mean() for seed in range(6)]
    assert min(shares) > 0.1


@pytest.mark.parametrize("kind", ["walking", "crossing", "crowd"])
def test_people_do_not_walk_through_each_other(kind: str) -> None:
    points = finely(kind)[..., POINT["pelvis"], :2]
    gaps = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
    gaps = gaps[:, ~np.eye(points.shape[1], dtype=bool)]
    assert (gaps < 0.3).mean() < 0.003


def test_people_come_and_go() -> None:
    truth = scene("walking").truth(np.arange(0, 20, 0.1))
    assert (np.diff(truth.present.astype(int), axis=0) == 1).any()
    assert (np.diff(truth.present.astype(int), axis=0) == -1).any()


def test_one_gait_can_be_given_to_all() -> None:
    brisk = make_scene("walking", 0, manner=Manner(arm_swing=1.5))
    stiff = make_scene("walking", 0, manner=Manner(arm_swing=0.0))
    at = np.arange(0, 20, 0.1)
    swings = []
    for one in (brisk, stiff):
        points = one.points(at)
        swings.append(np.linalg.norm(points[..., 9, :] - points[..., 5, :], axis=-1).std())
    assert swings[0] > swings[1]


def test_numbers_and_kinds_are_as_asked_for() -> None:
    assert len(make_scene("empty", 0)) == 0
    assert len(make_scene("walking", 0, people=7)) == 7
    assert len(make_scene("fight", 0, people=5)) == 5
    assert len(make_scene("hug", 0, people=1)) == 1
    with pytest.raises(ValueError, match="none of"):
        make_scene("tea", 0)
    with pytest.raises(ValueError, match="cannot be in"):
        make_scene("empty", 0, people=1)
    with pytest.raises(ValueError, match="cannot be in"):
        make_scene("walking", 0, people=-1)
    with pytest.raises(ValueError, match="above 0"):
        make_scene("walking", 0, seconds=0)


@pytest.mark.parametrize("seconds", [0.5, 3.0, 60.0])
def test_scenes_may_be_short_or_long(seconds: float) -> None:
    for kind in ("fight", "mixed", "fall", "hug"):
        truth = make_scene(kind, 2, seconds).truth(np.linspace(0, seconds, 20))
        assert np.isfinite(truth.keypoints).all()


def test_how_long_a_scene_takes_is_told() -> None:
    start = time.perf_counter()
    made = make_scene("mixed", 4)
    composed = time.perf_counter() - start
    truth = made.truth(np.arange(600) / 30)
    whole = time.perf_counter() - start
    sys.stdout.write(f"20 s of 6 people: {composed:.2f} s, with the truth at 30 fps {whole:.2f} s\n")
    assert len(truth) == 600
