"""Four cameras of the simulated site as the fleet would tell of them, without the fleet.

People are where the simulated site has them, so skeletons move as people do; verdicts follow who fights.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np
import redis
import simplejpeg

from shared.bus.streams import stream_key
from shared.messages import Frame, Message, Scene, Stamp, Tracks, Verdict, Verdicts, encode
from tests.shared.examples import FRAME, TRACKS, VERDICTS
from workers.ingest.simulated.address import parse
from workers.ingest.simulated.site_camera import SiteCamera

SOURCES = {
    "yard": "sim://yard?people=2&light=night&seed=1",
    "lobby": "sim://lobby?people=6&seed=2",
    "passage": "sim://passage?people=1&hugs=1&dances=1&seed=3",
    "plaza": "sim://plaza?people=2&fights=2&seed=4",
}
CAMERAS = tuple(SOURCES)
GENERATION = "00f1e2d3c4b5a697"
FPS = 10
# In these seconds somebody is on every camera, and two fight on one.
_FIRST_SECOND = 17
_VERDICTS_EVERY = 3
_TRACKS_BORN = 2**40
_LEAST_SHARE = 0.1


# Camera -> what pose and classify say of each frame.
Moments = Mapping[str, Sequence[tuple[Tracks, Verdicts]]]


def moments_of(seconds: float) -> Moments:
    """So many seconds of each camera."""
    cameras = {name: SiteCamera(parse(source)) for name, source in SOURCES.items()}
    return {
        name: [_moment(camera, FPS * _FIRST_SECOND + turn) for turn in range(int(FPS * seconds))]
        for name, camera in cameras.items()
    }


class StagedSite:
    """Writes what ingest, pose and classify would, frame by frame.

    Args:
        client: of the server.
        moments: what happens, again and again.
        pictures: frames, too, with a plain picture.
    """

    def __init__(self, client: redis.Redis, moments: Moments, pictures: bool = False) -> None:
        self._client = client
        self._numbers = count(1)
        self._picture = _plain_picture() if pictures else None
        self._moments = moments

    def run(self, stop: threading.Event) -> None:
        """Writes ten frames a second of each camera until `stop` is set."""
        began = time.monotonic()
        for turn in count():
            self.step()
            if stop.wait(max(0.0, began + (turn + 1) / FPS - time.monotonic())):
                return

    def step(self, clock: Callable[[], float] = time.time) -> None:
        """Writes one frame of each camera."""
        number = next(self._numbers)
        for camera, moments in self._moments.items():
            tracks, verdicts = moments[number % len(moments)]
            head = {
                "camera": camera, "generation": GENERATION, "number": number, "at": number / FPS,
                "captured_at": clock(),
            }  # fmt: skip
            if self._picture is not None:
                self._add("frames", self._picture.model_copy(update=head))
            if number % _VERDICTS_EVERY == 0:
                said = [one.model_copy(update={"last_at": number / FPS}) for one in verdicts.verdicts]
                stamp = Stamp(stage="pose", read_at=head["captured_at"], done_at=clock())
                more = {**head, "verdicts": tuple(said), "trail": (stamp,)}
                self._add("verdicts", verdicts.model_copy(update=more))
            self._add("tracks", tracks.model_copy(update=head))

    def _add(self, stream: str, message: Message) -> None:
        key = stream_key(stream, message.camera)
        entry_id = f"{int(1000 * message.captured_at)}-{message.number}"
        self._client.xadd(key, {"m": encode(message)}, id=entry_id, maxlen=100)


def _plain_picture() -> Frame:
    ramp = np.linspace(40, 150, 640, dtype=np.uint8)
    jpeg = simplejpeg.encode_jpeg(np.repeat(np.tile(ramp, (360, 1))[..., None], 3, axis=2))
    return FRAME.model_copy(update={"image": jpeg, "crc": zlib.crc32(jpeg)})


def _moment(camera: SiteCamera, number: int) -> tuple[Tracks, Verdicts]:
    truth = camera.truth(number)
    seen = truth.present[0] & (truth.visible_share[0] >= _LEAST_SHARE)
    keypoints, boxes = truth.keypoints[0][seen].astype("f4"), truth.boxes[0][seen].astype("f4")
    keypoints[..., 2] = np.where(keypoints[..., 2] > 0, 0.9, 0.2)
    ids, people = truth.ids[seen] + _TRACKS_BORN, int(seen.sum())
    tracks = TRACKS.model_copy(
        update={
            "track_ids": ids, "detection": np.full(people, -1, "i2"), "boxes": boxes, "keypoints": keypoints,
            "scores": np.full(people, 0.9, "f4"), "predicted": np.zeros(people, bool),
            "velocity": np.zeros((people, 17, 2), "f4"), "scale": np.full(people, 100, "f4"),
            "quality": np.full(people, 0.9, "f4"), "width": camera.size[0], "height": camera.size[1],
        }
    )  # fmt: skip
    verdicts = [
        _verdict(int(track_id), bool(fights), box)
        for track_id, fights, box in zip(ids, truth.fighting[0][seen], boxes, strict=True)
    ]
    score = max((one.score for one in verdicts), default=0.0)
    scene = Scene(
        result="VIOLENCE" if score > 0.94 else "SAFE",
        score=score, threshold=0.94, people=people, track_ids=(), quality=0.9,
    )  # fmt: skip
    return tracks, VERDICTS.model_copy(update={"verdicts": tuple(verdicts), "scene": scene})


def _verdict(track_id: int, fights: bool, box: np.ndarray) -> Verdict:
    score = 0.97 if fights else 0.05 + track_id % 5 / 50
    return VERDICTS.verdicts[0].model_copy(
        update={
            "track_id": track_id, "partner_id": None, "result": "VIOLENCE" if fights else "SAFE",
            "score": score, "scores": (score, 0.91 if fights else None), "box": tuple(map(float, box)),
        }
    )  # fmt: skip
