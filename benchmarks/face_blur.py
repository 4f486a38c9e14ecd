"""How many heads are made unrecognisable in evidence with blurred heads, on the simulated site.

    python -m benchmarks.face_blur
    python -m benchmarks.face_blur --seeds 3 --seconds 60 --cameras plaza lobby

The demonstration's cameras with other people for each seed go the product's way: JPEG, the shipped net,
tracker, then where evidence blurs. A head counts in a frame if its nose or an eye can be seen, in the
picture and not hidden by others; it is covered where all of its face that can be seen (nose, eyes, ears) is
inside the blur. The same is told without the bridging over moments without a detection, of heads by their
size, and why the rest is missed: that person was not detected (most stand behind somebody), or was and the
blur lies beside the head.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.messages import Tracks
from shared.skeleton import JOINTS
from workers.archive.evidence.heads import bridged, heads_of
from workers.archive.evidence.pictures import BRIDGE_S
from workers.cli.demo import SITE, recorded
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, open_looker, opened
from workers.cli.site import compose, load
from workers.ingest.config import CameraOptions
from workers.ingest.simulated.address import parse
from workers.ingest.simulated.site_camera import SiteCamera
from workers.pose.suppression import overlap

Floats = NDArray[np.float64]

FACE = slice(0, 5)
_SEEN = [JOINTS.index(name) for name in ("nose", "left_eye", "right_eye")]
# Standing height in pixels, of which a head is a seventh.
SIZES = ((0, 110), (110, 150), (150, 10_000))
_DETECTED = 0.3


@dataclass
class Count:
    """Heads that can be seen, and how many of them are covered."""

    heads: int = 0
    covered: int = 0
    alone: int = 0
    sizes: Counter[tuple[int, bool]] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    blurred_share: list[float] = field(default_factory=list)

    def row(self) -> str:
        """As a row of the table."""
        by_size = [
            f"{self.sizes[size, True] / max(1, self.sizes[size, True] + self.sizes[size, False]):.3f}"
            for size in range(len(SIZES))
        ]
        causes = ", ".join(f"{cause} {count}" for cause, count in self.causes.most_common()) or "-"
        covered, alone = (count / max(1, self.heads) for count in (self.covered, self.alone))
        return (
            f"{self.heads} | {covered:.4f} | {alone:.4f} |"
            f" {' / '.join(by_size)} | {causes} | {np.mean(self.blurred_share):.2%}"
        )


def main() -> None:
    """Runs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cameras", nargs="*", help="only these")
    arguments = parser.parse_args()
    site = load(SITE)
    looker = open_looker(site.pose.model_copy(update={"parallel": 1}))
    counts = {name: Count() for name in arguments.cameras or list(site.cameras)}
    for seed in range(arguments.first_seed, arguments.first_seed + 10 * arguments.seeds, 10):
        contents = recorded(compose(SITE, (), {}), arguments.seconds, seed)
        for name, count in counts.items():
            _watch(contents["cameras"][name]["source"], looker, count)
    print(
        "| camera | heads to be seen | covered | without bridging |"
        " under 110 / 110-150 / over 150 px | missed because | of the picture blurred |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, count in counts.items():
        print(f"| {name} | {count.row()} |")


def _watch(source: str, looker: Looker, count: Count) -> None:
    camera = SiteCamera(parse(source))
    tracks = list(_tracks(source, looker, camera.size[0]))
    heads = [heads_of(one) for one in tracks]
    together = bridged([one.at for one in tracks], heads, BRIDGE_S)
    for one, now, alone in zip(tracks, together, heads, strict=True):
        truth = camera.truth(one.number)
        scale = np.array([one.width, one.height]) / camera.size
        count.blurred_share.append(_share(now, one.width, one.height))
        for person in np.flatnonzero(truth.present[0]):
            face = truth.keypoints[0, person, FACE]
            # The truth's occlusion is of bodies; where the picture ends is not among it.
            inside = ((face[:, :2] >= 0) & (face[:, :2] < camera.size)).all(axis=1)
            seen = (face[:, 2] > 0) & inside
            if not seen[_SEEN].any():
                continue
            points = face[seen, :2] * scale
            covered = _inside(points, now)
            count.heads += 1
            count.covered += covered
            count.alone += _inside(points, alone.ellipses)
            size = next(
                place for place, (low, high) in enumerate(SIZES) if low <= truth.heights_px[0, person] < high
            )
            count.sizes[size, covered] += 1
            if not covered:
                boxes = (truth.boxes[0] * np.tile(scale, 2)).astype(np.float32)
                count.causes[_cause(boxes, int(person), float(truth.visible_share[0, person]), one)] += 1


def _cause(boxes: NDArray[np.float32], person: int, visible: float, tracks: Tracks) -> str:
    for box in tracks.detection_boxes:
        shares = overlap(box, boxes)
        # A detection is of the one person whom it fits best: who is behind that one was not detected.
        if int(np.argmax(shares)) == person and shares[person] >= _DETECTED:
            return "blurred beside it"
    return "not detected, more than half hidden" if visible < 0.5 else "not detected"


def _inside(points: Floats, ellipses: Floats) -> bool:
    """Whether every point is in an ellipse."""
    if not len(ellipses):
        return False
    away = (points[:, None] - ellipses[None, :, :2]) / ellipses[None, :, 2:]
    return bool(((away**2).sum(axis=-1) <= 1).any(axis=1).all())


def _share(ellipses: Floats, width: int, height: int) -> float:
    """Which part of a picture is blurred, about: ellipses that overlap count twice."""
    return float(np.pi * ellipses[:, 2:].prod(axis=1).sum() / (width * height)) if len(ellipses) else 0.0


def _tracks(source: str, looker: Looker, width: int) -> Iterator[Tracks]:
    stage, state = looker.stage, looker.stage.initial(CAMERA, GENERATION)
    options = CameraOptions(source=source, max_width=width)
    with opened(options) as film:
        for _, item, seen in looks(frames_of(film, options), stage):
            state, tracks = stage.advance(state, item, seen)
            yield tracks


if __name__ == "__main__":
    main()
