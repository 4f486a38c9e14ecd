"""Our tracker on simulated people, and on people made by hand where one rule is looked at."""

import cv2
import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pose.footage import GENERATION, crowd, detections
from workers.ingest.simulated import DetectorNoise, make_scene, observe
from workers.pose.config import TrackerConfig
from workers.pose.detector import Detections
from workers.pose.evaluation.tracking import Tracklets, score_tracking
from workers.pose.tracking import Tracker, open_tracker
from workers.pose.tracking.skeleton import SkeletonTracker

SIZE = (1280, 720)
CONFIG = TrackerConfig(tracker="skeleton")
NOBODY = detections([], [])
# A person's joints in the unit square, from the nose to the ankles.
BODY = np.array(
    [
        *([0.5, 0.08], [0.55, 0.06], [0.45, 0.06], [0.6, 0.08], [0.4, 0.08], [0.75, 0.2], [0.25, 0.2]),
        *([0.85, 0.36], [0.15, 0.36], [0.85, 0.5], [0.15, 0.5], [0.65, 0.52], [0.35, 0.52], [0.65, 0.75]),
        *([0.35, 0.75], [0.65, 0.97], [0.35, 0.97]),
    ]
)


def people(boxes, scores, features=None, confidence=0.9) -> Detections:
    """Upright people who fill their boxes."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    points = boxes[:, None, :2] + BODY * (boxes[:, 2:] - boxes[:, :2])[:, None]
    keypoints = np.concatenate([points, np.full((len(boxes), 17, 1), confidence)], axis=-1)
    return Detections(boxes, np.asarray(scores, np.float32), keypoints.astype(np.float32), features)


def standing(x: float, y: float = 200, height: float = 200) -> list[float]:
    return [x, y, x + 0.4 * height, y + height]


def simulated(kind: str, seed: int, rate: float = 10, seconds: float = 8) -> tuple[list[Detections], object]:
    truth = make_scene(kind, seed, seconds).truth(np.arange(round(seconds * rate)) / rate)
    seen = observe(truth, DetectorNoise(), seed)
    return [Detections(one.boxes, one.scores, one.keypoints) for one in seen], truth


def ids_after(tracker: Tracker, frames: list[Detections], rate: float = 10, first: int = 0) -> list[int]:
    """Identities told of in the last frame, in the order of its detections."""
    for number, found in enumerate(frames, first):
        told = tracker.update(number, number / rate, found, SIZE)
    return told.track_ids[np.argsort(told.detection)].tolist()


def restored(tracker: Tracker, config: TrackerConfig = CONFIG) -> Tracker:
    other = open_tracker(config, GENERATION)
    other.load(msgpack.unpackb(msgpack.packb(tracker.dump())))
    return other


@pytest.mark.parametrize("kind", ["crossing", "crowd", "fight", "dance"])
@given(seed=st.integers(0, 1000), cut=st.integers(0, 39))
@settings(max_examples=3, deadline=None)
def test_a_restored_tracker_goes_on_as_if_nothing_had_happened(kind, seed, cut):
    found, _ = simulated(kind, seed, seconds=4)
    first = open_tracker(CONFIG, GENERATION)
    for number in range(cut):
        first.update(number, number / 10, found[number], SIZE)
    second = restored(first)
    for number in range(cut, len(found)):
        expected = first.update(number, number / 10, found[number], SIZE)
        got = second.update(number, number / 10, found[number], SIZE)
        assert got.track_ids.tolist() == expected.track_ids.tolist()
        assert got.detection.tolist() == expected.detection.tolist()
        assert second.dump() == first.dump()


def test_looks_are_restored_too():
    found = crowd(3, people=6, steps=30, dimension=16)
    first = open_tracker(CONFIG, GENERATION)
    for number in range(15):
        first.update(number, number / 10, found[number], SIZE)
    second = restored(first)
    for number in range(15, 30):
        expected = first.update(number, number / 10, found[number], SIZE).track_ids.tolist()
        assert second.update(number, number / 10, found[number], SIZE).track_ids.tolist() == expected
    assert second.dump() == first.dump()


def test_the_state_of_twenty_people_is_small():
    tracker = open_tracker(CONFIG, GENERATION)
    row = people([standing(60 * place, 100 + 10 * place) for place in range(20)], [0.9] * 20)
    assert len(ids_after(tracker, [row] * 3)) == 20
    assert len(msgpack.packb(tracker.dump())) < 8_000


# Half of ByteTrack's switches is the aim; the benchmark measures it over more scenes.
def test_fewer_identities_switch_than_with_bytetrack():
    switches = {"bytetrack": 0, "skeleton": 0}
    for seed in range(3):
        for kind in ("crowd", "mixed"):
            found, truth = simulated(kind, 7000 + seed, rate=15)
            rows, columns = np.nonzero(truth.present & (truth.visible_share >= 0.1))
            true = Tracklets(rows, columns, truth.boxes[rows, columns])
            for name in switches:
                tracker = open_tracker(TrackerConfig(tracker=name), GENERATION)
                parts = []
                for number, one in enumerate(found):
                    told = tracker.update(number, number / 15, one, truth.frame_size)
                    parts.append(
                        (np.full(len(told.track_ids), number), told.track_ids, one.boxes[told.detection])
                    )
                frames, ids, boxes = (np.concatenate(column) for column in zip(*parts, strict=True))
                switches[name] += score_tracking(true, Tracklets(frames, ids, boxes.astype(float))).switches
    assert switches["bytetrack"] > 10
    assert switches["skeleton"] < 0.7 * switches["bytetrack"]


@pytest.mark.parametrize("rate", [6.0, 15.0, 30.0])
def test_two_who_pass_each_other_keep_their_identities_though_one_is_covered(rate):
    tracker = open_tracker(CONFIG, GENERATION)
    told: dict[str, set[int]] = {"near": set(), "far": set()}
    for number in range(round(6 * rate)):
        at = number / rate
        near, far = standing(200 + 120 * at, 230, 220), standing(900 - 110 * at, 200, 200)
        covered = abs(near[0] - far[0]) < 45
        here = people([near] if covered else [near, far], [0.9] if covered else [0.9, 0.85])
        found = tracker.update(number, at, here, SIZE)
        for identity, row in zip(found.track_ids.tolist(), found.detection.tolist(), strict=True):
            told["near" if row == 0 else "far"].add(identity)
    assert [len(ids) for ids in told.values()] == [1, 1]
    assert told["near"] != told["far"]


def test_a_weak_detection_continues_a_track_but_starts_none():
    tracker = open_tracker(CONFIG, GENERATION)
    weak = people([standing(300)], [0.3])
    assert ids_after(tracker, [weak] * 20) == []
    strong = ids_after(tracker, [people([standing(300)], [0.9])] * 3, first=20)
    assert len(strong) == 1
    assert ids_after(tracker, [weak] * 20, first=23) == strong


@pytest.mark.parametrize(("height", "score"), [(320, 0.59), (200, 0.53), (90, 0.41), (45, 0.29)])
def test_the_smaller_people_are_the_weaker_a_detection_starts_a_track(height, score):
    # 0.6 in full, and 0.9, 0.7, 0.5 times it under 300, 100 and 50 pixels.
    for offered, expected in ((score, 0), (score + 0.02, 1)):
        frames = [people([standing(300, 100, height)], [offered])] * 5
        assert len(ids_after(open_tracker(CONFIG, GENERATION), frames)) == expected


def test_a_newcomer_is_told_of_at_once_if_sure_and_later_if_not():
    tracker = open_tracker(CONFIG, GENERATION)
    first = people([standing(300)], [0.9])
    sure, unsure = standing(600), standing(900)
    assert len(ids_after(tracker, [first, first])) == 1
    both = people([standing(300), sure, unsure], [0.9, 0.85, 0.65])
    assert len(ids_after(tracker, [both], first=2)) == 2
    assert len(ids_after(tracker, [both] * 2, first=3)) == 3


@pytest.mark.parametrize("rate", [5.0, 10.0, 30.0])
def test_an_unseen_person_is_remembered_for_seconds_whatever_the_rate(rate):
    def same_after(gone_s: float) -> bool:
        config = TrackerConfig(tracker="skeleton", track_buffer_s=2.0)
        tracker = open_tracker(config, GENERATION)
        here = people([standing(500)], [0.9])
        before = ids_after(tracker, [here] * 20, rate)
        gone = round(gone_s * rate)
        ids_after(tracker, [NOBODY] * gone, rate, 20)
        return ids_after(tracker, [here] * 3, rate, 20 + gone) == before

    assert same_after(1.6)
    assert not same_after(2.4)


def test_who_left_through_an_edge_is_forgotten_sooner():
    def same_after(speed: float) -> bool:
        tracker = open_tracker(TrackerConfig(tracker="skeleton", track_buffer_s=4, exit_s=0.5), GENERATION)
        way = [people([standing(speed * number)], [0.9]) for number in range(20, -1, -1)]
        before = ids_after(tracker, way)
        ids_after(tracker, [NOBODY] * 12, first=21)
        return ids_after(tracker, [way[-1]] * 3, first=33) == before

    assert not same_after(50.0)
    assert same_after(0.0)


def test_who_comes_back_through_an_edge_is_the_same_only_if_as_tall_and_as_near():
    def same(height: float, y: float) -> bool:
        tracker = open_tracker(TrackerConfig(tracker="skeleton", track_buffer_s=4, exit_s=3), GENERATION)
        way = [people([standing(40 * number)], [0.9]) for number in range(12, -1, -1)]
        before = ids_after(tracker, way)
        ids_after(tracker, [NOBODY] * 15, first=13)
        back = [people([standing(40 * number, y, height)], [0.9]) for number in range(4)]
        return ids_after(tracker, back, first=28) == before

    assert same(200, 200)
    assert not same(130, 270)
    assert not same(200, 260)


def test_of_two_tracks_on_one_body_the_older_stays():
    tracker = open_tracker(CONFIG, GENERATION)
    apart = people([standing(300), standing(420)], [0.9, 0.9])
    older, younger = ids_after(tracker, [apart] * 5)
    way = [people([standing(300), standing(420 - 12 * step)], [0.9, 0.9]) for step in range(1, 11)]
    left = ids_after(tracker, way, first=5)
    assert left == [older]
    assert younger not in ids_after(tracker, [people([standing(300)], [0.9])] * 3, first=15)


def test_looks_tell_two_people_apart_who_changed_places_unseen():
    def ids_with(features: np.ndarray | None) -> tuple[list[int], list[int]]:
        tracker = open_tracker(TrackerConfig(tracker="skeleton", track_buffer_s=3), GENERATION)
        places = [standing(300), standing(420)]
        before = ids_after(tracker, [people(places, [0.9, 0.9], features)] * 10)
        ids_after(tracker, [NOBODY] * 10, first=10)
        swapped = people(places[::-1], [0.9, 0.9], features)
        return before, ids_after(tracker, [swapped] * 2, first=20)

    before, after = ids_with(np.eye(2, 8, dtype=np.float32))
    assert after == before
    before, after = ids_with(None)
    assert after == before[::-1]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_whatever_comes_nothing_becomes_nan_and_nobody_is_told_of_twice(seed):
    random = np.random.default_rng(seed)
    tracker = SkeletonTracker(CONFIG, GENERATION)
    at = 0.0
    for number in range(12):
        at += float(random.choice([0.0, 0.03, 0.5, -1.0, 30.0]))
        boxes = random.uniform(-50, 900, (random.integers(0, 6), 4)).astype(np.float32)
        found = people(np.sort(boxes.reshape(-1, 2, 2), axis=1), random.uniform(0, 1, len(boxes)))
        found.boxes[random.random(found.boxes.shape) < 0.1] = random.choice([0.0, np.nan, np.inf, 1e9])
        found.keypoints[random.random(found.keypoints.shape) < 0.05] = np.nan
        told = tracker.update(number, at, found, SIZE)
        assert len(set(told.track_ids.tolist())) == len(told.track_ids)
        assert len(set(told.detection.tolist())) == len(told.detection)
        assert np.isfinite(found.boxes[told.detection]).all()
        state = tracker.dump()
        assert restored(tracker).dump() == state
    records = tracker._people.records
    assert all(np.isfinite(records[name]).all() for name in ("box", "velocity", "covariance", "keypoints"))


def test_without_key_points_boxes_alone_are_followed():
    tracker = open_tracker(CONFIG, GENERATION)
    way = [detections([[100 + 5 * step, 100, 180 + 5 * step, 300]], [0.9]) for step in range(20)]
    assert ids_after(tracker, way[:5]) == ids_after(tracker, way[5:], first=5)
    assert len(tracker.dump()["people"]["records"]) == tracker._people.records.itemsize


def test_people_are_followed_by_a_camera_that_jerks_and_taken_over():
    noise = (np.random.default_rng(0).random((240, 900)) * 255).astype(np.uint8)
    scene = cv2.GaussianBlur(noise, (0, 0), 3)
    first = open_tracker(CONFIG, GENERATION, moving=True)
    fixed = open_tracker(CONFIG, GENERATION)
    second = first
    told: dict[str, set[int]] = {"moving": set(), "fixed": set()}
    for number in range(16):
        pan = 20 * int(np.random.default_rng(number).integers(0, 3)) + 8 * number
        image = np.ascontiguousarray(scene[:, pan : pan + 400, None])
        found = people([standing(330 - pan, 100, 60)], [0.9])
        if number == 9:
            second = open_tracker(CONFIG, GENERATION, moving=True)
            second.load(msgpack.unpackb(msgpack.packb(first.dump())))
        told["moving"].update(first.update(number, number / 10, found, (400, 240), image).track_ids.tolist())
        told["fixed"].update(fixed.update(number, number / 10, found, (400, 240)).track_ids.tolist())
        if second is not first:
            second.update(number, number / 10, found, (400, 240), image)
            assert second.dump() == first.dump()
    assert len(told["moving"]) == 1
    assert len(told["fixed"]) > 1
