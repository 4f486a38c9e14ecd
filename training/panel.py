"""Calibrates the experts, measures them alone and together out of fold, and writes their model card.

    python -m training.panel --data ../shared/data/skeletons/cctv_fights_coco17.npz \
        --groups ../shared/data/videos/fights/source_groups.json --models models

reads what each recipe left in `--models` (weights, and evidence out of fold as `training.opinions` keeps it),
fits for each expert how evidence becomes a probability, and writes that into the weights' description. It is
fitted to all looks at the clips together (`--also`), so that a score means the same by either detector. All
figures are nested: what is applied to a fold's clips was fitted to the other folds' (evidence that is out of
fold there too). What ships is fitted to all folds. `models/panel-fights.json` holds the figures.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from sklearn.linear_model import LogisticRegression

from training import clips
from training.calibration import Calibration, platt
from training.folds import FOLDS, split
from training.opinions import Opinions
from workers.classify.card import Card, metadata_of, read_card
from workers.classify.config import SHIPPED
from workers.classify.decision import THRESHOLDS, scale_weight, score, together
from workers.classify.evaluation import measures
from workers.classify.evaluation.clips import top_third

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FIGURES: dict[str, measures.Figure] = {
    "auc": measures.auc,
    "tpr_at_fpr1": lambda scores, labels: measures.tpr_at_fpr(scores, labels, 0.01),
    "tpr_at_fpr5": measures.tpr_at_fpr,
    "fpr_at_tpr90": measures.fpr_at_tpr,
    "ece": measures.calibration_error,
    "brier": measures.brier,
    "log_loss": measures.log_loss,
}
# Calibrated scores say how often a clip like this is a fight where every second clip is one: then this
# threshold errs least. A search for a better one on so few clips finds noise (models/README.md).
CLIP_THRESHOLD = 0.5
BANDS = ((0, 50), (50, 100), (100, 300), (300, 100_000))


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything that figures are made of: n windows of K clips.

    Attributes:
        labels, groups, folds: [K].
        clip, at, height: [n] clip, time and body height (pixels) of each window.
        raw: by expert, [n] its evidence as it was said out of fold, not calibrated.
    """

    labels: Integers
    groups: Integers
    folds: Integers
    clip: Integers
    at: Floats
    height: Floats
    raw: Mapping[str, Floats]

    @property
    def weight(self) -> Floats:
        """[n] the product's scale weights; all evidence has them applied before it is looked at."""
        return scale_weight(self.height)

    def scenes(self, evidence: Floats) -> tuple[Integers, Floats]:
        """Clip and highest evidence of each step in which somebody was judged."""
        steps = np.stack([self.clip, self.at], axis=1)
        _, step = np.unique(steps, axis=0, return_inverse=True)
        highest = np.full(step.max() + 1, -np.inf)
        np.maximum.at(highest, step, evidence)
        clip = np.zeros(len(highest), np.int64)
        clip[step] = self.clip
        return clip, highest

    def clip_evidence(self, evidence: Floats) -> Floats:
        """[K] mean of the highest third of each clip's scenes; NaN where nobody was judged."""
        clip, highest = self.scenes(evidence)
        result = np.full(len(self.labels), np.nan)
        for one in np.unique(clip):
            ordered = np.sort(highest[clip == one])[::-1]
            result[one] = ordered[: -(-len(ordered) // 3)].mean()
        return result

    def clip_scores(self, evidence: Floats) -> Floats:
        """[K] as `nexara evaluate verdicts` scores them."""
        clip, highest = self.scenes(evidence)
        said = score(highest)
        return np.array([top_third(said[clip == one]) for one in range(len(self.labels))])


def together_of(looks: Sequence[Bench]) -> Bench:
    """Several looks at the same K clips as one bench of that many times K clips, each in its clip's fold."""
    count = len(looks[0].labels)
    return Bench(
        labels=np.concatenate([look.labels for look in looks]),
        groups=np.concatenate([look.groups for look in looks]),
        folds=np.concatenate([look.folds for look in looks]),
        clip=np.concatenate([look.clip + count * number for number, look in enumerate(looks)]),
        at=np.concatenate([look.at for look in looks]),
        height=np.concatenate([look.height for look in looks]),
        raw={name: np.concatenate([look.raw[name] for look in looks]) for name in looks[0].raw},
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="detections of labelled clips, NPZ")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="the same clips by other detectors")
    parser.add_argument("--groups", type=Path, help="JSON: lists of clips cut from one video")
    parser.add_argument("--models", type=Path, required=True, help="folder of weights and evidence")
    parser.add_argument("--seed", type=int, default=1, help="of the folds; the recipes' own")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = clips.load(arguments.data, arguments.groups)
    also = clips.load_looks(arguments.also, data.names)
    figures = calibrate(data, also, arguments.models, shipped_seats(), arguments.seed)
    print(json.dumps(figures, indent=1))


@dataclass(frozen=True)
class Seat:
    """An expert of the panel: the stem of its files, its role and share as in a site file."""

    name: str
    role: str
    share: float


def shipped_seats() -> list[Seat]:
    """The panel that the product comes with."""
    return [Seat(expert.weights.stem, expert.role, expert.share) for expert in SHIPPED]


def calibrate(
    data: clips.Labelled,
    also: Mapping[str, clips.Labelled],
    models: Path,
    seats: Sequence[Seat],
    seed: int,
) -> dict[str, Any]:
    """Fit, measure, and write calibrations into the weights and figures into `panel-fights.json`.

    Args:
        data: the clips.
        also: the same clips by other detectors, by name.
        models: folder of weights and opinions.
        seats: the panel.
        seed: of the folds.

    Returns:
        The figures; `fitted` holds what was fitted to all clips.
    """
    looks = {"": data, **also}
    figures, fit = measured(
        {name: _bench(look, data, models, name, seats, seed) for name, look in looks.items()}, seats
    )
    for name, calibration in fit.calibrations.items():
        _write_card(models / f"{name}.safetensors", calibration)
    figures["fitted"] = {
        "calibration": {name: vars(one) for name, one in fit.calibrations.items()},
        "sharpness": fit.sharpness,
    }
    text = json.dumps(figures, indent=1)
    (models / "panel-fights.json").write_text(text + "\n", encoding="utf-8")
    return figures


@dataclass(frozen=True)
class Fit:
    """What is fitted to some clips."""

    seats: Sequence[Seat]
    calibrations: dict[str, Calibration]
    sharpness: float

    def alone(self, bench: Bench) -> dict[str, Floats]:
        """By expert, [n] its evidence."""
        return {name: fitted(bench.raw[name]) * bench.weight for name, fitted in self.calibrations.items()}

    def own(self, bench: Bench) -> Floats:
        """[n] evidence of the primary and members together."""
        return _together(bench, self.calibrations, self.seats) * self.sharpness


@dataclass(frozen=True)
class Judged:
    """What was said of clips by experts whose fit did not see them.

    Attributes:
        alone: by expert, [n] its evidence.
        own, vetoed: [n] that of the primary and members together; the same with vetoes.
    """

    alone: dict[str, Floats]
    own: Floats
    vetoed: Floats


def measured(looks: Mapping[str, Bench], seats: Sequence[Seat]) -> tuple[dict[str, Any], Fit]:
    """Figures of each expert and of the decision, and what is fitted to all folds.

    Args:
        looks: looks at the same clips, by name; all are fitted to, and each is measured by itself. The
            figures of the first stand on top, those of the rest under "other looks".
        seats: the panel.
    """
    roles = {seat.name: seat.role for seat in seats}
    bench, *others = looks.values()
    joint = together_of([bench, *others])
    fits = [_fit(joint, seats, joint.folds != fold) for fold in range(FOLDS)]
    said = _judged(bench, fits, roles)
    figures: dict[str, Any] = {
        "protocol": {
            "clips": len(bench.labels), "sources": len(np.unique(bench.groups)), "folds": FOLDS,
            "clips without a window": int(np.isnan(bench.clip_evidence(said.own)).sum()),
        },
        **_ranks(bench, said),
        "veto at equal recall": veto_table(bench, said.own, said.vetoed),
        "correlation": _correlation(bench, said.alone),
        "alarms": alarms(bench, said.own, said.alone, roles),
        "bands": bands(bench, said.own),
        "other looks": {
            name: _ranks(other, _judged(other, fits, roles))
            for name, other in zip(list(looks)[1:], others, strict=True)
        },
    }  # fmt: skip
    return figures, _fit(joint, seats, np.full(len(joint.labels), True))


def _judged(bench: Bench, fits: Sequence[Fit], roles: Mapping[str, str]) -> Judged:
    """Each fold's clips with what was fitted to the others."""
    alone: dict[str, Floats] = {name: np.zeros(len(bench.clip)) for name in bench.raw}
    own = np.zeros(len(bench.clip))
    for fold, fit in enumerate(fits):
        rows = bench.folds[bench.clip] == fold
        for name, evidence in fit.alone(bench).items():
            alone[name][rows] = evidence[rows]
        own[rows] = fit.own(bench)[rows]
    vetoed = np.minimum.reduce([own, *(alone[name] for name in alone if roles[name] == "veto")])
    return Judged(alone, own, vetoed)


def _ranks(bench: Bench, said: Judged) -> dict[str, Any]:
    return {
        "experts": {name: ranked(bench, evidence) for name, evidence in said.alone.items()},
        "primary and members": ranked(bench, said.own),
        "decision (with veto)": ranked(bench, said.vetoed),
    }


def ranked(bench: Bench, evidence: Floats) -> dict[str, Any]:
    """Every figure of clip scores, with 95% intervals by source video."""
    scores = bench.clip_scores(evidence)
    correct = ((scores >= CLIP_THRESHOLD) == (bench.labels == 1)).astype(float)
    return {
        **_entries({"accuracy": lambda right, _: float(right.mean())}, correct, bench),
        **_entries(_FIGURES, scores, bench),
    }


def veto_table(bench: Bench, own: Floats, vetoed: Floats) -> list[dict[str, float]]:
    """False alarms of the primary alone and with its veto, at thresholds that find as many fights."""
    alone, both = bench.clip_scores(own), bench.clip_scores(vetoed)
    return [
        {
            "tpr": tpr,
            "fpr alone": round(measures.fpr_at_tpr(alone, bench.labels, tpr), 3),
            "fpr with veto": round(measures.fpr_at_tpr(both, bench.labels, tpr), 3),
        }
        for tpr in (0.5, 0.6, 0.7, 0.8, 0.9)
    ]


def alarms(
    bench: Bench, own: Floats, nested: Mapping[str, Floats], roles: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """Share of fights and of normal clips with at least one VIOLENCE verdict, as the product gives it."""
    result = {}
    for name, pair in THRESHOLDS.items():
        primary = score(own) >= pair.primary
        yes = primary.copy()
        for expert, evidence in nested.items():
            if roles[expert] == "veto":
                yes &= score(evidence) >= pair.veto
        for rule, said in (("primary", primary), ("with veto", yes)):
            alarmed = np.isin(np.arange(len(bench.labels)), bench.clip[said])
            result[f"{name}, {rule}"] = {
                "fights": round(float(alarmed[bench.labels == 1].mean()), 3),
                "normal": round(float(alarmed[bench.labels == 0].mean()), 3),
            }
    return result


def bands(bench: Bench, own: Floats) -> dict[str, dict[str, float | None]]:
    """By body height: how much a window's evidence is worth, and how many fights reach VIOLENCE."""
    pair = THRESHOLDS["production"]
    said = score(own)
    result = {}
    for low, high in BANDS:
        rows = (bench.height >= low) & (bench.height < high)
        if not rows.any():
            continue
        seen = np.unique(bench.clip[rows])
        fights = seen[bench.labels[seen] == 1]
        reached = np.unique(bench.clip[rows & (said >= pair.primary)])
        inside = Bench(
            labels=bench.labels, groups=bench.groups, folds=bench.folds, clip=bench.clip[rows],
            at=bench.at[rows], height=bench.height[rows], raw={},
        )  # fmt: skip
        evidence = inside.clip_evidence((own / bench.weight)[rows])[seen]
        both = len(np.unique(bench.labels[seen])) == 2
        fitted = platt(evidence, bench.labels[seen]) if both else Calibration(0.0, 1.0)
        normal = seen[bench.labels[seen] == 0]
        result[f"{low} to {high} px"] = {
            "windows": int(rows.sum()),
            "clips": len(seen),
            "auc": round(measures.auc(evidence, bench.labels[seen]), 3) if both else None,
            "weight that fits": round(1 / fitted.temperature, 2) if both else None,
            "fights": len(fights),
            "fights that reach VIOLENCE": _share(np.isin(fights, reached)),
            "normal clips that do": _share(np.isin(normal, reached)),
        }
    return result


def _share(chosen: NDArray[np.bool_]) -> float | None:
    return round(float(chosen.mean()), 3) if len(chosen) else None


def _fit(bench: Bench, seats: Sequence[Seat], known: NDArray[np.bool_]) -> Fit:
    fitted = {name: _fit_one(bench, raw, known) for name, raw in bench.raw.items()}
    mean = _together(bench, fitted, seats)
    clip = bench.clip_evidence(mean)
    rows = known & ~np.isnan(clip)
    several = sum(seat.role != "veto" for seat in seats) > 1
    sharpness = round(_slope(clip[rows], bench.labels[rows]), 2) if several else 1.0
    return Fit(seats, fitted, sharpness)


def _together(bench: Bench, fitted: Mapping[str, Calibration], seats: Sequence[Seat]) -> Floats:
    """[n] evidence of the primary and members, before it is sharpened."""
    scorers = [seat for seat in seats if seat.role != "veto"]
    evidence = np.stack([fitted[seat.name](bench.raw[seat.name]) for seat in scorers], axis=1)
    return together(evidence, np.array([seat.share for seat in scorers]), 1.0) * bench.weight


def _fit_one(bench: Bench, raw: Floats, known: NDArray[np.bool_]) -> Calibration:
    """Platt's logistic regression of the label on the clips' evidence; then its slope once more, weighted."""
    plain = bench.clip_evidence(raw)
    rows = known & ~np.isnan(plain)
    fitted = platt(plain[rows], bench.labels[rows])
    weighted = bench.clip_evidence((raw - fitted.bias) * bench.weight)
    return Calibration(fitted.bias, round(1 / _slope(weighted[rows], bench.labels[rows]), 3))


def _slope(evidence: Floats, labels: Integers) -> float:
    line = LogisticRegression(C=100.0, fit_intercept=False).fit(evidence[:, None], labels)
    return max(float(line.coef_[0, 0]), 0.1)


def _correlation(bench: Bench, nested: Mapping[str, Floats]) -> dict[str, float]:
    names = list(nested)
    clip = {name: bench.clip_evidence(evidence) for name, evidence in nested.items()}
    seen = ~np.isnan(clip[names[0]])
    return {
        f"{one} with {other}": round(float(np.corrcoef(clip[one][seen], clip[other][seen])[0, 1]), 3)
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    }


def _entries(figures: Mapping[str, measures.Figure], scores: Floats, bench: Bench) -> dict[str, Any]:
    ranges = measures.intervals(list(figures.values()), scores, bench.labels, bench.groups)
    return {
        name: {
            "value": round(figure(scores, bench.labels), 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }
        for (name, figure), (low, high) in zip(figures.items(), ranges, strict=True)
    }


def _bench(
    look: clips.Labelled, data: clips.Labelled, models: Path, name: str, seats: Sequence[Seat], seed: int
) -> Bench:
    """A look's windows, and what the experts said of them."""
    clip, at, height = [], [], []
    for number, one in enumerate(look.clips):
        for moment, due in clips.test_windows(one):
            clip.append(np.full(len(due), number))
            at.append(np.full(len(due), moment))
            height.append(clips.heights(due))
    opinions = {seat.name: Opinions.read(Opinions.path_of(models, seat.name, name)) for seat in seats}
    bench = Bench(
        labels=data.labels, groups=data.groups, folds=split(data.groups, data.labels, seed),
        clip=np.concatenate(clip), at=np.concatenate(at), height=np.concatenate(height),
        raw={expert: one.evidence for expert, one in opinions.items()},
    )  # fmt: skip
    for expert, one in opinions.items():
        if not (np.array_equal(one.clip, bench.clip) and np.allclose(one.at, bench.at)):
            raise ValueError(f"{expert}: its evidence is of other windows: train it again with this version")
    return bench


def _write_card(path: Path, fitted: Calibration) -> None:
    card = read_card(path)
    found = {"temperature": fitted.temperature, "bias": fitted.bias, "clip_threshold": CLIP_THRESHOLD}
    changed = Card(**{**card.model_dump(), **found})
    save_file(load_file(path), path, metadata_of(changed))


if __name__ == "__main__":
    main()
