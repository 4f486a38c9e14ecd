"""One valid message of each kind, for tests and for the worked example in docs/messages.md."""

from __future__ import annotations

import numpy as np

from shared.messages import (
    Expert,
    Frame,
    Incident,
    Incidents,
    Mark,
    Scene,
    Stamp,
    Tracks,
    Verdict,
    Verdicts,
)
from shared.skeleton import JOINT_COUNT

HEAD = {
    "camera": "lobby",
    "generation": "00f1e2d3c4b5a697",
    "number": 41,
    "at": 4.125,
    "captured_at": 1700000000.25,
}

FRAME = Frame(
    **HEAD,
    monotonic_s=12.5,
    pts_s=None,
    width=640,
    height=360,
    source_width=1920,
    source_height=1080,
    crc=0x61D3C8B7,
    image=b"\xff\xd8\xff\xd9",
)

TRACKS = Tracks(
    **HEAD,
    width=640,
    height=360,
    detection_boxes=np.array([[10, 20, 50, 140], [300, 40, 350, 190], [5, 5, 9, 9]], "f4"),
    detection_scores=np.array([0.75, 0.5, 0.125], "f4"),
    detection_keypoints=np.arange(3 * JOINT_COUNT * 3, dtype="f4").reshape(3, JOINT_COUNT, 3),
    detection_tracks=np.array([9, 42, 0], np.int64),
    track_ids=np.array([7_000_000_000_001, 42], "i8"),
    detection=np.array([1, -1], "i2"),
    boxes=np.array([[300, 40, 350, 190], [12, 20, 52, 140]], "f4"),
    scores=np.array([0.5, 0.25], "f4"),
    keypoints=np.arange(2 * JOINT_COUNT * 3, dtype="f4").reshape(2, JOINT_COUNT, 3),
    predicted=np.array([False, True]),
    velocity=np.zeros((2, JOINT_COUNT, 2), "f4"),
    scale=np.array([150, 120], "f4"),
    quality=np.array([0.875, 0.25], "f4"),
)

VERDICTS = Verdicts(
    **HEAD,
    trail=(Stamp(stage="pose", read_at=1700000000.5, done_at=1700000000.625),),
    width=640,
    height=360,
    experts=(
        Expert(name="stgcnpp", role="primary", threshold=0.94, share=1.0, weights="sha256:1f2e"),
        Expert(name="msg3d", role="veto", threshold=0.85, share=0.0, weights="sha256:3a4b"),
    ),
    verdicts=(
        Verdict(
            track_id=42,
            partner_id=7,
            result="SAFE",
            score=0.125,
            scores=(0.125, None),
            unsure=(),
            weight=0.9,
            body_height_px=120.5,
            quality=0.75,
            observed_frames=30,
            padded_frames=2,
            first_at=3.0625,
            last_at=4.125,
            box=(12.0, 20.0, 52.0, 140.0),
        ),
    ),
    scene=Scene(result="SAFE", score=0.125, threshold=0.94, people=1, track_ids=(42,), quality=0.75),
)

MARK = Mark(**HEAD, final=True, reason="end of file")

INCIDENTS = Incidents(
    **HEAD,
    width=640,
    height=360,
    incidents=(
        Incident(
            incident_id="5fd1c02b7e6a9038",
            change="new",
            began_at=3.5,
            began_captured_at=1700000000.0,
            confirmed_at=4.125,
            last_at=4.125,
            track_ids=(7, 42),
            box=(12.0, 20.0, 90.0, 140.0),
            peak_score=0.984,
            peak_at=4.125,
            peak_scene_score=0.984,
            violent=3,
            vetoed=1,
            numbers=(35, 38, 41),
        ),
    ),
)

ONE_OF_EACH = (FRAME, TRACKS, VERDICTS, INCIDENTS, MARK)
