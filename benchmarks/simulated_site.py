"""The demonstration's four cameras against their truth, through every stage but without a bus.

    python -m benchmarks.simulated_site                   ten seeds, a minute each
    python -m benchmarks.simulated_site --seeds 1 --seconds 600
    python -m benchmarks.simulated_site --weights yolo26n-pose.pt --image-size 640

The site is configs/demo.yaml with other people for each seed; none of those seeds was in any training. Told
are identities (IDF1, switches; of people of whom a tenth can be seen; who comes back after 2 s away counts as
somebody else), fights found and after how long they were confirmed, and incidents where nobody fought.
`nexara demo` shows the same live.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.incidents import told
from benchmarks.tracking import while_there
from shared.messages import Tracks
from workers.cli.demo import SITE, recorded
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, open_looker, opened
from workers.cli.site import Site, compose, load
from workers.cli.tally import CameraTally, judged
from workers.ingest.config import CameraOptions
from workers.ingest.simulated.address import parse
from workers.ingest.simulated.site_camera import SiteCamera
from workers.pose.evaluation.tracking import TrackingScores, Tracklets, score_tracking

LEAST_SHARE = 0.1
# A frame's number, who, and their box.
Row = tuple[int, int, list[float]]


@dataclass
class Found:
    """What was made of one kind of camera, over all seeds."""

    scores: list[TrackingScores] = field(default_factory=list)
    delays: list[float | None] = field(default_factory=list)
    false: int = 0

    def row(self) -> str:
        """As a row of the table."""
        found = [delay for delay in self.delays if delay is not None]
        idf1 = f"{np.mean([one.idf1 for one in self.scores]):.3f}" if self.scores else "-"
        after = f"{np.median(found):.1f} ({min(found):.1f}-{max(found):.1f})" if found else "-"
        switches = sum(one.switches for one in self.scores)
        return f"{idf1} | {switches} | {len(found)} of {len(self.delays)} | {after} | {self.false}"


def main() -> None:
    """Runs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--weights", help="other pose weights than the site's")
    parser.add_argument("--image-size", type=int, help="other size of the net's input")
    parser.add_argument("--cameras", nargs="*", help="only these")
    arguments = parser.parse_args()
    site = load(SITE)
    changed = {"weights": arguments.weights, "image_size": arguments.image_size}
    pose = site.pose.model_copy(update={key: value for key, value in changed.items() if value is not None})
    looker = open_looker(pose.model_copy(update={"parallel": 1}))
    cameras = arguments.cameras or list(site.cameras)
    found = {name: Found() for name in cameras}
    started = time.process_time()
    for seed in range(arguments.first_seed, arguments.first_seed + 10 * arguments.seeds, 10):
        contents = recorded(compose(SITE, (), {}), arguments.seconds, seed)
        for name in cameras:
            _watch(contents["cameras"][name]["source"], looker, site, found[name])
    print("| camera | IDF1 | switches | fights found | after, s: median (least-most) | false incidents |")
    print("|---|---|---|---|---|---|")
    for name, one in found.items():
        print(f"| {name} | {one.row()} |")
    minutes = arguments.seeds * len(cameras) * arguments.seconds / 60
    print(f"{minutes:.0f} camera-minutes, {(time.process_time() - started) / minutes:.1f} CPU seconds each")


def _watch(source: str, looker: Looker, site: Site, found: Found) -> None:
    address = parse(source)
    camera, tally = SiteCamera(address), CameraTally(address)
    true: list[Row] = []
    ours: list[Row] = []

    def tracks() -> Iterator[Tracks]:
        for one in _tracks(source, looker):
            truth = camera.truth(one.number)
            seen = truth.present[0] & (truth.visible_share[0] >= LEAST_SHARE)
            true.extend(_rows(one.number, truth.ids[seen], truth.boxes[0][seen]))
            shown = one.boxes[~one.predicted] * camera.size[0] / one.width
            ours.extend(_rows(one.number, one.track_ids[~one.predicted], shown))
            tally.note(one)
            yield one

    story = told("", tracks(), site.classify)
    tally.incidents |= story.incidents
    if true:
        times = np.arange(1 + max(number for number, _, _ in true)) / address.fps
        found.scores.append(score_tracking(while_there(_tracklets(true), times), _tracklets(ours)))
    fights, false = judged(source, tally)
    found.delays += [fight.found_after for fight in fights]
    found.false += false


def _tracks(source: str, looker: Looker) -> Iterator[Tracks]:
    stage, state = looker.stage, looker.stage.initial(CAMERA, GENERATION)
    options = CameraOptions(source=source, max_width=SiteCamera(parse(source)).size[0])
    with opened(options) as film:
        for _, item, seen in looks(frames_of(film, options), stage):
            state, tracks = stage.advance(state, item, seen)
            yield tracks


def _rows(number: int, ids: NDArray[np.int64], boxes: NDArray[np.floating]) -> Iterator[Row]:
    return zip(itertools.repeat(number), ids.tolist(), boxes.tolist())


def _tracklets(rows: list[Row]) -> Tracklets:
    frames, ids, boxes = zip(*rows, strict=True) if rows else ((), (), ())
    return Tracklets(
        np.array(frames, np.int64), np.array(ids, np.int64), np.array(boxes, float).reshape(-1, 4)
    )


if __name__ == "__main__":
    main()
