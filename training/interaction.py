"""Fits the linear model of hand-made pair features, and measures it out of fold.

    python -m training.interaction --data ../shared/data/skeletons/cctv_fights_coco17.npz \
        --also own-detector.npz --groups ../shared/data/videos/fights/source_groups.json --out models

writes `models/interaction-fights.safetensors` and, for `training.panel`, `interaction-fights.npz`: every test
window's evidence by a model that saw no clip of its source video. `--also` are the same clips as other
detectors saw them (`training.detections`): what is common to all of them is movement, not a detector's noise.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from training import clips
from training.folds import FOLDS, split
from training.opinions import Opinions, log_folds
from workers.classify.card import Card, metadata_of
from workers.classify.inputs.interaction import interaction, names
from workers.classify.linear import Linear

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

LICENCE = "AGPL-3.0-or-later; trained on clips from a video site, for research: see models/README.md"
_QUANTILES = 33


@dataclass(frozen=True)
class Recipe:
    """How the model is fitted.

    Attributes:
        rounds: the first looks at all windows of a clip alike, each further one at those that the last one
            found most violent: a bystander's window in a fight is no fight.
        top: share of a clip's windows that are believed to show its label.
        believed: weight of those; the rest share what is left.
        penalty: inverse strength of the L2 penalty.
    """

    rounds: int = 2
    top: float = 1 / 3
    believed: float = 0.7
    penalty: float = 0.01


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="detections of labelled clips, NPZ")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="the same clips by other detectors")
    parser.add_argument("--groups", type=Path, help="JSON: lists of clips cut from one video")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--seed", type=int, default=1, help="of the folds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = clips.load(arguments.data, arguments.groups)
    also = [clips.in_order(clips.load(path, None), data.names) for path in arguments.also]
    train(data, also, arguments.out, arguments.seed)


def train(data: clips.Labelled, also: Sequence[clips.Labelled], out: Path, seed: int) -> None:
    """Fit, measure, and write `interaction-fights.safetensors` and `.npz` into a folder.

    Args:
        data: the clips, by whose windows is measured.
        also: the same clips by other detectors, for training only.
        out: is made where it is missing.
        seed: of the folds.
    """
    known = joined([clips.windows_of(one, clips.train_windows, interaction) for one in (data, *also)])
    test = clips.windows_of(data, clips.test_windows, interaction)
    log.info("training windows=%d test windows=%d features=%d", len(known.clip), len(test.clip), len(names()))
    folds = split(data.groups, data.labels, seed)
    opinions = cross_validated(known, test, data.labels, folds, Recipe())
    log_folds(opinions, data.labels, folds)
    out.mkdir(parents=True, exist_ok=True)
    target = out / "interaction-fights"
    opinions.save(target.with_suffix(".npz"), data.names, folds)
    model = fit(known.inputs, known.clip, data.labels, Recipe())
    card = Card(
        net="interaction",
        input="interaction-v1",
        persons=2,
        window=clips.WINDOW,
        window_fps=clips.WINDOW_FPS,
        classes=("normal", "fight"),
        violent=("fight",),
        licence=LICENCE,
        trained_on=tuple(data.names.tolist()),
    )
    save_file(model.tensors(), target.with_suffix(".safetensors"), metadata_of(card))


def joined(parts: Sequence[clips.Windows]) -> clips.Windows:
    """The windows of several looks at the same clips."""
    return clips.Windows(
        inputs=np.concatenate([part.inputs for part in parts]),
        clip=np.concatenate([part.clip for part in parts]),
        at=np.concatenate([part.at for part in parts]),
        track=np.concatenate([part.track for part in parts]),
    )


def cross_validated(
    train: clips.Windows, test: clips.Windows, labels: Integers, folds: Integers, recipe: Recipe
) -> Opinions:
    """What models say of the test windows of clips whose source videos they did not see."""
    evidence = np.zeros(len(test.clip))
    for fold in range(FOLDS):
        known, asked = folds[train.clip] != fold, folds[test.clip] == fold
        model = fit(train.inputs[known], train.clip[known], labels, recipe)
        evidence[asked] = model.logits(test.inputs[asked])[:, 1]
    return Opinions(clip=test.clip, at=test.at, track=test.track, evidence=evidence)


def fit(features: Floats, clip: Integers, labels: Integers, recipe: Recipe) -> Linear:
    """A model of windows whose labels are their clips'.

    Args:
        features: [n, F], NaN where unknown.
        clip: [n] the clip of each.
        labels: of every clip, indexed by `clip`.
        recipe: how.
    """
    blank = _spread(features)
    values = blank.spread(features)
    weight = 1 / np.bincount(clip)[clip]
    for _ in range(recipe.rounds):
        regression = LogisticRegression(C=recipe.penalty, max_iter=1000)
        regression.fit(values, labels[clip], sample_weight=weight / weight.mean())
        evidence = regression.decision_function(values)
        weight = _believed(evidence, clip, recipe)
    return Linear(
        blank.quantiles,
        blank.normal,
        regression.coef_[0].astype(np.float32),
        regression.intercept_.astype(np.float32),
    )


def _spread(features: Floats) -> Linear:
    """A model that only knows the features' quantiles."""
    shares = np.linspace(0, 1, _QUANTILES)
    quantiles = np.nanquantile(features, shares, axis=0).astype(np.float32)
    normal = norm.ppf(shares.clip(0.5 / _QUANTILES, 1 - 0.5 / _QUANTILES)).astype(np.float32)
    count = features.shape[1]
    return Linear(np.nan_to_num(quantiles), normal, np.zeros(count, np.float32), np.zeros(1, np.float32))


def _believed(evidence: NDArray[np.float64], clip: Integers, recipe: Recipe) -> NDArray[np.float64]:
    """[n] weights that add up to 1 in each clip."""
    weight = np.zeros(len(clip))
    for one in np.unique(clip):
        rows = np.flatnonzero(clip == one)
        ordered = rows[np.argsort(-evidence[rows], kind="stable")]
        top = ordered[: max(1, round(recipe.top * len(rows) + 0.499))]
        weight[rows] = (1 - recipe.believed) / len(rows)
        weight[top] += recipe.believed / len(top)
    return weight


if __name__ == "__main__":
    main()
