"""Trains a graph net to tell fights, and measures it out of fold.

    python -m training.graph_nets --net stgcnpp --pretrained stgcnpp-activities.safetensors \
        --data ../shared/data/skeletons/cctv_fights_coco17.npz \
        --groups ../shared/data/videos/fights/source_groups.json --out models

writes `models/stgcnpp-fights.safetensors` and, for `training.panel`, `stgcnpp-fights.npz`: every test
window's evidence by a net that saw no clip of its source video. `--pretrained` is a file of
`training.pretrain`.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from training import backbone, clips
from training.activities import Activities
from training.backbone import State
from training.fit import CLASSES, PERSONS, Schedule, evidence, fit
from training.folds import FOLDS, split
from training.opinions import Opinions, save_all, unasked
from training.simulated import SCENES, beside
from workers.classify.card import Card, metadata_of
from workers.classify.config import MODELS
from workers.classify.inputs.graph import CHANNELS, body
from workers.classify.nets import Msg3dSize, Size, StgcnppSize
from workers.classify.pairs import Pairs

log = logging.getLogger(__name__)

Integers = NDArray[np.int64]

SIZES: dict[str, Size] = {
    "stgcnpp": StgcnppSize(channels=12, blocks=(1, 1, 1), inputs=CHANNELS),
    "msg3d": Msg3dSize(channels=8, graph_scales=3, space_time_scales=2, inputs=CHANNELS),
}
SCHEDULES = {
    "stgcnpp": Schedule(epochs=12, rate=2e-3),
    "msg3d": Schedule(epochs=8, rate=2e-3),
}
LICENCE = "AGPL-3.0-or-later; trained on clips from a video site, for research: see models/README.md"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=sorted(SIZES), required=True)
    parser.add_argument("--data", type=Path, required=True, help="detections of labelled clips, NPZ")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="the same clips by other detectors")
    parser.add_argument("--groups", type=Path, help="JSON: lists of clips cut from one video")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument(
        "--pretrained",
        type=Path,
        help="weights to start from, of training.pretrain; default: those that come along",
    )
    parser.add_argument("--scenes", type=int, default=SCENES, help="simulated ones to learn from as well")
    parser.add_argument("--seed", type=int, default=1, help="of the folds and the fits")
    parser.add_argument("--no-final", action="store_true", help="only cross-validate")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = clips.load(arguments.data, arguments.groups)
    train(
        arguments.net,
        data,
        clips.load_looks(arguments.also, data.names),
        beside(arguments.scenes),
        arguments.out,
        arguments.seed,
        arguments.pretrained,
        final=not arguments.no_final,
    )


def train(
    net: str,
    data: clips.Labelled,
    also: Mapping[str, clips.Labelled],
    examples: Activities | None,
    out: Path,
    seed: int,
    pretrained: Path | None = None,
    *,
    final: bool = True,
) -> None:
    """Fit, measure, and write `NET-fights.safetensors` and `.npz` into a folder.

    Args:
        net: "stgcnpp" or "msg3d".
        data: the clips.
        also: the same clips by other detectors, by name; each is trained on, and measured by itself.
        examples: simulated windows, to learn from as well.
        out: is made where it is missing.
        seed: of the folds and the fits.
        pretrained: weights to start from; None: the ones that come along.
        final: fit to all clips too, not only to cross-validate.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    size, schedule = SIZES[net], SCHEDULES[net]
    start = backbone.read(pretrained or MODELS / f"{net}-activities.safetensors", net, size)
    taught = clips.lessons(data, also, _halved_body)
    known = taught.train
    log.info("training windows=%d examples=%d", len(known.clip), len(examples or ()))
    out.mkdir(parents=True, exist_ok=True)
    expert = f"{net}-fights"
    started = time.process_time()
    folds = split(data.groups, data.labels, seed)
    found = cross_validated(net, taught, data.labels, folds, schedule, seed, start, examples)
    log.info("cross-validation took %.0f s of CPU", time.process_time() - started)
    save_all(found, data, folds, out, expert)
    if final:
        model = fit(net, size, known.inputs, known.clip, data.labels, schedule, seed, start, examples)
        card = card_of(net, data.names.tolist())
        save_file(model.state_dict(), out / f"{expert}.safetensors", metadata_of(card))


def _halved_body(pairs: Pairs) -> NDArray[np.float16]:
    """The input "body-v2" in half precision: forty thousand windows lie in memory."""
    return body(pairs).astype(np.float16)


def cross_validated(
    net: str,
    taught: clips.Lessons,
    labels: Integers,
    folds: Integers,
    schedule: Schedule,
    seed: int,
    start: State | None,
    examples: Activities | None,
) -> dict[str, Opinions]:
    """By look: what nets say of the windows of clips whose source videos they did not see."""
    train, said = taught.train, unasked(taught)
    for fold in range(FOLDS):
        known = np.flatnonzero(folds[train.clip] != fold)
        model = fit(
            net,
            SIZES[net],
            train.inputs[known],
            train.clip[known],
            labels,
            schedule,
            seed + fold,
            start,
            examples,
        )
        for look, opinions in said.items():
            rows = folds[opinions.clip] == fold
            opinions.evidence[rows] = evidence(model, taught.asked[look].inputs[rows])
        log.info("fold=%d is done", fold)
    return said


def card_of(net: str, trained_on: list[str]) -> Card:
    """What the weights say about themselves."""
    return Card(
        net=net,
        size=json.loads(json.dumps(asdict(SIZES[net]))),
        input="body-v2",
        persons=PERSONS,
        window=clips.WINDOW,
        window_fps=clips.WINDOW_FPS,
        classes=CLASSES,
        violent=("fight",),
        licence=LICENCE,
        trained_on=tuple(trained_on),
    )


if __name__ == "__main__":
    main()
