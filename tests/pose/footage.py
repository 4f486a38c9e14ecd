"""Frames and detections that several tests here need."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import simplejpeg

from shared.messages import Frame
from workers.pose.detector import Detections

GENERATION = "0123456789abcdef"


def frame_with(jpeg: bytes, width: int, height: int, number: int = 0, at: float = 0.0, **fields) -> Frame:
    return Frame(
        **{
            "camera": "lobby",
            "generation": GENERATION,
            "number": number,
            "at": at,
            "captured_at": at,
            "monotonic_s": at,
            "pts_s": at,
            "width": width,
            "height": height,
            "source_width": width,
            "source_height": height,
            "crc": zlib.crc32(jpeg),
            "image": jpeg,
            **fields,
        }
    )


def frames_of(path: Path, count: int, every: int = 1) -> Iterator[Frame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for number, picture in enumerate(container.decode(stream)):
            if number >= count * every:
                return
            if number % every == 0:
                pixels = picture.to_ndarray(format="bgr24")
                image = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), 85, "BGR")
                height, width = pixels.shape[:2]
                yield frame_with(image, width, height, number, float(picture.pts * stream.time_base))


def detections(boxes, scores, features=None) -> Detections:
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    keypoints = np.zeros((len(boxes), 17, 3), np.float32)
    keypoints[..., 0] = boxes[:, None, 0]
    keypoints[..., 1] = boxes[:, None, 1]
    return Detections(boxes, np.asarray(scores, np.float32), keypoints, features)


def crowd(seed: int, people: int, steps: int, dimension: int = 0) -> list[Detections]:
    """People who walk, meet, are seen weakly and are missed for a while."""
    random = np.random.default_rng(seed)
    position = random.uniform(50, 550, (people, 2))
    speed = random.normal(0, 4, (people, 2))
    size = random.uniform((25, 70), (60, 180), (people, 2))
    looks = random.normal(size=(people, dimension))
    hidden = np.zeros(people, int)
    found = []
    for _ in range(steps):
        position += speed
        speed = np.where((position < 0) | (position > 600), -speed, speed)
        hidden = np.where(
            (hidden == 0) & (random.random(people) < 0.05), random.integers(1, 12, people), hidden
        )
        seen = np.flatnonzero(hidden == 0)
        hidden = np.maximum(hidden - 1, 0)
        centre = position[seen] + random.normal(0, 1.5, (len(seen), 2))
        boxes = np.concatenate([centre - size[seen] / 2, centre + size[seen] / 2], axis=1)
        features = looks[seen] + random.normal(0, 0.2, (len(seen), dimension))
        order = random.permutation(len(seen))
        scores = random.choice([0.15, 0.3, 0.55, 0.8, 0.95], len(seen))
        found.append(
            detections(boxes[order], scores[order], features[order].astype(np.float32) if dimension else None)
        )
    return found
