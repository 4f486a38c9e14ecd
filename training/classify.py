"""Trains a fight classifier: grouped cross-validation, calibration, then a last fit on everything.

    python -m training.classify --net stgcnpp --data ../shared/data/skeletons --out models

writes `models/stgcnpp-fights.safetensors` and `models/stgcnpp-fights.json` (figures and every clip's
out-of-fold scores). `python -m training.pair` then measures primary and veto together.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from training import measure
from training.data import Clips, load_clips
from training.fit import CLASSES, Schedule, evidence, fit
from workers.classify.card import Card, digest, metadata_of
from workers.classify.features import NORMALISATION
from workers.classify.nets import Msg3dSize, Size, StgcnppSize

log = logging.getLogger(__name__)

FOLDS = 5
SIZES: dict[str, Size] = {
    "stgcnpp": StgcnppSize(channels=18, blocks=(1, 1, 1)),
    "msg3d": Msg3dSize(channels=12, graph_scales=4, space_time_scales=2),
}
SCHEDULES = {
    "stgcnpp": Schedule(),
    "msg3d": Schedule(epochs=18),
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=sorted(SIZES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of cctv_fights_coco17.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights and figures")
    parser.add_argument("--window-fps", type=float, default=25.0)
    parser.add_argument("--given-tracks", action="store_true", help="take the file's tracks as they are")
    parser.add_argument("--epochs", type=int, help="instead of the net's own number, for a quick look")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-final", action="store_true", help="only cross-validate")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    schedule = SCHEDULES[arguments.net]
    if arguments.epochs:
        schedule = Schedule(**{**asdict(schedule), "epochs": arguments.epochs})
    clips = load_clips(arguments.data, arguments.window_fps, retrack=not arguments.given_tracks)
    log.info("windows=%d tested=%d", len(clips.train), len(clips.test))
    started = time.process_time()
    logits, folds = cross_validate(arguments.net, clips, schedule, arguments.seed)
    figures = report(clips, logits, folds)
    figures["protocol"] = {
        "net": arguments.net, "size": asdict(SIZES[arguments.net]), "schedule": asdict(schedule),
        "window_fps": arguments.window_fps, "seed": arguments.seed, "folds": FOLDS,
        "retracked": not arguments.given_tracks, "cv_cpu_s": round(time.process_time() - started),
    }  # fmt: skip
    log.info("%s", json.dumps({key: value for key, value in figures.items() if key != "clips"}))
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / f"{arguments.net}-fights"
    if not arguments.no_final:
        card = Card(
            net=arguments.net,
            size=json.loads(json.dumps(asdict(SIZES[arguments.net]))),
            persons=1, window=32, window_fps=arguments.window_fps, normalisation=NORMALISATION,
            temperature=figures["temperature"], classes=CLASSES, violent=("fight",),
        )  # fmt: skip
        model = fit(
            arguments.net,
            SIZES[arguments.net],
            clips.train,
            clips.train_clip,
            clips.labels,
            schedule,
            arguments.seed,
        )
        save_file(model.state_dict(), target.with_suffix(".safetensors"), metadata_of(card))
        figures["sha256"] = digest(target.with_suffix(".safetensors"))
    target.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def cross_validate(
    net: str, clips: Clips, schedule: Schedule, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Out-of-fold logits of every test window, and the fold of every clip."""
    folds = split(clips.groups, clips.labels, seed)
    logits = np.zeros(len(clips.test), np.float32)
    for fold in range(FOLDS):
        rows = np.flatnonzero(folds[clips.train_clip] != fold)
        tested = folds[clips.test_clip] == fold
        model = fit(
            net, SIZES[net], clips.train[rows], clips.train_clip[rows], clips.labels, schedule, seed + fold
        )
        logits[tested] = evidence(model, clips.test[tested])
        scores = measure.clip_scores(
            measure.probability(logits[tested], 1), clips.test_clip[tested], len(clips.names)
        )
        of_fold = folds == fold
        log.info("fold=%d auc=%.3f", fold, measure.auc(scores[of_fold], clips.labels[of_fold]))
    return logits, folds


def split(groups: NDArray[np.int64], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """[K] fold of every clip: whole source videos, each to the fold that it keeps most even."""
    rng = np.random.default_rng(seed)
    fold_of = np.zeros(len(groups), np.int64)
    counts = np.zeros((FOLDS, 2))
    sizes = {group: np.bincount(labels[groups == group], minlength=2) for group in np.unique(groups)}
    for group in sorted(sizes, key=lambda group: (-sizes[group].sum(), rng.random())):
        after = counts + sizes[group]
        fold = int(np.argmin((after**2).sum(axis=1) - (counts**2).sum(axis=1)))
        counts[fold] += sizes[group]
        fold_of[groups == group] = fold
    return fold_of


def report(clips: Clips, logits: NDArray[np.float32], folds: NDArray[np.int64]) -> dict:
    """Everything that a model card says, out of fold."""
    labels, groups = clips.labels, clips.groups
    window_labels = labels[clips.test_clip]
    seen = np.unique(clips.test_clip)
    # On clips and not on windows: only the clip's label is true of it, a bystander's window may well be calm.
    clip_logits = measure.clip_scores(logits, clips.test_clip, len(labels))[seen]
    temperature = round(measure.fit_temperature(clip_logits, labels[seen], np.ones(len(seen))), 3)
    windows = measure.probability(logits, temperature)
    scores = measure.clip_scores(windows, clips.test_clip, len(labels))
    figures: dict = {"temperature": temperature}
    for name, figure in (
        ("accuracy", measure.accuracy),
        ("auc", measure.auc),
        ("fpr_at_tpr_90", measure.fpr_at_tpr),
    ):
        low, high = measure.interval(figure, scores, labels, groups)
        figures[name] = {
            "value": round(figure(scores, labels), 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }
    figures["window_auc"] = round(measure.auc(windows, window_labels), 3)
    figures["reliability"] = [
        {"from": low, "to": high, "windows": int(inside.sum()),
         "fight_share": round(float(window_labels[inside].mean()), 3) if inside.any() else None}
        for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 0.85), (0.85, 0.94), (0.94, 1.01))
        if (inside := (windows >= low) & (windows < high)) is not None
    ]  # fmt: skip
    figures["clips"] = {
        str(name): {"label": int(labels[k]), "fold": int(folds[k]), "group": int(groups[k]),
                    "windows": [round(float(p), 4) for p in windows[clips.test_clip == k]]}
        for k, name in enumerate(clips.names)
    }  # fmt: skip
    return figures


if __name__ == "__main__":
    main()
