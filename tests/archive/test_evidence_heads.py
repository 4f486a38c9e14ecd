"""Where heads are taken to be, and what is left of them: pure, on skeletons that are made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.config import ConfigError, validate
from shared.messages import Tracks
from tests.archive.scenes import skeleton, tracks
from workers.archive.evidence.covering import blur_heads
from workers.archive.evidence.heads import Heads, bridged, heads_of
from workers.cli.site import Site


def one(keypoints: NDArray[Any], box: tuple[float, float, float, float] | None = None) -> Tracks:
    """A frame in which one person was detected, and nobody is followed."""
    low, high = keypoints[:, :2].min(0), keypoints[:, :2].max(0)
    boxes = np.array([box or (*low, *high)], "f4")
    nobody = tracks(1, {})
    return nobody.model_copy(
        update={
            "detection_boxes": boxes,
            "detection_scores": np.array([0.1], "f4"),
            "detection_keypoints": keypoints[None],
            "detection_tracks": np.array([0]),
        }
    )


def covers(ellipses: NDArray[np.float64], points: NDArray[Any]) -> bool:
    away = (points[:, None, :2] - ellipses[None, :, :2]) / ellipses[None, :, 2:]
    return bool(((away**2).sum(-1) <= 1).any(1).all())


def head_of(left: float) -> NDArray[np.float64]:
    """The outline of a head of somebody who is 120 px high: a seventh of it, around the face."""
    angle = np.linspace(0, 2 * np.pi, 16)
    return np.stack([left + 20 + 6 * np.cos(angle), 103 + 8 * np.sin(angle)], axis=-1)


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ([], "everything is seen"),
        ([0, 1, 2], "from behind: the ears alone"),
        ([0, 1, 2, 3], "one ear"),
        ([0, 1, 2, 3, 4], "no face: above the shoulders"),
        ([0, 1, 2, 3, 4, 5], "no face, one shoulder"),
        ([*range(5), 11, 12], "no face, no hips"),
        (list(range(17)), "a box alone"),
    ],
)
def test_a_head_is_covered_whatever_is_seen_of_the_body(unseen: list[int], why: str) -> None:
    keypoints = skeleton(100, 100)
    keypoints[unseen, 2] = 0.02
    found = heads_of(one(keypoints, (100, 95, 140, 220))).ellipses
    assert covers(found, head_of(100)), why
    assert not covers(found, np.array([[120.0, 190.0]])), "and not the whole body"


def test_somebody_who_lies_and_shows_no_joint_is_covered_whole() -> None:
    keypoints = skeleton(100, 100, confidence=0.0)
    found = heads_of(one(keypoints, (100, 100, 220, 140))).ellipses
    assert covers(found, np.array([[105.0, 120.0], [215.0, 120.0], [160.0, 105.0]]))


def test_who_is_predicted_has_a_head_and_who_is_matched_has_one_alone() -> None:
    seen = tracks(1, {7: 100, 8: 300})
    predicted = seen.model_copy(
        update={
            "detection": np.array([0, -1], "i2"),
            "detection_boxes": seen.boxes[:1],
            "detection_keypoints": seen.keypoints[:1],
            "detection_scores": seen.scores[:1],
            "detection_tracks": np.array([7]),
        }
    )
    for frame in (seen, predicted):
        heads = heads_of(frame)
        assert sorted(heads.track_ids.tolist()) == [7, 8]
        assert covers(heads.ellipses, head_of(300))


def heads(*places: tuple[float, int]) -> Heads:
    """Heads of 10 px at x, of tracks."""
    ellipses = [(x, 50.0, 10.0, 10.0) for x, _ in places]
    return Heads(np.array(ellipses, float).reshape(-1, 4), np.array([track for _, track in places], "i8"))


def test_a_gap_of_a_second_is_filled_between_and_a_longer_one_at_both_ends() -> None:
    times = [n / 10 for n in range(41)]
    seen = [heads((10 * n, 7)) if n <= 5 or 14 <= n <= 15 or n >= 36 else heads() for n in range(41)]
    found = bridged(times, seen, 0.5)
    assert [len(one) for one in found] == [1] * 21 + [0] * 10 + [1] * 10
    assert [round(float(one[0, 0])) for one in found[:16]] == [10 * n for n in range(16)]
    assert found[18][0, 0] == pytest.approx(150)
    assert found[18][0, 2] > 10


@pytest.mark.parametrize("track", [0, 7])
def test_heads_that_pass_each_other_are_bridged_each_on_its_way(track: int) -> None:
    times = [n / 10 for n in range(11)]
    seen = [
        heads((20 + 2 * n, track), (200 - 2 * n, track and 8)) if n not in (4, 5, 6) else heads()
        for n in range(11)
    ]
    found = bridged(times, seen, 0.5)
    assert [len(one) for one in found] == [2] * 11
    assert sorted(found[5][:, 0]) == pytest.approx([30, 190])


def test_nobody_is_nobody() -> None:
    assert [len(one) for one in bridged([0.0, 0.1], [heads(), heads()], 0.5)] == [0, 0]
    assert bridged([], [], 0.5) == []


@pytest.mark.parametrize("size", [8, 40, 300])
def test_of_a_head_of_any_size_a_few_values_are_left(size: int) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (400, 600, 3), np.uint8)
    before = image.copy()
    blur_heads(image, [np.array([300.0, 200.0, size / 2, size / 2])])
    y, x = np.mgrid[:400, :600]
    inside = (x - 300) ** 2 + (y - 200) ** 2 <= (size / 2 - 1) ** 2
    outside = (x - 300) ** 2 + (y - 200) ** 2 >= (size / 2 + 2) ** 2
    assert (image[outside] == before[outside]).all()
    # White noise of five values each way, mixed: hardly anything of it is left from pixel to pixel.
    steps = np.abs(np.diff(image.astype(int), axis=1))[inside[:, 1:] & inside[:, :-1]]
    assert steps.mean() < 256 / size


def test_ellipses_outside_the_picture_do_no_harm() -> None:
    image = np.full((40, 60, 3), 7, np.uint8)
    wild = np.array([[-1e9, 1e9, 1e9, 3], [59, 39, 30, 30], [0, 0, 0, 0], [30, -20, 5, 5]], float)
    blur_heads(image, wild)
    assert (image == 7).all()


# --- the site file ------------------------------------------------------------------------------------------


def site(**more: Any) -> Site:
    cameras = {"lobby": {"source": "a.mp4"}, "door": {"source": "b.mp4", "evidence": "skeleton"}}
    return validate({"cameras": cameras, **more}, Site, "site.yaml")


def test_pictures_are_kept_only_of_cameras_whose_evidence_shows_them() -> None:
    assert site().pictured_cameras() == frozenset()
    assert site(evidence={"pictures": "blurred"}).pictured_cameras() == {"lobby"}
    assert site(evidence={"pictures": "blurred", "enabled": False}).pictured_cameras() == frozenset()
    only = {"lobby": {"source": "a.mp4", "evidence": "pixels"}, "door": {"source": "b.mp4"}}
    assert site(cameras=only).evidence_pictures() == {"lobby": "pixels", "door": "skeleton"}
    assert str(site(bus={"data": "/srv"}).ring_directory) == "/srv/ring"


def test_other_words_for_pictures_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"evidence\.pictures: Input should be 'skeleton', 'blurred' or 'pixels'"
    ):
        site(evidence={"pictures": "faces"})
