"""Rendered frames of the simulated site with their truth, for `training.pose`.

    python -m training.pose_frames --out frames --acts 400

writes a shard for each act: JPEG pictures as the demonstration publishes them, and who is in them. Acts'
seeds are `FIRST_SEED` and above, and only those: a demonstration or a test with a lower seed shows nobody
whom the net was trained on. The places and their cameras are the same: what is wanted is a net for four fixed
places.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from workers.ingest.simulated.acts import ACT_S, Cast, act
from workers.ingest.simulated.picture.looks import outfits_of
from workers.ingest.simulated.picture.painter import Crowd, Painter
from workers.ingest.simulated.places import PLACES, place

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

FIRST_SEED = 1_000_000
# Of each act so many moments; where nobody is, most are passed over.
MOMENTS, _EMPTY_KEPT = 30, 0.15
_QUALITY = 85
# Of whom less is to be seen, nothing is asked and nothing is forbidden.
LEAST_SHARE = 0.12


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        jpeg: the picture.
        boxes: [N, 4] x1 y1 x2 y2, pixels.
        keypoints: [N, 17, 3] x, y, 1 where it is to be seen.
    """

    jpeg: bytes
    boxes: Floats
    keypoints: Floats


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    parser.add_argument("--acts", type=int, default=400)
    parser.add_argument("--first", type=int, default=0, help="number of the first act: for several at once")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for number in range(arguments.first, arguments.first + arguments.acts):
        path = arguments.out / f"{number:05d}.npz"
        if not path.exists():
            save(path, frames_of(number))
        if number % 20 == 19:
            log.info("acts=%d seconds=%.0f", number + 1, time.monotonic() - started)


def frames_of(number: int) -> list[Frame]:
    """Moments of one act, with any people in it, in any place and light."""
    rng = np.random.default_rng([FIRST_SEED, number])
    name, view, light = str(rng.choice(list(PLACES))), int(rng.integers(2)), str(rng.choice(["day", "night"]))
    cast = Cast(
        people=int(rng.integers(1, 6)),
        fights=int(rng.integers(0, 3)),
        hugs=int(rng.integers(0, 2)),
        dances=int(rng.integers(0, 2)),
    )
    scene = act(place(name), view, cast, FIRST_SEED + number, 0)
    at = np.sort(rng.uniform(0, ACT_S, MOMENTS))
    truth = scene.truth(at)
    crowd = Crowd(scene.body, outfits_of(FIRST_SEED + number, len(scene)), scene.posed)
    painter = _painter(name, view, light)
    frames = []
    for row, moment in enumerate(at.tolist()):
        shown = truth.present[row] & (truth.visible_share[row] >= LEAST_SHARE)
        if not shown.any() and rng.random() > _EMPTY_KEPT:
            continue
        picture = painter.picture(crowd, moment, int(rng.integers(1 << 30)))
        jpeg = simplejpeg.encode_jpeg(picture, _QUALITY, "BGR", "420", fastdct=False)
        boxes, keypoints = (part[row][shown].astype(np.float32) for part in (truth.boxes, truth.keypoints))
        frames.append(Frame(jpeg, boxes, keypoints))
    return frames


@cache
def _painter(name: str, view: int, light: str) -> Painter:
    here = place(name)
    return Painter(here.cameras[view], list(here.quads), here.lights[light], here.sensor[light], 0)


def save(path: Path, frames: list[Frame]) -> None:
    """Write a shard."""
    counts = np.array([len(frame.boxes) for frame in frames])
    sizes = np.array([len(frame.jpeg) for frame in frames])
    draft = path.with_suffix(".draft.npz")
    np.savez(
        draft,
        jpeg=np.frombuffer(b"".join(frame.jpeg for frame in frames), np.uint8),
        sizes=sizes,
        counts=counts,
        boxes=np.concatenate([frame.boxes for frame in frames]),
        keypoints=np.concatenate([frame.keypoints for frame in frames]),
    )
    draft.rename(path)


def read(path: Path) -> list[Frame]:
    """What `save` wrote."""
    with np.load(path) as shard:
        pictures = np.split(shard["jpeg"], np.cumsum(shard["sizes"])[:-1])
        ends = np.cumsum(shard["counts"])[:-1]
        boxes, keypoints = (np.split(shard[name], ends) for name in ("boxes", "keypoints"))
    return [Frame(*parts) for parts in zip((p.tobytes() for p in pictures), boxes, keypoints, strict=True)]


if __name__ == "__main__":
    main()
