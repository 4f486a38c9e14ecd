"""Real people seen from farther away, with truth: scenes shrunk and put side by side in a camera's image.

Shrinking a published image alone would leave the cost of a view unlike a real camera's. So k x k shrunken
scenes fill one image of 1280x720, as if one camera saw them all: people become 1/k as tall, the image keeps
its size, and each class of height gets many people for few forwards. Seams are no more than edges of images.

Truth is made by people for COCO and for the Bonn clip. The other clips have none: there the net's own answer
at full size counts, where three looks agree. Such a reference holds only what this net can find at all; what
is measured on it is what distance takes away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pose_gate import LEAST_JOINTS
from workers.pose.detector import Detections
from workers.pose.suppression import body_area, likeness, overlap

CANVAS = (1280, 720)
# How many frames apart.
CLIPS = {
    "pedestrians_crossing.avi": 10,
    "office_fight.mp4": 25,
    "two_hugging.mp4": 15,
    "three_exercising.avi": 25,
    "one_by_one.mp4": 35,
}
BONN_CLIP, BONN_KEY = "four_crossing_bonn_060470979.mp4", "test_060470979"
# MPII joint -> COCO joint (the Bonn labels have no face).
MPII_TO_COCO = {10: 10, 11: 8, 12: 6, 13: 5, 14: 7, 15: 9, 2: 12, 3: 11, 1: 14, 4: 13, 0: 16, 5: 15}

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """An image and who is in it.

    Attributes:
        image: [h, w, 3] uint8 BGR.
        boxes: [P, 4] of people to be found.
        keypoints: [P, 17, 3] x, y, 1 where labelled; a person may have none.
        areas: [P] square pixels of the bodies.
        ignored: [I, 4] boxes where a detection is neither right nor wrong.
        source: where the truth is from: `people` or `net`.
    """

    image: Picture
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    areas: NDArray[np.float32]
    ignored: NDArray[np.float32]
    source: NDArray[np.str_]

    def moved(self, scale: float, left: int, top: int, image: Picture) -> Scene:
        """The same people in another image, shrunk by `scale` and moved."""
        offset = np.array([left, top, left, top], np.float32)
        keypoints = self.keypoints.copy()
        keypoints[..., :2] = keypoints[..., :2] * scale + offset[:2]
        return Scene(
            image,
            self.boxes * scale + offset,
            keypoints,
            self.areas * scale**2,
            self.ignored * scale + offset,
            self.source,
        )


def coco(folder: Path) -> list[Scene]:
    """The COCO images: who has 5 labelled joints is to be found, everybody else is ignored."""
    described = json.loads((folder / "test_coco.json").read_text())
    scenes = []
    for image in described["images"]:
        labels = [label for label in described["annotations"] if label["image_id"] == image["id"]]
        joints = [np.array(label["keypoints"], np.float32).reshape(17, 3) for label in labels]
        corners = np.array([label["bbox"] for label in labels], np.float32).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        wanted = np.array(
            [
                not label.get("iscrowd") and np.count_nonzero(points[:, 2]) >= LEAST_JOINTS
                for label, points in zip(labels, joints, strict=True)
            ]
        )
        keypoints = np.stack(joints)[wanted]
        keypoints[..., 2] = keypoints[..., 2] > 0
        areas = np.array([label["area"] for label in labels], np.float32)[wanted]
        pixels = cv2.imread(str(folder / image["file_name"]))
        scenes.append(
            Scene(
                pixels, corners[wanted], keypoints, areas, corners[~wanted], _source("people", wanted.sum())
            )
        )
    return scenes


def bonn(data: Path, every: int = 3) -> list[Scene]:
    """The clip with labelled joints; a box is what the joints span, with the head's and the feet's rest."""
    joints = np.load(data / "skeletons" / "bonn_posetrack_mpii16.npz")[BONN_KEY]
    scenes = []
    for number, image in _pictures(data / "videos" / BONN_CLIP, range(0, joints.shape[1], every)):
        here = joints[:, number]
        low, high = np.nanmin(here[..., :2], axis=1), np.nanmax(here[..., :2], axis=1)
        rest = 0.04 * (high - low)[:, 1:]
        boxes = np.concatenate([low - rest, high + rest], axis=1).astype(np.float32)
        keypoints = np.zeros((len(here), 17, 3), np.float32)
        for mpii, joint in MPII_TO_COCO.items():
            keypoints[:, joint, :2] = np.nan_to_num(here[:, mpii, :2])
            keypoints[:, joint, 2] = np.isfinite(here[:, mpii, 0])
        areas = body_area(boxes)
        scenes.append(
            Scene(image, boxes, keypoints, areas, np.zeros((0, 4), np.float32), _source("people", len(boxes)))
        )
    return scenes


Look = Callable[[Picture, int, bool], Detections]


def by_the_net(data: Path, look: Look) -> list[Scene]:
    """The clips without labels: who is found with a score of 0.5 in three looks that agree is to be found.

    Args:
        data: the folder of data sets.
        look: people of an image at an image size, in its mirror image or not, down to a score of 0.1.
    """
    scenes = []
    for name, every in CLIPS.items():
        for _number, image in _pictures(data / "videos" / name, range(0, 100_000, every)):
            scene = _agreed(image, look)
            if len(scene.boxes):
                scenes.append(scene)
    return scenes


def _agreed(image: Picture, look: Look) -> Scene:
    size = int(np.clip(max(image.shape[:2]) // 32 * 32, 640, 1280))
    first = look(image, size, False)
    others = [look(image, size, True), look(image, size * 3 // 4 // 32 * 32, False)]
    areas = body_area(first.boxes)
    agreed = first.scores >= 0.5
    for seen in others:
        sure = seen.keypoints[seen.scores >= 0.5]
        for row in np.flatnonzero(agreed):
            agreed[row] = likeness(first.keypoints[row], sure, areas[row]).max(initial=0) >= 0.7
    doubtful = [first.boxes[~agreed]]
    for seen in others:
        new = [overlap(box, first.boxes[agreed]).max(initial=0) < 0.5 for box in seen.boxes]
        doubtful.append(seen.boxes[np.array(new, bool)])
    keypoints = first.keypoints[agreed]
    keypoints[..., 2] = keypoints[..., 2] >= 0.5
    return Scene(
        image,
        first.boxes[agreed],
        keypoints,
        areas[agreed],
        np.concatenate(doubtful),
        _source("net", agreed.sum()),
    )


def mosaics(scenes: Sequence[Scene], times: int, most: int, seed: int = 0) -> list[Scene]:
    """Images of 1280x720 with `times` x `times` scenes each; a scene is never enlarged.

    Args:
        scenes: each is used at most once, in random order.
        times: columns and rows.
        most: images to make at most.
        seed: of the order.
    """
    order = np.random.default_rng(seed).permutation(len(scenes))
    cells = times * times
    made = []
    for start in range(0, max(1, len(order) // cells) * cells, cells):
        chosen = [scenes[row] for row in order[start : start + cells]]
        made.append(_mosaic(chosen, times))
        if len(made) == most:
            break
    return made


def _mosaic(scenes: Sequence[Scene], times: int) -> Scene:
    width, height = CANVAS[0] // times, CANVAS[1] // times
    canvas = np.full((CANVAS[1], CANVAS[0], 3), 114, np.uint8)
    placed = []
    for number, scene in enumerate(scenes):
        rows, columns = scene.image.shape[:2]
        scale = min(width / columns, height / rows, 1.0)
        left, top = number % times * width, number // times * height
        small = cv2.resize(
            scene.image, (round(columns * scale), round(rows * scale)), interpolation=cv2.INTER_AREA
        )
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
        placed.append(scene.moved(scale, left, top, canvas))
    parts = (np.concatenate([getattr(scene, name) for scene in placed]) for name in _PARTS)
    return Scene(canvas, *parts)


_PARTS = ("boxes", "keypoints", "areas", "ignored", "source")


def _source(name: str, count: int) -> NDArray[np.str_]:
    return np.full(count, name)


def _pictures(path: Path, numbers: range) -> Iterator[tuple[int, Picture]]:
    with av.open(str(path)) as container:
        for number, picture in enumerate(container.decode(container.streams.video[0])):
            if number in numbers:
                yield number, picture.to_ndarray(format="bgr24")
