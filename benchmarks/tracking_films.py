"""Trackers on real films, with and without re-identification: an anecdote, not a measurement.

Four people who cross, with joint truth (Bonn), and pedestrians without: there only identities are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from shared.config import load
from workers.pose.appearance import Appearance
from workers.pose.config import TRACKER_FILES, TrackerConfig
from workers.pose.detector import Detections, Detector, Selection
from workers.pose.evaluation.tracking import Tracklets, score_tracking
from workers.pose.runtimes import open_runtime
from workers.pose.tracking import open_tracker
from workers.pose.views import View
from workers.pose.weights import resolve

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BONN = "four_crossing_bonn_060470979.mp4"
FILMS = (BONN, "pedestrians_crossing.avi")
TRUTH_KEY = "test_060470979"
WEIGHTS = DATA / "weights" / "yolo26n-pose-o2m.pt"
OSNET = DATA / "weights" / "osnet_x0_25_msmt17.onnx"
# From joints to a whole person: the head's top and the feet lie beyond the outermost joints.
MARGIN = 0.1
# An identity that is told of for less is a fragment.
FRAGMENT_FRAMES = 8
IMAGE_SIZE = 640
# name, tracker, reid
CONTENDERS = (
    ("ByteTrack", "bytetrack", "none"),
    ("BoT-SORT", "botsort", "none"),
    ("BoT-SORT + OSNet", "botsort", "osnet"),
    ("ours", "skeleton", "none"),
    ("ours + native features", "skeleton", "native"),
    ("ours + OSNet", "skeleton", "osnet"),
)


@dataclass(frozen=True)
class Seen:
    """One frame's people, with features of every kind."""

    at: float
    frame_size: tuple[int, int]
    found: Detections
    features: dict[str, NDArray[np.float32] | None]


def looked_at(film: Path) -> Iterator[Seen]:
    """Detect once for all trackers."""
    weights = resolve(str(WEIGHTS))
    head = weights.branch("auto")
    net = open_runtime(
        weights, runtime="openvino", head=head, features=True, precision="auto", parallel=1, batch=1
    )
    detector = Detector(net, Selection(head, 0.1, 0.4, 20))
    osnet = Appearance(OSNET, 1)
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        for picture in container.decode(stream):
            image = picture.to_ndarray(format="bgr24")
            view = View.whole(picture.width, picture.height, IMAGE_SIZE)
            size = (view.box.inner_width, view.box.inner_height)
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            (found,) = detector.look([[view.place(small)]], [[view]])
            vectors = osnet.vectors(image, found.boxes, found.scores >= 0.5)
            yield Seen(
                float(picture.pts * stream.time_base),
                (picture.width, picture.height),
                found,
                {"none": None, "native": found.features, "osnet": vectors},
            )


def followed(frames: list[Seen], tracker: str, reid: str) -> Tracklets:
    """What a tracker makes of a film."""
    config = load(TRACKER_FILES / f"{tracker}.yaml", TrackerConfig).model_copy(update={"reid": reid})
    one = open_tracker(config, "0" * 16)
    parts = []
    for number, seen in enumerate(frames):
        found = replace(seen.found, features=seen.features[reid])
        told = one.update(number, seen.at, found, seen.frame_size)
        parts.append((np.full(len(told.track_ids), number), told.track_ids, found.boxes[told.detection]))
    numbers, ids, boxes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Tracklets(numbers, ids, boxes.astype(np.float64))


def bonn_truth() -> Tracklets:
    """Boxes around the joints that were annotated, a little larger."""
    joints = np.load(DATA / "skeletons" / "bonn_posetrack_mpii16.npz")[TRUTH_KEY][..., :2].astype(np.float64)
    people, frames = np.nonzero(np.isfinite(joints[..., 0]).sum(axis=-1) >= 4)
    mine = joints[people, frames]
    low, high = np.nanmin(mine, axis=1), np.nanmax(mine, axis=1)
    margin = MARGIN * (high - low)
    return Tracklets(frames, people, np.concatenate([low - margin, high + margin], axis=1))


def films_table() -> str:
    """Markdown: a row for each film and tracker."""
    lines = ["| film | tracker | IDF1 | HOTA | switches | identities | fragments |", "|---" * 7 + "|"]
    for name in FILMS:
        frames = list(looked_at(DATA / "videos" / name))
        truth = bonn_truth() if name == BONN else None
        for title, tracker, reid in CONTENDERS:
            result = followed(frames, tracker, reid)
            _, lengths = np.unique(result.ids, return_counts=True)
            figures = "- | - | -"
            if truth is not None:
                scores = score_tracking(truth, result)
                figures = f"{scores.idf1:.3f} | {scores.hota:.3f} | {scores.switches}"
            short = int((lengths < FRAGMENT_FRAMES).sum())
            lines.append(f"| {name} | {title} | {figures} | {len(lengths)} | {short} |")
    return "\n".join(lines)
