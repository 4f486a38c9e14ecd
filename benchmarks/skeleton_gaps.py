"""People who are not detected for a while: how far predictions are off, and the step when they come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.baseline import load_baseline
from benchmarks.skeleton_scenes import FIGHTS, MOVING, STILL, Recording, record
from benchmarks.skeleton_table import table
from workers.ingest.simulated import DetectorNoise
from workers.pose.refine import RefineConfig, Refiner

Floats = NDArray[np.float64]

FRAMES = (1, 3, 5, 8, 15, 30)
FPS = 30.0
# Each person is hidden from these seconds on, so many times in a scene.
STARTS_S = (2.0, 4.5, 7.0)
AFTER_S = 0.4
GROUPS = {"standing": STILL, "moving": MOVING, "fights": FIGHTS}


def hidden(recording: Recording, frames: int) -> NDArray[np.bool_]:
    """[T, N] true where a person is taken away, who is in the image and detected all around."""
    count = len(recording.at)
    taken = np.zeros((count, recording.present.shape[1]), bool)
    for start in STARTS_S:
        first = round(start * FPS)
        around = slice(first - round(FPS), first + frames + round(AFTER_S * FPS))
        whole = recording.detected[around].all(axis=0) & recording.present[around].all(axis=0)
        taken[first : first + frames, whole] = True
    return taken


def gap_noise() -> DetectorNoise:
    """The usual detector, but whoever is there is found: gaps are cut by us."""
    return replace(DetectorNoise(), misses=0.0, bursts=0.0)


def gaps(seeds: range) -> None:
    """Error in the last frame of a gap by its length, per mille of body height, and jumps at the return."""
    for group, kinds in GROUPS.items():
        recording = record(kinds, seeds, fps=FPS, seconds=8.5, noise=gap_noise())
        rows: dict[str, list[str]] = {}
        for frames in FRAMES:
            found = _errors(recording, frames)
            for name, value in found.items():
                rows.setdefault(name, []).append(value)
        table(
            f"{group}: error in the last frame of a gap, per mille of body height",
            ["gap, frames at 30 fps", *map(str, FRAMES)],
            [[name, *values] for name, values in rows.items()],
        )


def _errors(recording: Recording, frames: int) -> dict[str, str]:
    errors, (mean, worst) = errors_of(recording, frames)
    shown = {name: f"{1000 * error:.0f}" for name, error in errors.items()}
    shown["**ours**"] = shown.pop("ours")
    shown["ours, of held"] = f"{errors['ours'] / errors['held']:.0%}"
    for name, steps in (("mean", mean), ("worst", worst)):
        cuts = np.percentile(steps, [50, 95]) * 1000
        shown[f"step at the return, {name} joint: median, p95"] = f"{cuts[0]:.0f}, {cuts[1]:.0f}"
    return shown


def errors_of(recording: Recording, frames: int) -> tuple[dict[str, float], tuple[Floats, Floats]]:
    """Mean errors by who predicts; and our steps [n] at the return, of the mean and of the worst joint."""
    taken = hidden(recording, frames)
    estimate, *steps = _refined(recording, taken)
    guesses = {"held": _held(recording, taken), **_of_reference(recording, taken), "ours": estimate}
    last = taken & ~np.concatenate([taken[1:], np.zeros_like(taken[:1])])
    places = recording.keypoints[..., :2]
    inside = ((places >= 0) & (places <= np.array(recording.frame_size))).all(axis=-1)
    errors = {}
    for name, guess in guesses.items():
        off = np.linalg.norm(guess - places, axis=-1) / np.maximum(recording.heights_px, 1)[..., None]
        # Whoever is expected outside the image is not predicted any more.
        errors[name] = float(np.nanmean(np.where(inside[last], off[last], np.nan)))
    return errors, (steps[0], steps[1])


def _refined(recording: Recording, taken: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """What the refiner says of everybody, and the steps [n] of those who come back, in body heights."""
    refiner = Refiner(RefineConfig())
    estimate = np.full((*recording.measured.shape[:-1], 2), np.nan)
    for row, found in enumerate(recording.detected & ~taken):
        people = np.flatnonzero(found)
        boxes, keypoints = recording.measured_boxes[row, people], recording.measured[row, people]
        answer = refiner.update(recording.at[row], people, boxes, keypoints, recording.frame_size)
        estimate[row, answer.track_ids] = answer.keypoints[..., :2]
    back = taken[:-1] & ~taken[1:]
    steps = np.linalg.norm(estimate[1:] - estimate[:-1], axis=-1)[back]
    steps = steps / recording.heights_px[1:][back][:, None]
    return estimate, steps.mean(axis=1), steps.max(axis=1)


def _held(recording: Recording, taken: NDArray[np.bool_]) -> Floats:
    held = recording.measured[..., :2].copy()
    for row in range(1, len(held)):
        held[row] = np.where(taken[row][:, None, None], held[row - 1], held[row])
    return held


def _of_reference(recording: Recording, taken: NDArray[np.bool_]) -> dict[str, Floats]:
    module = load_baseline()
    interpolator, velocity = module.SkeletonInterpolator(), module.KeypointVelocityTracker()
    names = ("reference SkeletonInterpolator", "reference KeypointVelocityTracker")
    guesses = {name: np.full((*recording.measured.shape[:-1], 2), np.nan) for name in names}
    missed = np.zeros(taken.shape[1], int)
    for row, found in enumerate(recording.detected):
        for person in np.flatnonzero(found & ~taken[row]):
            interpolator.update(row, person, recording.measured[row, person])
            velocity.update(person, recording.measured[row, person])
        missed = np.where(taken[row], missed + 1, 0)
        for person in np.flatnonzero(taken[row]):
            guesses[names[0]][row, person] = interpolator.predict(row, person)[:, :2]
            guesses[names[1]][row, person] = velocity.predict(person, missed[person])
    return guesses
