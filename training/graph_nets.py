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
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from training import backbone, clips
from training.backbone import State
from training.fit import CLASSES, PERSONS, Schedule, evidence, fit
from training.folds import FOLDS, split
from training.opinions import Opinions, log_folds
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
    parser.add_argument("--groups", type=Path, help="JSON: lists of clips cut from one video")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument(
        "--pretrained",
        type=Path,
        help="weights to start from, of training.pretrain; default: those that come along",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the folds and the fits")
    parser.add_argument("--no-final", action="store_true", help="only cross-validate")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    data = clips.load(arguments.data, arguments.groups)
    train(
        arguments.net, data, arguments.out, arguments.seed, arguments.pretrained, final=not arguments.no_final
    )


def train(
    net: str,
    data: clips.Labelled,
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
        out: is made where it is missing.
        seed: of the folds and the fits.
        pretrained: weights to start from; None: the ones that come along.
        final: fit to all clips too, not only to cross-validate.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    size, schedule = SIZES[net], SCHEDULES[net]
    start = backbone.read(pretrained or MODELS / f"{net}-activities.safetensors", net, size)
    known, test = (
        clips.windows_of(data, cut, _halved_body) for cut in (clips.train_windows, clips.test_windows)
    )
    log.info("training windows=%d test windows=%d", len(known.clip), len(test.clip))
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{net}-fights"
    started = time.process_time()
    folds = split(data.groups, data.labels, seed)
    opinions = cross_validated(net, known, test, data.labels, folds, schedule, seed, start)
    log_folds(opinions, data.labels, folds)
    log.info("cross-validation took %.0f s of CPU", time.process_time() - started)
    opinions.save(target.with_suffix(".npz"), data.names, folds)
    if final:
        model = fit(net, size, known.inputs, known.clip, data.labels, schedule, seed, start)
        card = card_of(net, data.names.tolist())
        save_file(model.state_dict(), target.with_suffix(".safetensors"), metadata_of(card))


def _halved_body(pairs: Pairs) -> NDArray[np.float16]:
    """The input "body-v2" in half precision: forty thousand windows lie in memory."""
    return body(pairs).astype(np.float16)


def cross_validated(
    net: str,
    train: clips.Windows,
    test: clips.Windows,
    labels: Integers,
    folds: Integers,
    schedule: Schedule,
    seed: int,
    start: State | None,
) -> Opinions:
    """What nets say of the test windows of clips whose source videos they did not see."""
    said = np.zeros(len(test.clip))
    for fold in range(FOLDS):
        known, asked = np.flatnonzero(folds[train.clip] != fold), folds[test.clip] == fold
        model = fit(
            net,
            SIZES[net],
            train.inputs[known],
            train.clip[known],
            labels,
            schedule,
            seed + fold,
            start,
        )
        said[asked] = evidence(model, test.inputs[asked])
        log.info("fold=%d is done", fold)
    return Opinions(clip=test.clip, at=test.at, track=test.track, evidence=said)


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
