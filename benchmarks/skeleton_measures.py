"""Body heights, filled gaps and extrapolation against the truth of simulated scenes.

`python -m benchmarks.skeleton_measures [heights] [gaps] [ahead]` (all, if none is named)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.skeleton_scenes import FIGHTS, MOVING, STILL, Recording, record
from workers.ingest.simulated import KINDS, DetectorNoise
from workers.pose.refine.gaps import Method, fill_gaps
from workers.pose.refine.motion import extrapolated
from workers.pose.refine.scale import measured_heights, running_height

Floats = NDArray[np.float64]
Rule = Callable[[Floats, Floats, Floats], Floats]

GROUPS = {"standing": STILL, "moving": MOVING, "fights": FIGHTS, "dance, sport": ("dance", "sport")}
NOISES = ("default", "biased", "heavy", "double", "none")
FRAMES = (1, 2, 3, 5, 8, 15)
# Frames to which a line and a parabola are fitted: those that predicted best of 3 to 10.
LINE, PARABOLA = 6, 10
# How long an acceleration lasts, seconds.
LASTS = (0.0, 0.05, 0.12, np.inf)


def box_sides(boxes: Floats) -> Floats:
    """[P] the longer side of boxes [P, 4], pixels."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).max(axis=1))


def box_rule(old: Floats, new: Floats, elapsed: Floats) -> Floats:
    """What the refiner did before there was `running_height`: 0.3 s to grow, 5 s to shrink."""
    share = 1 - np.exp(-elapsed / np.where(new > old, 0.3, 5.0))
    return np.where(np.isfinite(old), old + share * (new - old), new)


def followed(recording: Recording, measured: Floats, rule: Rule) -> Floats:
    """[T, N] running heights from those of each frame [T, N], NaN where the person is not detected."""
    running = np.full(measured.shape, np.nan)
    last, seen_at = np.full(measured.shape[1], np.nan), np.full(measured.shape[1], recording.at[0] - 1)
    for row, found in enumerate(recording.detected):
        elapsed = recording.at[row] - seen_at
        last[found] = rule(last[found], measured[row, found], elapsed[found])
        seen_at[found] = recording.at[row]
        running[row, found] = last[found]
    return running


def heights() -> None:
    """Ratio of estimated to true height: median, and standard deviation of its logarithm."""
    variants = DetectorNoise().variants()
    for name in NOISES:
        ratios: dict[str, list[Floats]] = {"box": [], "ours": []}
        print(f"\nnoise: {name}\n{'kind':<10}{'box':>8}{'+-':>7}{'ours':>8}{'+-':>7}")
        for kind in KINDS:
            if kind == "empty":
                continue
            recording = record(kind, range(5), fps=15, noise=variants[name])
            there, found = recording.present & recording.detected, recording.detected
            by_box, ours = np.full(found.shape, np.nan), np.full(found.shape, np.nan)
            by_box[found] = box_sides(recording.measured_boxes[found])
            ours[found] = measured_heights(recording.measured_boxes[found], recording.measured[found])
            running = {
                "box": followed(recording, by_box, box_rule),
                "ours": followed(recording, ours, running_height),
            }
            for method, values in running.items():
                ratios[method].append(np.log(values[there] / recording.heights_px[there]))
            print(_spread(kind, [found[-1] for found in ratios.values()]))
        print(_spread("all", [np.concatenate(found) for found in ratios.values()]))


def _spread(name: str, logarithms: list[Floats]) -> str:
    cells = "".join(f"{np.exp(np.median(some)):>8.2f}{some.std():>7.3f}" for some in logarithms)
    return f"{name:<10}{cells}"


def cut(recording: Recording, length: int) -> NDArray[np.bool_]:
    """[T, N] gaps of that many frames, 12 apart, whose both sides are seen and whose people are there."""
    gaps = np.zeros(recording.present.shape, bool)
    for person in range(gaps.shape[1]):
        row = 8
        while row + length + 8 < len(gaps):
            around = recording.present[row - 1 : row + length + 1, person].all()
            if around and recording.detected[[row - 1, row + length], person].all():
                gaps[row : row + length, person] = True
                row += length + 11
            row += 1
    return gaps


def gaps() -> None:
    """Mean distance of visible joints in filled gaps, thousandths of the body height, 30 fps."""
    methods = get_args(Method)
    print(f"\n{'people':<14}{'frames':>8}{'held':>12}" + "".join(f"{method:>12}" for method in methods))
    for name, kinds in GROUPS.items():
        recording = record(kinds, range(6))
        for length in (1, 5, 15, 30):
            gap = cut(recording, length)
            points = np.where(gap[..., None, None], np.nan, recording.measured)
            known = np.isfinite(points[..., 0, 0])
            last = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], 0), axis=0)
            guesses = [np.take_along_axis(points, last[..., None, None], axis=0)]
            guesses += [fill_gaps(recording.at, points, 2.0, method)[0] for method in methods]
            counted = gap[..., None] & (recording.keypoints[..., 2] > 0)
            cells = "".join(f"{_distance(recording, guess, counted):>12.1f}" for guess in guesses)
            print(f"{name:<14}{length:>8}{cells}")


def _distance(recording: Recording, guess: Floats, counted: NDArray[np.bool_]) -> float:
    away = np.linalg.norm(guess[..., :2] - recording.keypoints[..., :2], axis=-1)
    away /= np.maximum(recording.heights_px, 1)[..., None]
    return float(1000 * away[counted & np.isfinite(away)].mean())


def fitted(at: Floats, points: Floats, frames: int, degree: int) -> Floats:
    """[3, T, ...] position, velocity and acceleration of a least-squares curve through the newest frames."""
    ages = at[:frames] - at[frames - 1]
    powers = np.stack([ages**0, ages, ages**2 / 2][: degree + 1], axis=1)
    curve = np.zeros((3, *points.shape))
    windows = np.lib.stride_tricks.sliding_window_view(points, frames, axis=0)
    curve[:, : frames - 1] = np.nan
    curve[: degree + 1, frames - 1 :] = np.moveaxis(windows @ np.linalg.pinv(powers).T, -1, 0)
    return curve


def ahead() -> None:
    """Mean distance of visible joints from where they were extrapolated to, thousandths, 30 fps."""
    labels = ["held", "line", *(f"a lasts {lasts:g} s" for lasts in LASTS)]
    for source in ("measured", "exact"):
        print(f"\n{source} points\n{'people':<14}{'frames':>8}" + "".join(f"{label:>15}" for label in labels))
        for name, kinds in GROUPS.items():
            recording = record(kinds, range(6))
            there = recording.present[..., None, None]
            exact = np.where(there, recording.keypoints[..., :2], np.nan)
            points = exact if source == "exact" else recording.measured[..., :2]
            sizes = (2, 3) if source == "exact" else (LINE, PARABOLA)
            line, parabola = (fitted(recording.at, points, sizes[n], n + 1) for n in (0, 1))
            for frames in FRAMES:
                guesses = [points, _reached(line, frames / 30, 0.0)]
                guesses += [_reached(parabola, frames / 30, lasts) for lasts in LASTS]
                cells = "".join(f"{_missed(recording, guess, frames):>15.1f}" for guess in guesses)
                print(f"{name:<14}{frames:>8}{cells}")


def _reached(curve: Floats, seconds: float, lasts: float) -> Floats:
    position, velocity, acceleration = (part.reshape(-1, *part.shape[2:]) for part in curve)
    time = np.full(len(position), seconds)
    guess = extrapolated(position, velocity, acceleration, time, lasts).reshape(curve.shape[1:])
    return np.where(np.isfinite(curve[0]), guess, np.nan)


def _missed(recording: Recording, guess: Floats, frames: int) -> float:
    later = np.full(guess.shape, np.nan)
    later[frames:] = guess[:-frames]
    counted = recording.present[..., None] & (recording.keypoints[..., 2] > 0)
    return _distance(recording, later, counted)


def main() -> None:
    """Prints the tables that are named."""
    tables = {"heights": heights, "gaps": gaps, "ahead": ahead}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(tables))
    names = parser.parse_args().tables
    unknown = set(names) - set(tables)
    if unknown:
        parser.error(f"no such table: {', '.join(sorted(unknown))}; there are {', '.join(tables)}")
    for name in names or tables:
        tables[name]()


if __name__ == "__main__":
    main()
