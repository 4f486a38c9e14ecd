"""Runs the product's detector over clips and keeps everybody it finds; nobody is tracked.

    python -m training.detections ../shared/data/videos/fights --out detections.npz

A clip goes the way of a camera's pictures: decoded, made no wider than the detector needs, packed as JPEG,
looked at by the pose stage, on one thread. The file holds n people of K clips, best first in each frame:

    clip, frame  [n] number of the clip and of its frame, from 0
    track        [n] -1: whoever reads the file joins them
    box          [n, 4] x1 y1 x2 y2 in pixels of the clip as it is shown (upright), as are those of kpts
    score        [n]
    kpts         [n, 17, 3] x, y, confidence
    clip_name    [K] `fight/fi001.mp4`; a folder's clips by the number in their names
    clip_label   [K] 1: fight, 0: none, -1: lies in no folder that says so
    clip_fps     [K] frames a second, on average; clip_frames [K] how many frames
    clip_wh      [K, 2] width and height in pixels
    clip_times   [sum of clip_frames] seconds since the clip's first frame, clip after clip; only where
                 frame / clip_fps is wrong by a tenth of a frame or more somewhere
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.config import validate
from shared.messages import Frame
from workers.classify.evaluation.sources import LABELS
from workers.cli.films import Looker, films_in, frames_of, looks, name_of, open_looker, opened
from workers.ingest.sources import SourceError, check_file
from workers.pose.cache import whole_file
from workers.pose.config import PoseConfig
from workers.pose.detector import Detections

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What one clip shows.

    Attributes:
        fps, size: frames a second, on average; width and height in pixels.
        times: of each frame, seconds since the first.
        people: in each frame, in pixels of the clip.
    """

    fps: float
    size: tuple[int, int]
    times: NDArray[np.float64]
    people: list[Detections]


def detect(film: Path, looker: Looker) -> Found:
    """Everybody whom the pose stage sees in a film.

    Raises:
        SourceError: it cannot be read, or has no frame.
    """
    times: list[float] = []
    people: list[Detections] = []
    options = looker.options(film)
    with opened(options) as source:
        for frame, _, seen in looks(frames_of(source, options), looker.stage):
            people.append(_as_shown(frame, seen))
            times.append(frame.at)
            size = frame.source_width, frame.source_height
    if not times:
        raise SourceError(f"{film}: no frame can be decoded")
    return Found(source.rate, size, np.array(times) - times[0], people)


def _as_shown(frame: Frame, seen: Detections) -> Detections:
    """The detections in pixels of the film instead of the published image."""
    x, y = frame.source_width / frame.width, frame.source_height / frame.height
    boxes = seen.boxes * np.array([x, y, x, y], np.float32)
    return Detections(boxes, seen.scores, seen.keypoints * np.array([x, y, 1], np.float32))


def arrays(clips: Sequence[Path], found: Sequence[Found]) -> dict[str, Any]:
    """The arrays of the file, as the module's head says."""
    seen_in = [(clip, frame, seen) for clip, one in enumerate(found) for frame, seen in enumerate(one.people)]
    counts = [len(seen) for _, _, seen in seen_in]
    strays = [np.abs(one.times * one.fps - np.arange(len(one.times))).max() for one in found]
    made = {
        "clip": _small(np.repeat([clip for clip, _, _ in seen_in], counts)),
        "frame": _small(np.repeat([frame for _, frame, _ in seen_in], counts)),
        "track": np.full(sum(counts), -1, np.int16),
        "box": np.concatenate([seen.boxes for _, _, seen in seen_in]),
        "score": np.concatenate([seen.scores for _, _, seen in seen_in]),
        "kpts": np.concatenate([seen.keypoints for _, _, seen in seen_in]),
        "clip_name": np.array([name_of(clip) for clip in clips]),
        "clip_label": np.array([LABELS.get(clip.parent.name, -1) for clip in clips], np.int8),
        "clip_fps": np.array([one.fps for one in found], np.float32),
        "clip_wh": _small(np.array([one.size for one in found])),
        "clip_frames": _small(np.array([len(one.times) for one in found])),
    }
    if max(strays) >= 0.1:
        made["clip_times"] = np.concatenate([one.times for one in found])
    return made


def _small(numbers: NDArray[Any]) -> NDArray[Any]:
    """As int16, or int32 where that is too small."""
    return numbers.astype(np.int16 if numbers.max(initial=0) <= np.iinfo(np.int16).max else np.int32)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("places", type=Path, nargs="+", metavar="FOLDER", help="with fight/ and noFight/; or films")
    add("--out", type=Path, required=True, help="an .npz")
    add("--weights", default="yolo26n-pose", help="as pose.weights in a site file")
    add("--image-size", type=int, help="default: 640 on a CPU, 1280 on CUDA")
    add("--extra-sizes", type=int, nargs="*", default=[])
    add("--tiles", default="none", help="none, auto, or columns x rows as 2x1")
    add("--flip-test", action="store_true")
    add("--conf", type=float, default=0.1, help="weakest detection kept, 0.1 at most")
    add("--iou", type=float, default=0.4, help="overlap above which the weaker of two detections goes")
    add("--runtime", default="auto")
    add("--limit", type=int, help="only so many clips, for a quick look")
    settings = vars(parser.parse_args())
    places, out, limit = (settings.pop(name) for name in ("places", "out", "limit"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    clips = [clip for place in places for clip in (films_in(place) if place.is_dir() else [place.absolute()])]
    clips = clips[:limit]
    if not clips:
        parser.error(f"{places[0]}: holds no clips: put them into {' and '.join(LABELS)}")
    try:
        looker = open_looker(validate(settings | {"parallel": 1}, PoseConfig, "arguments"))
        for clip in clips:
            check_file("clip", looker.options(clip))
    except ValueError as error:
        parser.error(str(error))
    write(clips, looker, out)


def write(clips: Sequence[Path], looker: Looker, out: Path) -> None:
    """Look at films, and write what was seen into a file.

    Raises:
        SourceError: a film cannot be read.
    """
    found, started = [], time.monotonic()
    for number, clip in enumerate(clips, 1):
        found.append(detect(clip, looker))
        if number % 10 == 0:
            log.info("clips=%d of=%d seconds=%.0f", number, len(clips), time.monotonic() - started)
    with whole_file(out) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **arrays(clips, found))


if __name__ == "__main__":
    main()
