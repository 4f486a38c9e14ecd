"""Pictures for docs/skeletons.md: `python -m benchmarks.skeleton_plots [--out docs/images]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot

from benchmarks.skeleton_gaps import FPS, FRAMES, GROUPS, errors_of, gap_noise
from benchmarks.skeleton_scenes import record
from workers.ingest.simulated import DetectorNoise
from workers.pose.refine import RefineConfig, Refiner

WRIST = 9
# A scene and a person whose hand both rests and strikes; the gap is cut into the detections.
SCENE = ("fight", 3, 0)
HIDDEN_S = (3.4, 3.9)
SHOWN_S = (2.0, 5.0)


def trace(out: Path) -> None:
    """One wrist's height over time: truth, detector, refined, predicted."""
    kind, seed, person = SCENE
    recording = record(kind, [seed], fps=FPS, seconds=8.0, noise=DetectorNoise())
    refiner = Refiner(RefineConfig())
    places = np.full((len(recording.at), 2), np.nan)
    for row, found in enumerate(recording.detected):
        hidden = HIDDEN_S[0] <= recording.at[row] < HIDDEN_S[1]
        people = np.array([one for one in np.flatnonzero(found) if one != person or not hidden], int)
        boxes, keypoints = recording.measured_boxes[row, people], recording.measured[row, people]
        answer = refiner.update(recording.at[row], people, boxes, keypoints, recording.frame_size)
        for index in np.flatnonzero(answer.track_ids == person):
            places[row, int(answer.predicted[index])] = answer.keypoints[index, WRIST, 1]
    height = float(np.median(recording.heights_px[:, person]))
    hidden = (recording.at >= HIDDEN_S[0]) & (recording.at < HIDDEN_S[1])
    detected = np.where(hidden, np.nan, recording.measured[:, person, WRIST, 1])
    figure, axes = pyplot.subplots(figsize=(10, 4), layout="constrained")
    middle = float(np.nanmedian(recording.keypoints[:, person, WRIST, 1]))
    for values, style, label in (
        (recording.keypoints[:, person, WRIST, 1], {"color": "black", "linewidth": 1}, "truth"),
        (detected, {"color": "tab:orange", "marker": ".", "linestyle": "none"}, "detected"),
        (places[:, 0], {"color": "tab:blue", "linewidth": 2}, "refined"),
        (places[:, 1], {"color": "tab:red", "linewidth": 2, "linestyle": ":"}, "predicted"),
    ):
        axes.plot(recording.at, (middle - values) / height, label=label, **style)
    axes.set(
        xlim=SHOWN_S,
        xlabel="seconds",
        ylabel="height of a wrist, body heights",
        title=f"A fighter's wrist, 30 fps, unseen from {HIDDEN_S[0]} to {HIDDEN_S[1]} s",
    )
    axes.legend()
    figure.savefig(out / "skeleton-trace.png", dpi=110)
    pyplot.close(figure)


def gaps(out: Path, seeds: range) -> None:
    """Error in the last frame of a gap, by its length."""
    figure, panels = pyplot.subplots(1, len(GROUPS), figsize=(11, 3.8), layout="constrained", sharey=True)
    for axes, (group, kinds) in zip(panels, GROUPS.items(), strict=True):
        recording = record(kinds, seeds, fps=FPS, seconds=8.5, noise=gap_noise())
        found = [errors_of(recording, frames)[0] for frames in FRAMES]
        for name in found[0]:
            bold = name == "ours"
            axes.plot(
                [frames / FPS for frames in FRAMES],
                [1000 * one[name] for one in found],
                label=name,
                linewidth=3 if bold else 1.5,
                marker=".",
            )
        axes.set(title=group, xlabel="seconds unseen", yscale="log")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("error, per mille of body height")
    panels[0].legend(fontsize=8)
    figure.savefig(out / "skeleton-gaps.png", dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Writes both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "docs" / "images")
    parser.add_argument("--seeds", type=int, default=6)
    chosen = parser.parse_args()
    mpl.use("Agg")
    trace(chosen.out)
    gaps(chosen.out, range(chosen.seeds))


if __name__ == "__main__":
    main()
