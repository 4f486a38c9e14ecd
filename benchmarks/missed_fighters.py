"""What larger images, tiles, mirror images and weak detections bring on clips whose fighters are hardly seen.

    python -m benchmarks.missed_fighters
    python -m benchmarks.missed_fighters --clips 24 --ways 640 960

From the labelled clips those fights are taken of which the product judges the fewest windows a second
(`models/interaction-fights@own-640.npz` remembers them), and as many other clips, drawn by a seed. Each way
looks at all of them on one thread. Printed are: windows a second of fights; those with a partner; fights in
which two were seen together at all; the ROC AUC of these clips by the linear model, fitted to the *given* key
points of clips from other source videos; and the cost against the first way. The clips are the hardest there
are: AUC here is far below that of all clips.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pose_gate import SHARED_DATA
from training import clips, detections
from training.folds import FOLDS, split
from training.interaction import EXPERT, Recipe, fit
from training.opinions import Opinions, top_third
from workers.classify.evaluation.measures import auc
from workers.classify.inputs.interaction import interaction
from workers.classify.linear import Linear
from workers.classify.pairs import paired
from workers.cli.films import open_looker
from workers.pose.config import PoseConfig

MODELS = Path(__file__).resolve().parents[1] / "models"
WAYS: dict[str, dict[str, Any]] = {
    "640": {"image_size": 640},
    "960": {"image_size": 960},
    "1280": {"image_size": 1280},
    "640 + 960": {"image_size": 640, "extra_sizes": [960]},
    "640, flip test": {"image_size": 640, "flip_test": True},
    "640, tiles 2x1": {"image_size": 640, "tiles": "2x1"},
    "640, from .05 on": {"image_size": 640, "conf": 0.05},
    "640, IoU .7": {"image_size": 640, "iou": 0.7},
}


@dataclass(frozen=True)
class Judges:
    """The clips, and for each fold a model that did not see its source videos."""

    data: clips.Labelled
    folds: NDArray[np.int64]
    models: list[Linear]


def main() -> None:
    """Runs and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=16, help="fights, and as many others")
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--weights", default=str(SHARED_DATA / "weights" / "yolo26n-pose-o2m.pt"))
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    arguments = parser.parse_args()
    films = arguments.data / "videos" / "fights"
    judges = _judges(arguments.data / "skeletons" / "cctv_fights_coco17.npz", films / "source_groups.json")
    names = _chosen(judges.data, arguments.clips)
    print("| way | windows/s of fights | with a partner | fights with a pair | AUC | cost |")
    print("|---|---|---|---|---|---|")
    first: float | None = None
    for way in arguments.ways:
        seen, seconds = _looked_at(way, [films / name for name in names], arguments.weights)
        first = first or seconds
        print(f"| {way} | {_row(seen, judges)} | {seconds / first:.1f} |", flush=True)


def _judges(data: Path, groups: Path) -> Judges:
    labelled = clips.load(data, groups)
    known = clips.windows_of(labelled, clips.train_windows, interaction)
    folds = split(labelled.groups, labelled.labels, 1)
    models = []
    for fold in range(FOLDS):
        rows = folds[known.clip] != fold
        models.append(fit(known.inputs[rows], known.clip[rows], labelled.labels, Recipe()))
    return Judges(labelled, folds, models)


def _chosen(data: clips.Labelled, count: int) -> list[str]:
    """Names of the fights with the fewest judged windows a second, and of as many others."""
    said = Opinions.read(Opinions.path_of(MODELS, EXPERT, "own-640"))
    windows = np.bincount(said.clip, minlength=len(data.names))
    seconds = np.array([len(clip.times) / clip.fps for clip in data.clips])
    fights, others = (np.flatnonzero(data.labels == label) for label in (1, 0))
    hardest = fights[np.argsort((windows / seconds)[fights], kind="stable")[:count]]
    drawn = np.random.default_rng(1).permutation(others)[:count]
    return [str(name) for name in data.names[np.concatenate([hardest, drawn])]]


def _looked_at(way: str, films: Sequence[Path], weights: str) -> tuple[clips.Labelled, float]:
    looker = open_looker(PoseConfig(weights=weights, parallel=1, **WAYS[way]))
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        out = Path(folder) / "seen.npz"
        detections.write(films, looker, out)
        return clips.load(out, None), time.process_time() - started


def _row(seen: clips.Labelled, judges: Judges) -> str:
    """Figures of what was seen."""
    windows = clips.windows_of(seen, clips.test_windows, interaction)
    number = {name: row for row, name in enumerate(judges.data.names.tolist())}
    fold_of = judges.folds[[number[name] for name in seen.names.tolist()]]
    evidence = np.zeros(len(windows.clip))
    for fold, model in enumerate(judges.models):
        rows = fold_of[windows.clip] == fold
        evidence[rows] = model.logits(windows.inputs[rows])[:, 1]
    fights = np.flatnonzero(seen.labels == 1)
    seconds = sum(len(seen.clips[row].times) / seen.clips[row].fps for row in fights)
    of_fights = np.isin(windows.clip, fights)
    with_partner = np.concatenate(
        [~paired(due).alone for clip in seen.clips for _, due in clips.test_windows(clip)]
    )
    both = len(np.unique(windows.clip[of_fights & with_partner]))
    ranks = auc(top_third(evidence, windows.clip, len(seen.labels)), seen.labels)
    return (
        f"{of_fights.sum() / seconds:.2f} | {(of_fights & with_partner).sum() / seconds:.2f}"
        f" | {both} of {len(fights)} | {ranks:.2f}"
    )


if __name__ == "__main__":
    main()
