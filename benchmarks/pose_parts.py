"""What each part of the pose worker costs: CPU milliseconds of one thread for a frame.

`python -m benchmarks.pose_parts VIDEO [--frames 120] [--image-size 640] [--tracker skeleton] [--moving]`
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import simplejpeg

from shared.messages import Frame, encode
from workers.pose.config import CameraOptions, PoseConfig, load_tracker
from workers.pose.detector import Selection, people
from workers.pose.images import decode
from workers.pose.refine import Refiner
from workers.pose.runtimes import open_runtime
from workers.pose.stage import build_stage
from workers.pose.tracking import open_tracker
from workers.pose.views import View, sharpest_size
from workers.pose.weights import resolve

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
GENERATION = "0" * 16


def frames_of(path: Path, count: int) -> Iterator[Frame]:
    """A video's first frames as ingest would send them, at full size."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for number, picture in zip(range(count), container.decode(stream), strict=False):
            pixels = np.ascontiguousarray(picture.to_ndarray(format="bgr24"))
            height, width = pixels.shape[:2]
            image = simplejpeg.encode_jpeg(pixels, 85, "BGR")
            at = number / float(stream.average_rate or 25)
            yield Frame(
                camera="bench",
                generation=GENERATION,
                number=number,
                at=at,
                captured_at=at,
                monotonic_s=at,
                pts_s=at,
                width=width,
                height=height,
                source_width=width,
                source_height=height,
                crc=zlib.crc32(image),
                image=image,
            )


class Clock:
    """Adds up the CPU time of named parts."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = {}

    def run(self, part: str, work: Callable[[], Any]) -> Any:
        """Do it and note its time."""
        begun = time.process_time()
        result = work()
        self.parts.setdefault(part, []).append(time.process_time() - begun)
        return result


def measure(arguments: argparse.Namespace) -> Clock:
    """Each part's times over a video."""
    config = PoseConfig(
        weights=arguments.weights,
        runtime=arguments.runtime,
        image_size=arguments.image_size,
        parallel=1,
        tracker=arguments.tracker,
    )
    stage = build_stage(config, {"bench": CameraOptions(moving=arguments.moving)})
    weights = resolve(config.weights)
    head = weights.branch("auto")
    net = open_runtime(
        weights, runtime=config.runtime, head=head, features=False, precision="auto", parallel=1, batch=1
    )
    select = Selection(head, config.conf, config.iou, config.max_det)
    tracker, refiner = (
        open_tracker(load_tracker(config), GENERATION, arguments.moving),
        Refiner(config.refine),
    )
    clock = Clock()
    state = stage.initial("bench", GENERATION)  # advance changes it in place
    for number, frame in enumerate(frames_of(arguments.video, arguments.frames)):
        if number == 2:
            clock.parts.clear()
        view = View.whole(frame.width, frame.height, config.image_size or 640)
        image = clock.run("decode", lambda f=frame, v=view: decode(f, *sharpest_size([v])))
        pixels = clock.run("letterbox", lambda i=image, v=view: v.place(i))
        (candidates,) = clock.run(
            "net", lambda p=pixels: net.run([p], lambda _row, found, _looks: found.copy())
        )
        seen = clock.run("post", lambda c=candidates, v=view: people(c, None, v, select))
        item = stage.prepare(frame)
        tracked = clock.run(
            "tracker",
            lambda f=frame, s=seen, i=item: tracker.update(f.number, f.at, s, (f.width, f.height), i.grey),
        )
        rows = tracked.detection
        clock.run(
            "refine",
            lambda f=frame, s=seen, r=rows, t=tracked: refiner.update(
                f.at, t.track_ids, s.boxes[r], s.keypoints[r], (f.width, f.height)
            ),
        )
        _, finding = clock.run("advance, all", lambda i=item, s=seen: stage.advance(state, i, s))
        clock.run("encode", lambda m=finding: encode(m))
        clock.run("dump", lambda: (tracker.dump(), refiner.snapshot()))
        stored = clock.run("dump, packed", lambda: stage.dump(state))
        clock.parts.setdefault("people", []).append(len(finding.track_ids))
        clock.parts.setdefault("state bytes", []).append(len(stored))
    return clock


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("--weights", default=str(SHARED_DATA / "weights" / "yolo26n-pose-o2m.pt"))
    parser.add_argument("--runtime", default="openvino")
    parser.add_argument("--image-size", type=int, default=640)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--tracker", default="skeleton")
    parser.add_argument("--moving", action="store_true")
    parts = measure(parser.parse_args()).parts
    people_seen, stored = parts.pop("people"), parts.pop("state bytes")
    print(f"{np.mean(people_seen):.1f} people a frame, state {np.mean(stored):.0f} bytes")
    for part, times in parts.items():
        print(f"{part:<14}{np.mean(times) * 1e3:8.2f} ms   median {np.median(times) * 1e3:8.2f}")


if __name__ == "__main__":
    main()
