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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from training import clips
from training.activities import Activities
from training.folds import FOLDS, split
from training.opinions import Opinions, save_all, unasked
from training.simulated import SCENES, beside
from workers.classify.card import Card, metadata_of
from workers.classify.inputs.interaction import interaction, names
from workers.classify.linear import Linear

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

LICENCE = "AGPL-3.0-or-later; trained on clips from a video site, for research: see models/README.md"
EXPERT = "interaction-fights"
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
        examples: weight of all simulated windows together, against that of all clips.
    """

    rounds: int = 2
    top: float = 1 / 3
    believed: float = 0.7
    penalty: float = 0.01
    examples: float = 0.25


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="detections of labelled clips, NPZ")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="the same clips by other detectors")
    parser.add_argument("--groups", type=Path, help="JSON: lists of clips cut from one video")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--scenes", type=int, default=SCENES, help="simulated ones to learn from as well")
    parser.add_argument("--seed", type=int, default=1, help="of the folds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = clips.load(arguments.data, arguments.groups)
    also = clips.load_looks(arguments.also, data.names)
    train(data, also, beside(arguments.scenes), arguments.out, arguments.seed)


def train(
    data: clips.Labelled,
    also: Mapping[str, clips.Labelled],
    examples: Activities | None,
    out: Path,
    seed: int,
) -> None:
    """Fit, measure, and write `interaction-fights.safetensors` and `.npz` into a folder.

    Args:
        data: the clips.
        also: the same clips by other detectors, by name; each is trained on, and measured by itself.
        examples: simulated windows, to learn from as well.
        out: is made where it is missing.
        seed: of the folds.
    """
    taught = clips.lessons(data, also, interaction)
    known = taught.train
    log.info("training windows=%d features=%d", len(known.clip), len(names()))
    folds = split(data.groups, data.labels, seed)
    found = cross_validated(taught, data.labels, folds, Recipe(), examples)
    out.mkdir(parents=True, exist_ok=True)
    save_all(found, data, folds, out, EXPERT)
    model = fit(known.inputs, known.clip, data.labels, Recipe(), examples)
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
    save_file(model.tensors(), out / f"{EXPERT}.safetensors", metadata_of(card))


def cross_validated(
    taught: clips.Lessons,
    labels: Integers,
    folds: Integers,
    recipe: Recipe,
    examples: Activities | None = None,
) -> dict[str, Opinions]:
    """By look: what models say of the windows of clips whose source videos they did not see."""
    train, said = taught.train, unasked(taught)
    for fold in range(FOLDS):
        known = folds[train.clip] != fold
        model = fit(train.inputs[known], train.clip[known], labels, recipe, examples)
        for look, opinions in said.items():
            rows = folds[opinions.clip] == fold
            opinions.evidence[rows] = model.logits(taught.asked[look].inputs[rows])[:, 1]
    return said


def fit(
    features: Floats, clip: Integers, labels: Integers, recipe: Recipe, examples: Activities | None = None
) -> Linear:
    """A model of windows whose labels are their clips'.

    Args:
        features: [n, F], NaN where unknown.
        clip: [n] the clip of each.
        labels: of every clip, indexed by `clip`.
        recipe: how.
        examples: windows whose own labels are known.
    """
    blank = _spread(features)
    values, target = blank.spread(features), labels[clip]
    shown, told = blank.spread(features[:0]), target[:0]
    if examples is not None:
        rows, told = examples.clear()
        shown = blank.spread(examples.features[rows])
    weight = 1 / np.bincount(clip)[clip]
    for _ in range(recipe.rounds):
        each = [weight * len(values) / weight.sum(), _even(told) * len(values) * recipe.examples]
        regression = LogisticRegression(C=recipe.penalty, max_iter=1000)
        regression.fit(
            np.concatenate([values, shown]),
            np.concatenate([target, told]),
            sample_weight=np.concatenate(each),
        )
        weight = _believed(regression.decision_function(values), clip, recipe)
    return Linear(
        blank.quantiles,
        blank.normal,
        regression.coef_[0].astype(np.float32),
        regression.intercept_.astype(np.float32),
    )


def _even(labels: Integers) -> NDArray[np.float64]:
    """[n] weights that add up to 1, and are as much for either label."""
    return 0.5 / np.bincount(labels, minlength=2)[labels]


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
