"""The messages of a live view. docs/live.md describes each field; `V` grows when one changes its meaning."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.latest import LatestVerdicts
from shared.messages import Expert, Incident, Scene, Tracks
from shared.skeleton import BONES, JOINTS
from workers.serve.api import views

V = 1


def hello(site: str, cameras: Sequence[str], picture: bool) -> str:
    """The first message: what will come, and how key points are joined."""
    return _text("hello", site=site, cameras=cameras, picture=picture, joints=JOINTS, bones=BONES)


def frame(
    entry_id: str,
    tracks: Tracks,
    verdicts: LatestVerdicts,
    experts: Sequence[Expert],
    scene: Scene | None,
    *,
    picture: bool,
) -> str:
    """One frame: everybody in it, each with the latest verdict.

    Args:
        entry_id: the frame's in all streams.
        tracks: who is where.
        verdicts: what was last said of each.
        experts: who said it.
        scene: what they last came to together; None if that is too long ago.
        picture: whether the picture was sent right before.
    """
    return _text(
        "frame",
        camera=tracks.camera,
        entry_id=entry_id,
        generation=tracks.generation,
        number=tracks.number,
        at=round(tracks.at, 3),
        captured_at=round(tracks.captured_at, 3),
        width=tracks.width,
        height=tracks.height,
        picture=picture,
        people=[_person(tracks, row, verdicts) for row in range(len(tracks.track_ids))],
        experts=[expert.model_dump(include={"name", "role", "threshold"}) for expert in experts],
        scene=scene and scene.model_dump(include={"result", "score", "threshold", "people", "track_ids"}),
    )


def picture(camera: str, entry_id: str, jpeg: bytes) -> bytes:
    """A frame's picture: a header as long as the first four bytes say (big-endian), then the JPEG."""
    header = _text("picture", camera=camera, entry_id=entry_id).encode()
    return len(header).to_bytes(4, "big") + header + jpeg


def incident(camera: str, generation: str, told: Incident) -> str:
    """An incident began, changed or ended."""
    return _text("incident", camera=camera, generation=generation, **told.model_dump(mode="json"))


def camera(seen: views.Camera) -> str:
    """How a camera fares."""
    return _text("camera", **seen.model_dump(mode="json"))


def health(*, server: bool, database: bool) -> str:
    """Whether what the page itself needs answers."""
    return _text("health", server=server, database=database)


def _person(tracks: Tracks, row: int, verdicts: LatestVerdicts) -> dict[str, Any]:
    track_id = int(tracks.track_ids[row])
    found = verdicts.of(track_id, tracks.at)
    said = None
    if found is not None:
        verdict, age_s = found
        said = verdict.model_dump(include={"result", "score", "scores", "unsure", "partner_id"})
        said["age_s"] = round(age_s, 2)
    # A tenth of a pixel and a hundredth of a confidence: nobody sees more, and it is half as long.
    keypoints = np.round(tracks.keypoints[row].astype(np.float64), (1)).tolist()
    confidence = np.round(tracks.keypoints[row, :, 2].astype(np.float64), 2).tolist()
    for joint, sure in zip(keypoints, confidence, strict=True):
        joint[2] = sure
    return {
        "track_id": track_id,
        "box": np.round(tracks.boxes[row].astype(np.float64), 1).tolist(),
        "keypoints": keypoints,
        "predicted": bool(tracks.predicted[row]),
        "quality": round(float(tracks.quality[row]), 2),
        "verdict": said,
    }


def _text(kind: str, **fields: Any) -> str:
    return json.dumps({"v": V, "type": kind, **fields}, separators=(",", ":"), allow_nan=False)
