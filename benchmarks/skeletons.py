"""How steady, how right and how late key points are: the filters, the reference classes, on simulated truth.

`python -m benchmarks.skeletons [smoothing] [noise] [rates] [gaps] [punches] [--seeds N]`

Changes are against the detector's own key points. Joints outside the image do not count, since no detector
sees them. People stand in those moments in which their joints move by less than 0.12 body heights a second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.baseline import load_baseline
from benchmarks.skeleton_gaps import gaps
from benchmarks.skeleton_punches import punches
from benchmarks.skeleton_scenes import FIGHTS, MOVING, STILL, Recording, record
from benchmarks.skeleton_table import table
from workers.ingest.simulated import DetectorNoise
from workers.pose.evaluation.skeletons import SkeletonScore, score
from workers.pose.refine import FixedLag, RefineConfig, Refiner

Floats = NDArray[np.float64]
Method = Callable[[Recording], Floats]

GROUPS = {"standing": STILL, "moving": MOVING, "fights": FIGHTS}
STILL_SPEED, STILL_S = 0.12, 0.3
# The law that the aims were set for: errors that confidence tells of, outliers, misses, bursts, false people.
PLAIN = replace(
    DetectorNoise(), jitter=0.01, hidden=2.0, hidden_pull=0.0, swaps=0.0, borrows=0.0, outliers=0.01
)


def refined(recording: Recording, **settings: object) -> Floats:
    """[T, N, 17, 2] of the refiner, NaN where a person is not seen."""
    refiner = Refiner(RefineConfig.model_validate(settings))
    return _collected(recording, [(at, refiner.update(*frame)) for at, frame in _frames(recording)])


def lagged(recording: Recording, frames: int) -> Floats:
    """[T, N, 17, 2] of the fixed-lag smoother."""
    smoother = FixedLag(RefineConfig(), frames)
    answers = [smoother.update(*frame) for _, frame in _frames(recording)]
    return _collected(recording, [answer for answer in answers if answer] + smoother.flush())


def of_reference(recording: Recording, name: str) -> Floats:
    """[T, N, 17, 2] of the research document's classes."""
    module = load_baseline()
    estimate = np.full((*recording.measured.shape[:-1], 2), np.nan)
    smoother, kalman = module.SkeletonSmoother(), module.SkeletonKalmanTracker()
    fusion = module.ConfidenceWeightedFusion()
    for row, found in enumerate(recording.detected):
        for person in np.flatnonzero(found):
            measured = recording.measured[row, person]
            if name == "kalman":
                answer = kalman.update(person, measured)
            elif name == "one_euro":
                answer = np.array(smoother.smooth(person, measured))
            else:
                fusion.add_frame(person, measured)
                answer = np.array(smoother.smooth(person, fusion.get_fused(person)))
            estimate[row, person] = answer[:, :2]
    return estimate


METHODS: dict[str, Method] = {
    "reference One Euro (1, .007, 1)": lambda r: of_reference(r, "one_euro"),
    "reference Kalman": lambda r: of_reference(r, "kalman"),
    "reference fusion, then One Euro": lambda r: of_reference(r, "fusion"),
    "One Euro in body heights (5, 10, 1)": lambda r: refined(r, smoothing="one_euro"),
    "Kalman, noise from confidence": lambda r: refined(r, smoothing="kalman"),
    "**adaptive (default)**": lambda r: refined(r),
    "fixed lag, 1 frame later": lambda r: lagged(r, 1),
    "fixed lag, 2 frames later": lambda r: lagged(r, 2),
}


def _frames(recording: Recording) -> list[tuple[float, tuple[object, ...]]]:
    frames = []
    for row, found in enumerate(recording.detected):
        people = np.flatnonzero(found)
        boxes, keypoints = recording.measured_boxes[row, people], recording.measured[row, people]
        at = float(recording.at[row])
        frames.append((at, (at, people, boxes, keypoints, recording.frame_size)))
    return frames


def _collected(recording: Recording, answers: list) -> Floats:
    estimate = np.full((*recording.measured.shape[:-1], 2), np.nan)
    for row, (_, answer) in enumerate(answers):
        seen = ~answer.predicted
        estimate[row, answer.track_ids[seen]] = answer.keypoints[seen, :, :2]
    return estimate


def judged(recording: Recording, estimate: Floats, still: bool) -> SkeletonScore:
    """Scores joints inside the image, of still people only if so said."""
    places = recording.keypoints[..., :2]
    outside = ~((places >= 0) & (places <= np.array(recording.frame_size))).all(axis=-1)
    truth = np.where(outside[..., None], np.nan, recording.keypoints)
    present = recording.present & standing(recording) if still else recording.present
    return score(recording.at, truth, present, recording.heights_px, estimate)


def standing(recording: Recording) -> NDArray[np.bool_]:
    """[T, N] who hardly moves, for a while before and after."""
    heights = np.where(recording.present, recording.heights_px, np.inf)[1:, :, None]
    ways = np.linalg.norm(np.diff(recording.keypoints[..., :2], axis=0), axis=-1)
    speed = (ways / heights / np.diff(recording.at)[:, None, None]).mean(axis=-1)
    speed = np.concatenate([speed[:1], speed])
    around = np.abs(recording.at[:, None] - recording.at[None]) <= STILL_S
    return np.stack([(speed[rows] < STILL_SPEED).all(axis=0) for rows in around])


def changes(
    group: str, seeds: range, methods: list[str], **scene: object
) -> list[tuple[float, float, float]]:
    """For each method: change of jitter and of error as shares, and lag in ms."""
    recording = record(GROUPS[group], seeds, seconds=8.0, **scene)
    still = group == "standing"
    raw = judged(recording, recording.measured[..., :2], still)
    found = []
    for method in methods:
        ours = judged(recording, METHODS[method](recording), still)
        found.append((ours.jitter / raw.jitter - 1, ours.error / raw.error - 1, ours.lag_ms))
    return found


def _cell(found: tuple[float, float, float]) -> str:
    return f"{found[0]:+.0%} / {found[1]:+.0%} / {found[2]:.0f}"


def smoothing(seeds: range) -> None:
    """All filters, 30 fps, the plain and the usual detector."""
    for name, noise in {"the plain law": PLAIN, "a harsher one (the default)": DetectorNoise()}.items():
        columns = [changes(group, seeds, list(METHODS), fps=30.0, noise=noise) for group in GROUPS]
        rows = [[method, *(_cell(column[i]) for column in columns)] for i, method in enumerate(METHODS)]
        table(f"Jitter / error / lag in ms, 30 fps, {name}", ["", *GROUPS], rows)


def noise(seeds: range) -> None:
    """The default under other laws of noise than it was tuned for."""
    rows = []
    for name, law in PLAIN.variants().items():
        if name == "none":
            continue
        found = [
            changes(group, seeds, ["**adaptive (default)**"], fps=30.0, noise=law)[0] for group in GROUPS
        ]
        rows.append([name, *map(_cell, found)])
    table("The default under other laws of noise, 30 fps", ["noise", *GROUPS], rows)


def rates(seeds: range) -> None:
    """The default at other frame rates and with irregular time."""
    rows = []
    for name, scene in {
        "10 fps": {"fps": 10.0},
        "15 fps": {"fps": 15.0},
        "25 fps": {"fps": 25.0},
        "15 fps, irregular": {"fps": 15.0, "irregular": True},
        "30 fps, irregular": {"fps": 30.0, "irregular": True},
    }.items():
        for method in ("reference One Euro (1, .007, 1)", "**adaptive (default)**"):
            found = [changes(group, seeds, [method], noise=PLAIN, **scene)[0] for group in GROUPS]
            rows.append([name, method, *map(_cell, found)])
    table("Other frame rates, the plain law", ["frames", "", *GROUPS], rows)


def main() -> None:
    """Prints what is named, or everything."""
    parts = {"smoothing": smoothing, "noise": noise, "rates": rates, "gaps": gaps, "punches": punches}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    parser.add_argument("--seeds", type=int, default=6, help="scenes of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    chosen = parser.parse_args()
    for part in chosen.parts or parts:
        parts[part](range(chosen.first_seed, chosen.first_seed + chosen.seeds))


if __name__ == "__main__":
    main()
