"""The demonstration's own pose net, and a public one, on rendered frames that neither was trained on.

    python -m benchmarks.simulated_pose
    python -m benchmarks.simulated_pose --acts 16 --ours models/simulated-pose --public yolo26n-pose.pt

Acts of the simulated site with seeds below those of training (`training.pose_frames`), in all places, views
and lights in turn, go the product's way: JPEG, views, net, suppression. A person is to be found of whom
`LEAST_SEEN` of the body can be seen; found is who has a detection with an OKS of 0.5 or more over the joints
that can. A detection is a false person where it fits nobody, seen or hidden, by an OKS or an overlap of 0.3.
Sides are swapped where a joint and its twin are both nearer to the other's place than to their own.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from benchmarks.far_cameras import Scene
from benchmarks.found import matched, similarities
from benchmarks.pose_gate import SHARED_DATA
from shared.skeleton import FLIP
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.places import PLACES
from workers.ingest.simulated.site_camera import SiteCamera
from workers.ingest.simulated.truth import Truth
from workers.pose.detector import Detections, Selection, people, together
from workers.pose.runtimes import Runtime, choose, open_runtime
from workers.pose.suppression import overlap
from workers.pose.views import View, ViewPlan
from workers.pose.weights import resolve

FIRST_SEED, CONF = 300_000, 0.25
LEAST_SEEN = 0.3
_OF_ACT, _QUALITY = 40, 85
_FITS = 0.3


@dataclass
class Score:
    """What a net found of all frames."""

    frames: int = 0
    oks: list[NDArray[np.float64]] = field(default_factory=list)
    heights: list[NDArray[np.float64]] = field(default_factory=list)
    false: int = 0
    swapped: int = 0
    pairs: int = 0
    seconds: float = 0.0

    def row(self) -> str:
        """As a row of the table."""
        oks, heights = np.concatenate(self.oks), np.concatenate(self.heights)
        recalls = [
            f"{np.mean(oks[(heights >= low) & (heights < high)] > 0):.3f}"
            for low, high in itertools.pairwise((0, 110, 150, 1000))
        ]
        return (
            f"{np.mean(oks > 0):.3f} | {' / '.join(recalls)} | {oks[oks > 0].mean():.3f} |"
            f" {self.swapped / max(self.pairs, 1):.2%} | {self.false / self.frames:.3f} |"
            f" {1000 * self.seconds / self.frames:.0f}"
        )


def main() -> None:
    """Runs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--acts", type=int, default=16)
    parser.add_argument("--ours", default="simulated-pose")
    parser.add_argument("--public", default=str(SHARED_DATA / "weights" / "yolo26n-pose-o2m.pt"))
    arguments = parser.parse_args()
    nets = [(arguments.ours, 384)]
    if Path(arguments.public).exists():
        nets += [(arguments.public, 384), (arguments.public, 640)]
    frames = list(_frames(arguments.acts))
    print(f"{len(frames)} frames, {sum(len(scene.boxes) for scene, _ in frames)} people to be found")
    print(
        "| net, size | recall | under 110 / 110-150 / over 150 px | mean OKS | swapped | false a frame | ms |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, size in nets:
        print(f"| {Path(name).stem}, {size} | {_measured(name, size, frames).row()} |", flush=True)


def _frames(acts: int) -> Iterator[tuple[Scene, NDArray[np.float64]]]:
    """Pictures with who is to be found in them and who may be, and those people's heights."""
    rng = np.random.default_rng(FIRST_SEED)
    where = itertools.cycle(itertools.product(PLACES, (0, 1), ("day", "night")))
    for number in range(acts):
        place, view, light = next(where)
        address = Address.model_validate(
            {
                **{"place": place, "view": view, "light": light, "seed": FIRST_SEED + number},
                "people": int(rng.integers(1, 6)),
                **{"fights": int(rng.integers(0, 3)), "hugs": int(rng.integers(0, 2))},
            }
        )
        camera = SiteCamera(address)
        for moment in rng.choice(600, _OF_ACT, replace=False).tolist():
            yield _scene(camera.picture(moment), camera.truth(moment))


def _scene(picture: NDArray[np.uint8], truth: Truth) -> tuple[Scene, NDArray[np.float64]]:
    jpeg = simplejpeg.encode_jpeg(picture, _QUALITY, "BGR", "420", fastdct=False)
    image = simplejpeg.decode_jpeg(jpeg, "BGR")
    share, keypoints, boxes = truth.visible_share[0], truth.keypoints[0], truth.boxes[0]
    wanted = truth.present[0] & (share >= LEAST_SEEN) & (keypoints[..., 2].sum(axis=-1) >= 4)
    others = truth.present[0] & ~wanted
    areas = 0.53 * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    scene = Scene(
        image,
        boxes[wanted].astype(np.float32),
        keypoints[wanted].astype(np.float32),
        areas[wanted].astype(np.float32),
        boxes[others].astype(np.float32),
        np.full(int(wanted.sum()), "people"),
    )
    return scene, truth.heights_px[0][wanted]


def _measured(weights: str, size: int, frames: list[tuple[Scene, NDArray[np.float64]]]) -> Score:
    opened = resolve(weights)
    head = opened.branch("auto")
    net = open_runtime(
        opened, runtime=choose("auto"), head=head, features=False, precision="auto", parallel=1, batch=1
    )
    select, plan, score = Selection(head, CONF, iou=0.4, max_det=20), ViewPlan((size,)), Score()
    for scene, heights in frames:
        started = time.process_time()
        views = plan.views(scene.image.shape[1], scene.image.shape[0])
        seen = together([_look(net, select, view, scene) for view in views], views, select)
        score.seconds += time.process_time() - started
        _add(score, scene, heights, seen)
    return score


def _look(net: Runtime, select: Selection, view: View, scene: Scene) -> Detections:
    (seen,) = net.run([view.place(scene.image)], lambda _r, c, f: people(c, f, view, select))
    return seen


def _add(score: Score, scene: Scene, heights: NDArray[np.float64], seen: Detections) -> None:
    oks, taken = matched(scene, seen, CONF)
    score.frames += 1
    score.oks.append(oks)
    score.heights.append(heights)
    everybody = np.concatenate([scene.boxes, scene.ignored])
    fits = similarities(scene, seen.keypoints).max(axis=0, initial=0) >= _FITS
    on = np.array([overlap(box, everybody).max(initial=0) >= _FITS for box in seen.boxes], bool)
    score.false += int((~taken & ~fits & ~on & (seen.scores >= CONF)).sum())
    values = similarities(scene, seen.keypoints)
    for person in np.flatnonzero(oks > 0):
        found = seen.keypoints[int(np.argmax(np.where(taken, values[person], -1)))]
        _count_swaps(score, scene.keypoints[person], found)


def _count_swaps(score: Score, truth: NDArray[np.float32], found: NDArray[np.float32]) -> None:
    """Shoulders, elbows, wrists, hips, knees, ankles of which both are to be seen."""
    for left in range(5, 17, 2):
        right = int(FLIP[left])
        if truth[[left, right], 2].all():
            own = [np.hypot(*(found[j, :2] - truth[j, :2])) for j in (left, right)]
            other = [np.hypot(*(found[j, :2] - truth[k, :2])) for j, k in ((left, right), (right, left))]
            score.pairs += 1
            score.swapped += int(other[0] < own[0] and other[1] < own[1])


if __name__ == "__main__":
    main()
