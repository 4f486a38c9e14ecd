import json
from types import SimpleNamespace

import cv2
import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pose.footage import GENERATION, crowd, detections
from workers.pose.config import TRACKER_FILES, TrackerConfig
from workers.pose.offline import ultralytics
from workers.pose.tracking import track_id
from workers.pose.tracking.boxes import BoxTracker, _Boxes

BOTSORT = TrackerConfig(tracker="botsort")
BYTETRACK = TrackerConfig(tracker="bytetrack")
WITH_LOOKS = TrackerConfig(tracker="botsort", reid="native", appearance_thresh=0.8)
KINDS = {"botsort": BOTSORT, "bytetrack": BYTETRACK, "appearance": WITH_LOOKS}
STANDING = detections([[100, 100, 160, 280]], [0.9])
NOBODY = detections([], [])
FRAME_SIZE = (1280, 720)


def restored(tracker: BoxTracker, config: TrackerConfig, moving: bool = False) -> BoxTracker:
    state = msgpack.unpackb(msgpack.packb(tracker.dump()))
    other = BoxTracker(config, GENERATION, moving)
    other.load(state)
    return other


def rows(tracker: BoxTracker) -> list[tuple[object, ...]]:
    """Everything about every track, lost and unconfirmed ones too."""
    return [
        (
            track.track_id,
            track.state,
            track.is_activated,
            track.tracklet_len,
            *track.mean,
            *track.covariance.ravel(),
        )
        for track in (*tracker.inner.tracked_stracks, *tracker.inner.lost_stracks)
    ]


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 40), rate=st.sampled_from([6.0, 10.0, 30.0]))
@settings(max_examples=6, deadline=None)
def test_a_restored_tracker_goes_on_as_if_nothing_had_happened(kind, seed, cut, rate):
    config = KINDS[kind]
    found = crowd(seed, people=8, steps=50, dimension=16 if kind == "appearance" else 0)
    times = np.cumsum(np.random.default_rng(seed).choice([1, 1, 1, 1, 3], 50)) / rate
    first = BoxTracker(config, GENERATION)
    for step in range(cut):
        first.update(step, times[step], found[step], FRAME_SIZE)
    second = restored(first, config)
    for step in range(cut, 50):
        expected = first.update(step, times[step], found[step], FRAME_SIZE)
        got = second.update(step, times[step], found[step], FRAME_SIZE)
        assert got.track_ids.tolist() == expected.track_ids.tolist()
        assert got.detection.tolist() == expected.detection.tolist()
        assert rows(second) == rows(first)


def test_the_crowd_has_lost_and_unconfirmed_tracks_when_it_is_cut():
    tracker = BoxTracker(BOTSORT, GENERATION)
    lost = unconfirmed = 0
    for step, found in enumerate(crowd(1, people=8, steps=50)):
        tracker.update(step, step / 30, found, FRAME_SIZE)
        lost += len(tracker.inner.lost_stracks)
        unconfirmed += sum(not track.is_activated for track in tracker.inner.tracked_stracks)
    assert lost > 10
    assert unconfirmed > 3


def test_a_moving_cameras_tracker_goes_on_too():
    scene = (np.random.default_rng(0).random((300, 400)) * 255).astype(np.uint8)
    scene = cv2.GaussianBlur(scene, (0, 0), 3)
    first = BoxTracker(BOTSORT, GENERATION, moving=True)
    found = crowd(4, people=5, steps=20)
    second = first
    for step in range(20):
        image = np.ascontiguousarray(scene[step : step + 200, 2 * step : 2 * step + 300, None])
        if step == 9:
            second = restored(first, BOTSORT, moving=True)
        expected = first.update(step, step / 25, found[step], FRAME_SIZE, image)
        if second is not first:
            got = second.update(step, step / 25, found[step], FRAME_SIZE, image)
            assert got.track_ids.tolist() == expected.track_ids.tolist()
            assert rows(second) == rows(first)
    assert first.inner.gmc.prevFrame is not None


@pytest.mark.parametrize("config", [BOTSORT, BYTETRACK], ids=["botsort", "bytetrack"])
def test_at_a_steady_rate_it_agrees_with_ultralytics(config):
    module = ultralytics("trackers")
    fixed = {"track_buffer": 30, "with_reid": False, "model": "auto", "gmc_method": "none"}
    plain_settings = SimpleNamespace(**{**config.model_dump(), **fixed})
    plain = (module.BOTSORT if config.tracker == "botsort" else module.BYTETracker)(plain_settings)
    ours = BoxTracker(config, GENERATION)
    names: dict[int, int] = {}
    for step, found in enumerate(crowd(2, people=10, steps=150)):
        got = ours.update(step, step / 30, found, FRAME_SIZE)
        answer = plain.update(_Boxes(found.boxes, found.scores)).reshape(-1, 8)
        assert got.detection.tolist() == answer[:, 7].astype(int).tolist()
        for mine, theirs in zip(got.track_ids.tolist(), answer[:, 4].astype(int).tolist(), strict=True):
            assert names.setdefault(theirs, mine) == mine
    assert len(names) > 10


@pytest.mark.parametrize("rate", [5.0, 10.0, 30.0])
def test_the_buffer_is_seconds_whatever_the_rate(rate):
    def id_after(gone_s: float) -> bool:
        tracker = BoxTracker(TrackerConfig(tracker="botsort", track_buffer_s=2.0), GENERATION)
        for step in range(20):
            before = tracker.update(step, step / rate, STANDING, FRAME_SIZE)
        gone = round(gone_s * rate)
        for step in range(20, 20 + gone):
            tracker.update(step, step / rate, NOBODY, FRAME_SIZE)
        for step in range(20 + gone, 23 + gone):
            after = tracker.update(step, step / rate, STANDING, FRAME_SIZE)
        return before.track_ids.tolist() == after.track_ids.tolist()

    assert id_after(1.6)
    assert not id_after(2.8)


def test_time_without_frames_counts_like_time_without_people():
    def ids_after(gap_s: float) -> tuple[list[int], list[int]]:
        tracker = BoxTracker(BOTSORT, GENERATION)
        for step in range(20):
            before = tracker.update(step, step / 10, STANDING, FRAME_SIZE)
        for step in range(20, 23):
            after = tracker.update(step, step / 10 + gap_s, STANDING, FRAME_SIZE)
        return before.track_ids.tolist(), after.track_ids.tolist()

    before, after = ids_after(0.6)
    assert before == after
    before, after = ids_after(5.0)
    assert before != after


def test_a_walker_is_found_again_where_the_gap_took_him():
    tracker = BoxTracker(BOTSORT, GENERATION)

    def walker(step: int):
        return detections([[100 + 12 * step, 100, 150 + 12 * step, 260]], [0.9])

    for step in range(20):
        before = tracker.update(step, step / 10, walker(step), FRAME_SIZE)
    after = tracker.update(20, 2.5, walker(25), FRAME_SIZE)
    assert after.track_ids.tolist() == before.track_ids.tolist()


def test_ids_are_exact_in_json_distinct_and_depend_on_the_generation():
    ids = [track_id(GENERATION, number, index) for number in range(200) for index in range(5)]
    assert len(set(ids)) == 1000
    assert all(0 < value < 2**53 for value in ids)
    assert json.loads(json.dumps(ids)) == ids
    assert not {track_id("f" * 16, number, 0) for number in range(200)} & set(ids)


def test_two_cameras_of_one_process_do_not_share_ids_or_tracks():
    one, two = BoxTracker(BOTSORT, "a" * 16), BoxTracker(BOTSORT, "b" * 16)
    a, b = one.update(0, 0.0, STANDING, FRAME_SIZE), two.update(0, 0.0, STANDING, FRAME_SIZE)
    assert len(a.track_ids) == len(b.track_ids) == 1
    assert a.track_ids.tolist() != b.track_ids.tolist()


def test_equal_times_and_nobody_at_all_are_harmless():
    tracker = BoxTracker(BYTETRACK, GENERATION)
    for step in range(4):
        assert len(tracker.update(step, 1.0, NOBODY, FRAME_SIZE).track_ids) == 0
    assert tracker.update(4, 1.0, detections([[5, 5, 5, 5]], [0.9]), FRAME_SIZE).track_ids.tolist() == []


def test_the_state_of_twenty_people_is_small():
    tracker = BoxTracker(BOTSORT, GENERATION)
    for step, found in enumerate(crowd(3, people=20, steps=60)):
        tracker.update(step, step / 30, found, FRAME_SIZE)
    assert len(msgpack.packb(tracker.dump())) < 8_000


def test_long_runs_do_not_grow():
    tracker = BoxTracker(BYTETRACK, GENERATION)
    for step, found in enumerate(crowd(5, people=12, steps=200)):
        tracker.update(step, step / 30, found, FRAME_SIZE)
    assert len(tracker.inner.removed_stracks) <= len(tracker.inner.lost_stracks) + 12


def test_the_tracker_files_lie_where_a_wheel_and_a_checkout_have_them():
    assert sorted(path.name for path in TRACKER_FILES.glob("*.yaml")) == [
        "botsort.yaml",
        "bytetrack.yaml",
        "skeleton.yaml",
    ]
