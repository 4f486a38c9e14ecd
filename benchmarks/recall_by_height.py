"""Who is found, by a person's height in the published image, and at what cost: sizes, tiles, mirror images.

`python -m benchmarks.recall_by_height [--weights FILE] [--data FOLDER] [--conf 0.25] [--plot PNG]`

Images of 1280x720 (benchmarks/far_cameras.py) go through the product's views, net and merge. A person counts
as found with an object key point similarity of 0.5 or more to a detection that no better one has taken; what
is left over is a false person, unless it lies on somebody whom the truth leaves open. In brackets is recall
where people made the truth. Each view runs once, on one thread; a row's milliseconds are those of its views
and its merge, `x 640` their ratio to the first row's. Rows `by area` merge as the research document does
(iteration 9): of boxes that overlap by half the largest stays.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks import recall_tables
from benchmarks.far_cameras import CANVAS, Picture, Scene, bonn, by_the_net, coco, mosaics
from benchmarks.found import Tally, matched, on_ignored, similarities
from benchmarks.pose_gate import SHARED_DATA
from workers.pose.detector import Detections, Selection, people, together
from workers.pose.runtimes import Runtime, choose, open_runtime
from workers.pose.suppression import Sameness
from workers.pose.views import View, ViewPlan
from workers.pose.weights import resolve

PLANS = {
    "640": ViewPlan((640,)),
    "960": ViewPlan((960,)),
    "1280": ViewPlan((1280,)),
    "1920": ViewPlan((1920,)),
    "640 + 1280": ViewPlan((640, 1280)),
    "640 + 960 + 1280": ViewPlan((640, 960, 1280)),
    "640, flip test": ViewPlan((640,), flip_test=True),
    "1280, flip test": ViewPlan((1280,), flip_test=True),
    "640, tiles 2x1": ViewPlan((640,), "2x1"),
    "640, tiles 2x2": ViewPlan((640,), "2x2"),
    "1280, tiles 2x1": ViewPlan((1280,), "2x1"),
}
BY_AREA = ("640 + 1280", "640 + 960 + 1280")
# Scenes side by side and images of each kind: people of every height, few forwards.
KINDS = ((1, 24), (2, 20), (3, 9), (4, 7), (6, 3), (8, 2))


def by_area(seen: Sequence[Detections]) -> Detections:
    """The research document's merge."""
    boxes = np.concatenate([part.boxes for part in seen])
    corners = boxes.astype(float)
    corners[:, 2:] -= corners[:, :2]
    areas = corners[:, 2:].prod(axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(corners.tolist(), areas.tolist(), 0.0, 0.5), int)
    scores, keypoints = (np.concatenate([getattr(p, name) for p in seen]) for name in ("scores", "keypoints"))
    return Detections(boxes[kept], scores[kept], keypoints[kept])


class Looks:
    """Shows views to the net and keeps the answers for one image."""

    def __init__(self, net: Runtime, select: Selection, image: Picture) -> None:
        self._net, self._select, self._image = net, select, image
        self._seen: dict[View, tuple[Detections, float]] = {}

    def at(self, view: View) -> tuple[Detections, float]:
        """What a view shows, and the seconds that it took."""
        if view not in self._seen:
            begun = time.perf_counter()
            (seen,) = self._net.run(
                [view.place(self._image)], lambda _r, c, f: people(c, f, view, self._select)
            )
            self._seen[view] = seen, time.perf_counter() - begun
        return self._seen[view]

    def through(
        self, views: Sequence[View], merge: Callable[[Sequence[Detections]], Detections]
    ) -> tuple[Detections, float]:
        """What several views show together, and the seconds that it took."""
        looks = [self.at(view) for view in views]
        begun = time.perf_counter()
        merged = merge([seen for seen, _ in looks])
        return merged, time.perf_counter() - begun + sum(seconds for _, seconds in looks)


def measure(net: Runtime, select: Selection, scenes: Sequence[Scene], conf: float) -> dict[str, Tally]:
    """A tally for each plan."""
    tallies = {name: Tally() for name in (*PLANS, *(f"{name}, by area" for name in BY_AREA))}
    for scene in scenes:
        # JPEG, as ingest would send it.
        image = cv2.imdecode(
            cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR
        )
        looks = Looks(net, select, image)
        for name, tally in tallies.items():
            views = PLANS[name.removesuffix(", by area")].views(*CANVAS)
            ours = lambda seen, v=views: together(seen, v, select)  # noqa: E731
            found, seconds = looks.through(views, by_area if name.endswith("area") else ours)
            tally.add(scene, found, conf)
            tally.seconds += seconds
    return tallies


def by_input_height(net: Runtime, select: Selection, scenes: Sequence[Scene]) -> list[str]:
    """Mean OKS by a person's height in the net's input, which tells merging which view to believe.

    Labelled images are shown from 96 to 2560 pixels wide, enlarged too, because no data here has people of
    more than 400 pixels.
    """
    found: list[tuple[float, float]] = []
    for scene in scenes:
        looks = Looks(net, select, scene.image)
        for size in (96, 160, 224, 320, 480, 640, 960, 1280, 1920, 2560):
            view = View.whole(scene.image.shape[1], scene.image.shape[0], size)
            seen, _ = looks.at(view)
            oks, _ = matched(scene, seen, 0.0)
            found += zip((scene.boxes[:, 3] - scene.boxes[:, 1]) * view.scale, oks, strict=True)
    heights, oks = np.array(found).T
    edges = (25, 40, 60, 90, 130, 200, 300, 450, 640, 900, 1300)
    lines = ["| height in the input, px | people | found | mean OKS |", "|---|---|---|---|"]
    for low, high in pairwise(edges):
        here = oks[(heights >= low) & (heights < high)]
        lines.append(f"| {low}-{high} | {len(here)} | {np.mean(here > 0):.1%} | {here.mean():.3f} |")
    return lines


def suppression_in_one_view(net: Runtime, select: Selection, scenes: Sequence[Scene]) -> list[str]:
    """What OKS would keep of one view that overlap alone suppresses, whose it is, and the time of both."""
    kept: dict[tuple[float, float], list[str]] = {(0.3, 0.8): [], (0.5, 0.8): [], (0.7, 0.9): []}
    times = np.zeros(2)
    for scene in scenes:
        for view in (View.whole(*CANVAS, size) for size in (640, 960, 1280)):
            (found,) = net.run([view.place(scene.image)], lambda _r, c, _f: c[:, c[4] >= select.conf].copy())
            plain = people(found, None, view, select)
            missed = np.flatnonzero(matched(scene, plain, 0.0)[0] == 0)
            boxes, keypoints = np.ascontiguousarray(found[:4].T), found[5:].T.reshape(-1, 17, 3)
            for (oks, certain), outcomes in kept.items():
                same = Sameness(select.iou, oks, certain)
                begun = time.perf_counter()
                rows = np.unique(same.leaders(boxes, keypoints, found[4], select.max_det))
                times += (0, time.perf_counter() - begun)
                more = rows[(rows >= 0) & ~np.isin(found[4, rows], plain.scores)]
                more = more[~on_ignored(scene, view.boxes_back(boxes[more]))]
                values = similarities(scene, view.keypoints_back(keypoints[more]))
                outcomes += [
                    "missed" if missed_oks else "other" for missed_oks in (values[missed] >= 0.5).any(0)
                ]
            begun = time.perf_counter()
            select.rows(found)
            times += (time.perf_counter() - begun, 0)
    lines = ["| kept besides: OKS under, overlap under | somebody missed | a second of somebody, or nobody |"]
    lines.append("|---" * 3 + "|")
    for (oks, certain), outcomes in kept.items():
        lines.append(f"| {oks}, {certain} | {outcomes.count('missed')} | {outcomes.count('other')} |")
    plain_ms, oks_ms = times / (3 * len(scenes)) * 1e3
    return [*lines, "", f"By overlap {plain_ms:.2f} ms a view, by OKS {oks_ms / len(kept):.2f} ms."]


def main() -> None:
    """Print the tables, and draw them where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default=str(SHARED_DATA / "weights" / "yolo26n-pose-o2m.pt"))
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--conf", type=float, default=0.25, help="a detection counts from this score on")
    parser.add_argument("--plot", type=Path, help="a PNG to draw")
    arguments = parser.parse_args()
    weights = resolve(arguments.weights)
    head = weights.branch("auto")
    net = open_runtime(
        weights,
        runtime=choose(arguments.runtime),
        head=head,
        features=False,
        precision="auto",
        parallel=1,
        batch=1,
    )
    select = Selection(head, conf=0.1, iou=0.4, max_det=100)

    def look(image: Picture, size: int, flipped: bool) -> Detections:
        return Looks(net, select, image).at(View.whole(image.shape[1], image.shape[0], size, flipped))[0]

    labelled = coco(arguments.data / "images") + bonn(arguments.data)
    scenes = labelled + by_the_net(arguments.data, look)
    shown = [scene for times, most in KINDS for scene in mosaics(scenes, times, most, seed=times)]
    tallies = measure(net, select, shown, arguments.conf)
    for lines in (
        recall_tables.recall(tallies, shown, arguments.conf),
        recall_tables.sureness(tallies["640"]),
        recall_tables.sureness(tallies["1280"]),
        by_input_height(net, select, labelled[:4] + labelled[4::3]),
        suppression_in_one_view(net, select, shown),
    ):
        print("\n".join(lines), end="\n\n")
    if arguments.plot:
        recall_tables.plot(arguments.plot, tallies, shown)


if __name__ == "__main__":
    main()
