"""Tracks of people who stand or walk, and the incident that was told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.messages import Incident, Incidents, Mark, Message, Tracks
from shared.skeleton import JOINT_COUNT
from shared.stage import Stage, TryLater
from tests.archive.test_log import GENERATION
from tests.archive.test_writing import incident

WIDTH, HEIGHT = 640, 360
FPS = 10
# Where joints are in a body, from its top left: shares of its width and height.
_BODY = np.array(
    [[.5, .05], [.55, .03], [.45, .03], [.6, .05], [.4, .05], [.75, .2], [.25, .2], [.9, .35], [.1, .35],
     [.95, .5], [.05, .5], [.65, .55], [.35, .55], [.65, .75], [.35, .75], [.65, .97], [.35, .97]]
)  # fmt: skip
BODY_PX = (40.0, 120.0)


def skeleton(left: float, top: float, confidence: float = 0.9) -> NDArray[np.float32]:
    """[17, 3] of somebody upright, 40 x 120 px."""
    points = _BODY * BODY_PX + (left, top)
    return np.concatenate([points, np.full((JOINT_COUNT, 1), confidence)], axis=1).astype("f4")


def tracks(
    number: int,
    people: Mapping[int, float],
    *,
    predicted: Sequence[int] = (),
    confidence: float = 0.9,
    **more: Any,
) -> Tracks:
    """A frame's tracks; `people` are track ids and their left sides, px."""
    count = len(people)
    lefts = list(people.values())
    boxes = np.array([[x, 100, x + BODY_PX[0], 100 + BODY_PX[1]] for x in lefts], "f4").reshape(-1, 4)
    keypoints = np.array([skeleton(x, 100, confidence) for x in lefts], "f4").reshape(-1, JOINT_COUNT, 3)
    fields: dict[str, Any] = {
        "camera": "lobby", "generation": GENERATION, "number": number, "at": number / FPS,
        "captured_at": 1_700_000_000 + number / FPS, "width": WIDTH, "height": HEIGHT,
        "detection_boxes": boxes, "detection_scores": np.full(count, 0.9), "detection_keypoints": keypoints,
        "detection_tracks": np.array(list(people)), "track_ids": np.array(list(people), "i8"),
        "detection": np.arange(count), "boxes": boxes, "scores": np.full(count, 0.9), "keypoints": keypoints,
        "predicted": np.array([track_id in predicted for track_id in people], bool),
        "velocity": np.zeros((count, JOINT_COUNT, 2)), "scale": np.full(count, 120.0),
        "quality": np.full(count, 0.9),
    }  # fmt: skip
    return Tracks(**{**fields, **more})


def mark(number: int, final: bool = False, **more: Any) -> Mark:
    """A moment without a picture, or the end."""
    fields = {
        "camera": "lobby", "generation": GENERATION, "number": number, "at": number / FPS,
        "captured_at": 1_700_000_000 + number / FPS, "final": final,
    }  # fmt: skip
    return Mark(**{**fields, **more})


def walk(first: int, last: int, people: Sequence[int] = (7, 8, 9), **more: Any) -> list[Message]:
    """Frames of people who walk to the right, 200 px apart."""
    return [
        tracks(number, {one: 200 * place + number % 50 for place, one in enumerate(people)}, **more)
        for number in range(first, last + 1)
    ]


def fight(change: str, last: int, began: int = 100, **more: Any) -> Incident:
    """What is told of 7 and 8, who fight from frame `began` to frame `last`."""
    return incident(
        change,
        last / FPS,
        **{
            "began_at": began / FPS, "began_captured_at": 1_700_000_000 + began / FPS,
            "confirmed_at": began / FPS, "peak_at": (began + last) // 2 / FPS, "track_ids": (7, 8),
            "numbers": (began, last), **more,
        },
    )  # fmt: skip


def record(number: int, *what: Incident, **more: Any) -> Incidents:
    """The message that tells of incidents at a frame."""
    fields: dict[str, Any] = {
        "camera": "lobby", "generation": GENERATION, "number": number, "at": number / FPS,
        "captured_at": 1_700_000_000 + number / FPS, "width": WIDTH, "height": HEIGHT, "incidents": what,
    }  # fmt: skip
    return Incidents(**{**fields, **more})


ID = "00000000000000ff"
DAY = "lobby/2023-11-14"
CLIP, SNAPSHOT = f"{DAY}/{ID}.mp4", f"{DAY}/{ID}.jpg"


def deliver(stage: Stage[Any, None, None, Any], *told: tuple[int, Incidents]) -> None:
    """As the loop does; the number is that of the entry, whose tracks have the same."""
    assert stage.deliver is not None
    records = [(f"{entry}-0", stage.prepare(message)) for entry, message in told]
    while True:
        try:
            return stage.deliver("lobby", records)
        except TryLater as error:
            # A machine may be slow; what is in the way for good is the test's business.
            if "goes on in a moment" not in str(error):
                raise


def ended(last: int, at: int, **more: Any) -> tuple[int, Incidents]:
    """The end of a fight whose last violent frame was `last`, told at frame `at`."""
    return at + 1, record(at, fight("end", last, end_reason="quiet", **more))
