"""How well identities are kept in simulated scenes and real films: ByteTrack, BoT-SORT, ours.

`python -m benchmarks.tracking [--scenes 20] [--first-seed 5000] [--kinds hug] [--rate 15] [--noise double]`
`python -m benchmarks.tracking --cost` the time of an update; `--real` films, with re-identification.

Detections come from the simulated detector, whose noise knows no tracker. The truth is everybody of whom at
least a tenth can be seen. A person who leaves the image and comes back keeps the true identity, so every
return counts as a switch unless looks tell who it is; "while there" gives those a new one after 2 s away.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.tracking_films import films_table
from shared.config import load
from workers.ingest.simulated import DetectorNoise, Manner, Observation, Truth, make_scene, observe
from workers.pose.config import TRACKER_FILES, TrackerConfig
from workers.pose.detector import Detections
from workers.pose.evaluation.tracking import TrackingScores, Tracklets, score_tracking
from workers.pose.tracking import Tracker, open_tracker

GENERATION = "0" * 16
TRACKERS = ("bytetrack", "botsort", "skeleton")
# Kinds that hold two people or more, and how many, if not their usual number.
KINDS: dict[str, int | None] = {
    **{"crossing": None, "crowd": None, "hug": 4, "fight": 4, "meeting": 4, "play": 4, "dance": None},
    **{"mixed": None, "walking": None, "running": None, "sport": None, "carrying": None},
}
LEAST_SHARE = 0.1
AWAY_S = 2.0
# A way of moving that no scene draws by itself.
OTHER_MANNER = Manner(cadence=1.25, arm_swing=1.7, bounce=1.6, step_width=1.5, stoop=0.2, limp=0.35)


@dataclass(frozen=True)
class Job:
    """One scene, as it is to be made."""

    kind: str
    seed: int
    seconds: float
    rate: float
    noise: DetectorNoise
    manner: Manner | None


@dataclass(frozen=True)
class Outcome:
    """A tracker's scores for one scene: against the scene's identities, and while people are there."""

    kind: str
    tracker: str
    whole: TrackingScores
    there: TrackingScores


def configured(name: str) -> TrackerConfig:
    """The tracker as it is shipped."""
    return load(TRACKER_FILES / f"{name}.yaml", TrackerConfig)


def true_tracklets(truth: Truth) -> Tracklets:
    """Everybody of whom enough can be seen."""
    frames, people = np.nonzero(truth.present & (truth.visible_share >= LEAST_SHARE))
    return Tracklets(frames, truth.ids[people], truth.boxes[frames, people])


def while_there(tracklets: Tracklets, at: NDArray[np.float64]) -> Tracklets:
    """With another identity for everybody who comes back after more than `AWAY_S`."""
    ids = tracklets.ids.copy()
    for person in np.unique(tracklets.ids):
        rows = np.flatnonzero(tracklets.ids == person)
        returns = np.diff(at[tracklets.frames[rows]], prepend=-np.inf) > AWAY_S
        ids[rows] = 1000 * person + np.cumsum(returns)
    return replace(tracklets, ids=ids)


def followed(tracker: Tracker, seen: Iterable[Observation], frame_size: tuple[int, int]) -> Tracklets:
    """What a tracker makes of a scene's detections."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    for number, one in enumerate(seen):
        told = tracker.update(number, one.at, Detections(one.boxes, one.scores, one.keypoints), frame_size)
        parts.append((np.full(len(told.track_ids), number), told.track_ids, one.boxes[told.detection]))
    frames, ids, boxes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Tracklets(frames, ids, boxes.astype(np.float64))


def outcomes(job: Job, trackers: Sequence[str]) -> list[Outcome]:
    """Every tracker on one scene."""
    scene = make_scene(job.kind, job.seed, job.seconds, KINDS[job.kind], manner=job.manner)
    truth = scene.truth(np.arange(round(job.seconds * job.rate)) / job.rate)
    seen = observe(truth, job.noise, job.seed)
    true = true_tracklets(truth)
    there = while_there(true, truth.at)
    found = []
    for name in trackers:
        result = followed(open_tracker(configured(name), GENERATION), seen, truth.frame_size)
        found.append(Outcome(job.kind, name, score_tracking(true, result), score_tracking(there, result)))
    return found


def table(found: Sequence[Outcome], trackers: Sequence[str]) -> str:
    """Markdown: a row for each kind and one for all."""
    head = "| scenes | " + " | ".join(f"{name}: IDF1 · HOTA · sw · frag" for name in trackers)
    lines = [head + " | sw / ByteTrack's | while there |", "|---" * (len(trackers) + 3) + "|"]
    for kind in [*dict.fromkeys(one.kind for one in found), "all"]:
        rows = [one for one in found if kind in (one.kind, "all")]
        each = {name: [one for one in rows if one.tracker == name] for name in trackers}
        cells = [_figures([one.whole for one in each[name]]) for name in trackers]
        ratios = [
            _ratio(
                *(
                    sum(getattr(one, side).switches for one in each[name])
                    for name in (trackers[-1], trackers[0])
                )
            )
            for side in ("whole", "there")
        ]
        lines.append(f"| {kind} | " + " | ".join([*cells, *ratios]) + " |")
    return "\n".join(lines)


def _figures(scores: Sequence[TrackingScores]) -> str:
    idf1, hota = (np.mean([getattr(one, name) for one in scores]) for name in ("idf1", "hota"))
    switches, fragments = (sum(getattr(one, n) for one in scores) for n in ("switches", "fragmentations"))
    return f"{idf1:.3f} · {hota:.3f} · {switches} · {fragments}"


def _ratio(ours: int, theirs: int) -> str:
    return f"{ours}/{theirs}" + (f" = {ours / theirs:.2f}" if theirs else "")


def cost_table(people: Sequence[int] = (5, 20, 50), frames: int = 150) -> str:
    """Markdown: median milliseconds of an update, each tracker in turn on the same frames."""
    lines = [
        "| people | " + " | ".join(f"{name}, ms" for name in TRACKERS) + " | ours / ByteTrack |",
        "|---" * (len(TRACKERS) + 2) + "|",
    ]
    for count in people:
        scene = make_scene("crowd", 1, frames / 15, count, height_px=140.0)
        truth = scene.truth(np.arange(frames) / 15)
        seen = observe(truth, DetectorNoise(), 1)
        trackers = [open_tracker(configured(name), GENERATION) for name in TRACKERS]
        times: list[list[float]] = [[] for _ in TRACKERS]
        for number, one in enumerate(seen):
            found = Detections(one.boxes, one.scores, one.keypoints)
            for tracker, taken in zip(trackers, times, strict=True):
                begun = time.perf_counter()
                tracker.update(number, one.at, found, truth.frame_size)
                taken.append(time.perf_counter() - begun)
        medians = [1e3 * float(np.median(taken[30:])) for taken in times]
        seen_people = np.mean([len(one) for one in seen])
        cells = [f"{count} ({seen_people:.0f} seen)", *(f"{ms:.2f}" for ms in medians)]
        lines.append("| " + " | ".join([*cells, f"{medians[-1] / medians[0]:.1f}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    variants = DetectorNoise().variants()
    parser.add_argument("--scenes", type=int, default=20, help="of each kind")
    parser.add_argument("--first-seed", type=int, default=5000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=15.0, help="frames a second")
    parser.add_argument("--noise", choices=variants, default="default")
    parser.add_argument("--other-manner", action="store_true", help="people move as no scene draws it")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--cost", action="store_true", help="time an update instead")
    parser.add_argument("--real", action="store_true", help="real films instead")
    chosen = parser.parse_args()
    if chosen.cost:
        print(cost_table())
        return
    if chosen.real:
        print(films_table())
        return
    manner = OTHER_MANNER if chosen.other_manner else None
    jobs = [
        Job(kind, seed, chosen.seconds, chosen.rate, variants[chosen.noise], manner)
        for kind in chosen.kinds
        for seed in range(chosen.first_seed, chosen.first_seed + chosen.scenes)
    ]
    work = partial(outcomes, trackers=TRACKERS)
    if chosen.processes > 1:
        with ProcessPoolExecutor(chosen.processes) as pool:
            parts = list(pool.map(work, jobs, chunksize=4))
    else:
        parts = [work(job) for job in jobs]
    print(table([one for part in parts for one in part], TRACKERS))


if __name__ == "__main__":
    main()
