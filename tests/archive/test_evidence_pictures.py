"""Evidence with pictures: real JPEGs in, real H.264 out, and what can and cannot be seen in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import redis

from shared.messages import Message, Tracks
from shared.rules import Rules, Zone
from shared.segments import entries
from tests.archive.conftest import Build
from tests.archive.pictured import Image, detail, difference, face_of, fill, picture
from tests.archive.scenes import DAY, WIDTH, deliver, ended, fight, record, tracks, walk
from tests.archive.test_evidence import shown
from tests.archive.test_evidence_footage import put
from workers.archive.config import Pictures
from workers.archive.evidence.pictures import Views

# Frames 90 to 120: the fight lasts for one second, with one before it and one after it.
FIRST, LAST = 90, 120
TIMES: dict[str, Any] = {"before_s": 1, "after_s": 1}
GROUND, SKY = (slice(250, 350), slice(0, WIDTH)), (slice(0, 60), slice(0, WIDTH))
# Not one of the three who walk: somebody whom no track tells of.
BYSTANDER = 590.0

Clip = Callable[..., list[Image]]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Pictures have nothing to do with the kind of database."""
    return f"sqlite:///{tmp_path}/archive.db"


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    return tmp_path / "ring"


def people_of(number: int) -> list[float]:
    return [200 * place + number % 50 for place in range(3)]


def frames(messages: Sequence[Message], face: int = 0, *more: float) -> list[tuple[int, Tracks, Image]]:
    """Each frame with its entry's number and the picture that belongs to it."""
    return [
        (seen.number + 1, seen, picture([*people_of(seen.number), *more], face))
        for seen in messages
        if isinstance(seen, Tracks)
    ]


def views(ring: Path, mode: Pictures, **more: Any) -> Views:
    return Views(ring=ring, of={"lobby": mode}, **more)


def decoded(content: bytes, tmp_path: Path) -> list[Image]:
    """A clip's pictures, 960 px wide, brought back to the camera's size."""
    _, images, _ = shown(content, tmp_path / "clip.mp4")
    return [cv2.resize(image[:540], (640, 360), interpolation=cv2.INTER_AREA) for image in images]


@pytest.fixture
def clip(build: Build, files: Any, tmp_path: Path) -> Clip:
    """The pictures of the clip of a fight, which is another incident each time."""
    made: list[str] = []

    def of(what: Views) -> list[Image]:
        identity = f"{len(made):016x}"
        made.append(identity)
        deliver(build(what, snapshot=False, **TIMES), ended(110, 150, incident_id=identity))
        return decoded(files()[f"{DAY}/{identity}.mp4"], tmp_path)

    return of


def faces_differ(clips: Sequence[list[Image]], lefts: Callable[[int], list[float]]) -> list[float]:
    """By how much two clips differ in each face."""
    return [
        difference(one, other, face_of(left))
        for number, (one, other) in enumerate(zip(*clips, strict=True), start=FIRST)
        for left in lefts(number)
    ]


def two_faces(tmp_path: Path, messages: Sequence[Message], *more: float) -> list[Path]:
    """Two rings that differ in nothing but the faces."""
    rings = [tmp_path / "one", tmp_path / "other"]
    for face, place in enumerate(rings):
        fill(place, frames(messages, face, *more))
    return rings


def test_blurred_nobody_can_be_told_from_anybody_else_and_the_rest_keeps_its_detail(
    client: redis.Redis, clip: Clip, rows: Any, tmp_path: Path
) -> None:
    messages = walk(0, 160)
    put(client, messages)
    rings = two_faces(tmp_path, messages[80:])
    with_pixels = [clip(views(ring, "pixels")) for ring in rings]
    assert min(faces_differ(with_pixels, people_of)) > 40
    blurred = [clip(views(ring, "blurred")) for ring in rings]
    assert len(blurred[0]) == LAST - FIRST + 1
    assert max(faces_differ(blurred, people_of)) < 8
    for image, truth in zip(blurred[0], with_pixels[0], strict=True):
        for part in (GROUND, SKY):
            assert detail(image, part) > 0.9 * detail(truth, part) > 3
    assert [row["note"] for row in rows()] == [None] * 4


def test_no_picture_is_shown_unless_the_site_says_so_of_this_camera(
    client: redis.Redis, clip: Clip, ring: Path
) -> None:
    messages = walk(0, 160)
    put(client, messages)
    fill(ring, frames(messages[80:]))
    for what in (Views(), Views(ring=ring), Views(ring=ring, of={"yard": "pixels", "lobby": "skeleton"})):
        assert max(int(image[250:].max()) for image in clip(what)) < 60, "black, but for skeletons above"


def test_bystanders_whom_no_track_tells_of_are_blurred_too(
    client: redis.Redis, clip: Clip, tmp_path: Path
) -> None:
    messages = [with_weak_detection(seen) for seen in walk(0, 160, people=(7, 8))]
    put(client, messages)
    clips = [clip(views(ring, "blurred")) for ring in two_faces(tmp_path, messages[80:], BYSTANDER)]
    assert max(faces_differ(clips, lambda _: [BYSTANDER])) < 8


def with_weak_detection(seen: Message) -> Tracks:
    """Somebody who stands at the edge, found with little confidence, without a face, followed by nobody."""
    assert isinstance(seen, Tracks)
    alone = tracks(0, {1: BYSTANDER})
    keypoints = np.concatenate([seen.detection_keypoints, alone.detection_keypoints])
    keypoints[-1, :5, 2] = 0.02
    more = {
        "detection_boxes": np.concatenate([seen.detection_boxes, alone.detection_boxes]),
        "detection_scores": np.append(seen.detection_scores, np.float32(0.06)),
        "detection_keypoints": keypoints,
        "detection_tracks": np.append(seen.detection_tracks, 0),
    }
    return seen.model_copy(update=more)


def test_who_is_not_detected_for_a_moment_stays_blurred(
    client: redis.Redis, clip: Clip, tmp_path: Path
) -> None:
    messages = walk(0, 160)
    # For eight frames nobody is found, though all are there.
    put(client, [tracks(n, {}) if 103 <= n <= 110 else message for n, message in enumerate(messages)])
    clips = [clip(views(ring, "blurred")) for ring in two_faces(tmp_path, messages[80:])]
    assert max(faces_differ(clips, people_of)) < 8


def test_the_snapshot_is_as_the_clip(build: Build, client: redis.Redis, files: Any, tmp_path: Path) -> None:
    messages = walk(0, 160)
    put(client, messages)
    seen: list[Image] = []
    for place, ring in enumerate(two_faces(tmp_path, messages[80:])):
        identity = f"{place:016x}"
        told = record(110, fight("new", 110, incident_id=identity))
        deliver(build(views(ring, "blurred")), (111, told))
        image = cv2.imdecode(np.frombuffer(files()[f"{DAY}/{identity}.jpg"], np.uint8), cv2.IMREAD_COLOR)
        seen.append(cv2.resize(image[:720], (640, 360), interpolation=cv2.INTER_AREA))
    assert max(difference(seen[0], seen[1], face_of(left)) for left in people_of(105)) < 8
    assert detail(seen[0], GROUND) > 3


def test_masks_are_covered_and_in_blurred_pictures_what_is_right_above_them(
    client: redis.Redis, clip: Clip, ring: Path
) -> None:
    garden = Zone(name="garden", kind="mask", polygon=((0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0)))
    rules = Rules(zones=(garden,))
    messages = walk(0, 160, rules=rules.digest)
    put(client, messages)
    fill(ring, frames(messages[80:]))
    for mode, reaches_up in (("blurred", True), ("pixels", False)):
        image = clip(views(ring, mode, rules_of=lambda _: rules))[10]
        assert detail(image, (slice(295, 355), slice(520, 635))) < 1
        # Everybody is 120 px high.
        assert (detail(image, (slice(190, 280), slice(580, 635))) < 1) == reaches_up
        assert detail(image, (slice(295, 355), slice(100, 500))) > 3


# --- what is missing ----------------------------------------------------------------------------------------


def test_without_any_picture_the_clip_shows_skeletons_and_says_so(
    client: redis.Redis, clip: Clip, rows: Any, ring: Path
) -> None:
    put(client, walk(0, 160))
    assert max(int(image[250:].max()) for image in clip(views(ring, "blurred"))) < 60
    [row] = rows()
    words = f"skeletons only: no picture of it is in {ring} on this host: see ingest.ring_directory"
    assert row["note"] == words


def test_missing_and_damaged_pictures_are_counted_and_their_skeletons_on_black(
    client: redis.Redis, clip: Clip, rows: Any, ring: Path
) -> None:
    messages = walk(0, 160)
    put(client, messages)
    fill(ring, frames(messages[100:]))
    [path] = [path for path in ring.rglob("*.segment") if next(entries(path)).number == 100]
    at = next(entry.offset for entry in entries(path) if entry.number == 105)
    with path.open("r+b") as file:
        file.seek(at + 100)
        file.write(b"damaged")
    images = clip(views(ring, "pixels"))
    dark = [number for number, image in enumerate(images, start=FIRST) if image[250:].max() < 60]
    assert dark == [*range(90, 100), 105]
    assert [row["note"] for row in rows()] == ["11 of 31 pictures are missing: their skeletons are on black"]


def test_a_picture_of_another_size_than_its_tracks_is_none(
    client: redis.Redis, clip: Clip, rows: Any, ring: Path
) -> None:
    messages = walk(0, 160)
    put(client, messages)
    small = np.zeros((48, 64, 3), np.uint8)
    fill(ring, [(entry, seen, small) for entry, seen, _ in frames(messages[80:])])
    clip(views(ring, "blurred"))
    assert [row["note"][:15] for row in rows()] == ["skeletons only:"]


def test_what_was_written_twice_is_shown_as_it_was_written_last(
    client: redis.Redis, clip: Clip, ring: Path
) -> None:
    messages = walk(0, 160)
    put(client, messages)
    plain = np.full((360, 640, 3), 30, np.uint8)
    fill(ring, [(entry, seen, plain) for entry, seen, _ in frames(messages[80:110])], per_segment=100)
    fill(ring, frames(messages[91:]))
    images = clip(views(ring, "pixels"))
    assert detail(images[0], GROUND) < 1
    assert min(detail(image, GROUND) for image in images[1:]) > 3


def test_segments_on_another_file_system_are_copied(
    build: Build, client: redis.Redis, rows: Any, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    # Two file systems are the system's business.
    monkeypatch.setattr(os, "link", refuse)
    messages = walk(0, 160)
    put(client, messages)
    fill(ring, frames(messages[80:105]))
    stage = build(views(ring, "blurred"), snapshot=False, **TIMES)
    deliver(stage, (106, record(105, fight("new", 105))))
    fill(ring, frames(messages[105:]))
    deliver(stage, ended(110, 150))
    assert [row["note"] for row in rows()] == [None]
