"""How well the pose worker finds real people: mean OKS on COCO images, by runtime.

`python -m benchmarks.pose_gate [--weights FILE] [--data FOLDER] [--image-size 640]`

Each image goes the product's way: a JPEG in a Frame, `prepare`, `look`. A truth person counts with the best
object key point similarity of any detection, 0 where none fits; persons with fewer than 5 labelled joints
are left out.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from shared.config import ConfigError
from shared.messages import Frame
from shared.skeleton import OKS_SIGMAS
from workers.pose.config import PoseConfig
from workers.pose.detector import Detections
from workers.pose.stage import build_stage

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LEAST_JOINTS = 5
RUNTIMES = (
    ("openvino", "auto"),
    ("openvino", "f32"),
    ("onnxruntime", "auto"),
    ("torch", "auto"),
    ("cuda", "auto"),
)


@dataclass(frozen=True)
class Person:
    """A truth person: [17, 3] x, y, labelled; area in square pixels."""

    keypoints: NDArray[np.float64]
    area: float


@dataclass(frozen=True)
class Score:
    """One runtime's result."""

    oks: float
    found: float
    people: int
    image_ms: float


def truth(folder: Path) -> dict[str, list[Person]]:
    """The labelled people of each image file."""
    described = json.loads((folder / "test_coco.json").read_text())
    names = {image["id"]: image["file_name"] for image in described["images"]}
    people: dict[str, list[Person]] = defaultdict(list)
    for label in described["annotations"]:
        keypoints = np.array(label["keypoints"], float).reshape(17, 3)
        if not label.get("iscrowd") and np.count_nonzero(keypoints[:, 2]) >= LEAST_JOINTS:
            people[names[label["image_id"]]].append(Person(keypoints, label["area"]))
    return dict(people)


def similarity(person: Person, keypoints: NDArray[np.float32]) -> NDArray[np.float64]:
    """COCO's object key point similarity of a truth person with [n, 17, 3] detections."""
    if not len(keypoints):
        return np.zeros(0)
    labelled = person.keypoints[:, 2] > 0
    squared = ((keypoints[:, labelled, :2] - person.keypoints[labelled, :2]) ** 2).sum(axis=2)
    spread = (2 * OKS_SIGMAS[labelled]) ** 2
    means: NDArray[np.float64] = np.exp(-squared / (2 * person.area * spread)).mean(axis=1)
    return means


def frame_of(path: Path, quality: int = 90) -> Frame:
    """The image as ingest would send it."""
    pixels = cv2.imread(str(path))
    height, width = pixels.shape[:2]
    image = simplejpeg.encode_jpeg(pixels, quality, "BGR")
    return Frame(
        camera="gate",
        generation="0" * 16,
        number=0,
        at=0.0,
        captured_at=0.0,
        monotonic_s=0.0,
        pts_s=None,
        width=width,
        height=height,
        source_width=width,
        source_height=height,
        crc=zlib.crc32(image),
        image=image,
    )


def score(config: PoseConfig, folder: Path, rounds: int = 1) -> Score:
    """Mean OKS of a configuration, the share of people with OKS above 0.5, and the time of an image.

    The first round compiles, so only the last of several tells the time.
    """
    stage = build_stage(config, {})
    labelled = truth(folder)
    items = [stage.prepare(frame_of(folder / name)) for name in labelled]
    for _ in range(rounds):
        begun = time.perf_counter()
        seen: list[Detections] = list(stage.look(items))
        elapsed = time.perf_counter() - begun
    values = [
        similarity(person, found.keypoints).max(initial=0.0)
        for people, found in zip(labelled.values(), seen, strict=True)
        for person in people
    ]
    return Score(
        float(np.mean(values)),
        float(np.mean(np.array(values) > 0.5)),
        len(values),
        elapsed / len(items) * 1e3,
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default=str(SHARED_DATA / "weights" / "yolo26n-pose-o2m.pt"))
    parser.add_argument("--data", type=Path, default=SHARED_DATA / "images")
    parser.add_argument("--image-size", type=int, nargs="+", default=[640])
    parser.add_argument("--parallel", type=int, default=None)
    arguments = parser.parse_args()
    heading = f"{'runtime':<14}{'precision':<11}{'size':>5}{'people':>8}{'mean OKS':>10}"
    print(f"{heading}{'OKS > 0.5':>11}{'ms/image':>10}")
    for image_size in arguments.image_size:
        for runtime, precision in RUNTIMES:
            config = PoseConfig.model_validate(
                {
                    "weights": arguments.weights,
                    "runtime": runtime,
                    "precision": precision,
                    "parallel": arguments.parallel,
                    "image_size": image_size,
                }
            )
            try:
                row = score(config, arguments.data, rounds=2)
            except ConfigError as error:
                print(f"{runtime:<14}{precision:<11}{image_size:>5}  skipped: {error}")
                continue
            print(
                f"{runtime:<14}{precision:<11}{image_size:>5}{row.people:>8}{row.oks:>10.4f}{row.found:>11.3f}"
                f"{row.image_ms:>10.1f}"
            )


if __name__ == "__main__":
    main()
