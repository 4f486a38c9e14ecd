"""Windows of the simulated site as the fleet itself sees it: rendered, published, looked at and tracked.

    python -m training.site_acts --out acts --acts 90

writes a file for each act, for `training.site_experts`. Acts' seeds are `FIRST_SEED` and above: who is in
them is in no demonstration and no test, and the pose net was not trained on them either. Half a minute of one
core for each act.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.messages import Tracks
from training import pose_frames
from training.activities import Activities, joined
from training.clips import WINDOW, WINDOW_FPS
from training.simulated import STRIDE, labelled
from workers.classify.stage import people_of
from workers.classify.windows import Windows, WindowSettings
from workers.cli.demo import SITE
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, open_looker
from workers.cli.site import load
from workers.ingest.config import CameraOptions
from workers.ingest.rendered import RenderedSource
from workers.ingest.simulated.acts import ACT_S
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.places import PLACES
from workers.ingest.simulated.site_camera import SiteCamera
from workers.pose.evaluation.tracking import overlaps

log = logging.getLogger(__name__)

FIRST_SEED = pose_frames.FIRST_SEED + 500_000
_RATES = (10.0, 10.0, 10.0, 15.0)
_OVERLAP = 0.4
# Whose track was somebody else for more of a window than this is no example.
_SAME_FOR = 0.7


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder")
    parser.add_argument("--acts", type=int, default=90)
    parser.add_argument("--first", type=int, default=0, help="number of the first act: for several at once")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    arguments.out.mkdir(parents=True, exist_ok=True)
    looker = open_looker(load(SITE).pose.model_copy(update={"parallel": 1}))
    started = time.monotonic()
    for number in range(arguments.first, arguments.first + arguments.acts):
        path = arguments.out / f"{number:05d}.npz"
        if not path.exists():
            draft = path.with_suffix(".draft.npz")
            np.savez_compressed(draft, **asdict(windows_of(number, looker)))
            draft.rename(path)
        if number % 10 == 9:
            log.info("acts=%d seconds=%.0f", number + 1, time.monotonic() - started)


def read(folder: Path) -> list[Activities]:
    """What `main` wrote, act by act.

    Raises:
        ValueError: there is nothing.
    """
    paths = sorted(path for path in folder.glob("*.npz") if ".draft" not in path.name)
    if not paths:
        raise ValueError(f"{folder}: holds no acts: python -m training.site_acts --out {folder}")
    return [Activities(**np.load(path)) for path in paths]


def windows_of(number: int, looker: Looker) -> Activities:
    """One act, with any people in it, in any place and light."""
    rng = np.random.default_rng([FIRST_SEED, number])
    address = Address(
        place=rng.choice(list(PLACES)),
        view=int(rng.integers(2)),
        light=rng.choice(["day", "night"]),
        people=int(rng.integers(0, 4)),
        fights=int(rng.integers(1, 4)),
        hugs=int(rng.integers(0, 3)),
        dances=int(rng.integers(0, 2)),
        fps=float(rng.choice(_RATES)),
        seconds=ACT_S,
    ).model_copy(update={"seed": FIRST_SEED + number})
    camera, owners = SiteCamera(address), _Owners()
    windows = Windows(WindowSettings(fps=WINDOW_FPS, window=WINDOW, frames=WINDOW, stride=STRIDE))
    parts = []
    for tracks in _tracked(address, camera.size[0], looker):
        owners.note(tracks, camera)
        due = windows.push(tracks.at, people_of(tracks))
        if len(due):
            cell = np.floor(tracks.at * WINDOW_FPS + 1e-4)
            who = owners.of(due.ids[due.judged], tracks.at - WINDOW / WINDOW_FPS)
            parts.append(labelled(due, camera.act(0), float(cell - cell % STRIDE) / WINDOW_FPS, who, rng))
    return joined(parts)


class _Owners:
    """Who each track really is, over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, dict[int, int]]] = deque(maxlen=64)

    def note(self, tracks: Tracks, camera: SiteCamera) -> None:
        truth = camera.truth(tracks.number)
        there = np.flatnonzero(truth.present[0])
        found = np.flatnonzero(np.asarray(tracks.detection_tracks) > 0)
        overlap = overlaps(np.asarray(tracks.detection_boxes)[found], truth.boxes[0][there])
        owners = {}
        for row, detection in enumerate(found.tolist()):
            if len(there) and overlap[row].max() > _OVERLAP:
                owners[int(tracks.detection_tracks[detection])] = int(there[overlap[row].argmax()])
        self._seen.append((tracks.at, owners))

    def of(self, track_ids: NDArray[np.int64], since: float) -> NDArray[np.int64]:
        """[n] rows of the truth; -1: nobody, or several."""
        people = np.full(len(track_ids), -1, np.int64)
        for row, track in enumerate(track_ids.tolist()):
            seen = Counter(owners[track] for at, owners in self._seen if at >= since and track in owners)
            if seen and seen.most_common(1)[0][1] >= _SAME_FOR * seen.total():
                people[row] = seen.most_common(1)[0][0]
        return people


def _tracked(address: Address, width: int, looker: Looker) -> Iterator[Tracks]:
    stage, state = looker.stage, looker.stage.initial(CAMERA, GENERATION)
    # Boxes are then in the truth's pixels.
    options = CameraOptions(source="sim://plaza", max_width=width)
    for _, item, seen in looks(frames_of(RenderedSource(address), options), stage):
        state, tracks = stage.advance(state, item, seen)
        yield tracks


if __name__ == "__main__":
    main()
