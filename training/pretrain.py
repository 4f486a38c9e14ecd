"""Teaches a net activities before it learns fights: simulated people, and two public sets of acted ones.

    python -m training.pretrain --net stgcnpp --data ../shared/data/skeletons --out activities.safetensors

The labels are the simulated people's actions (`workers.ingest.simulated.ACTIONS`), some of which are violent.
So the net is an expert for simulated people, calibrated on scenes that it was not trained on; and
`training.graph_nets --pretrained` takes its weights without the head.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from training.activities import Activities, joined
from training.calibration import platt
from training.clips import WINDOW, WINDOW_FPS
from training.fit import PERSONS, Schedule, logits_of, pretrain
from training.graph_nets import SIZES
from training.sets import of_one, of_two
from training.simulated import simulate
from workers.classify.card import Card, metadata_of
from workers.classify.decision import log_odds
from workers.classify.evaluation.measures import auc
from workers.ingest.simulated import ACTIONS

log = logging.getLogger(__name__)

# MS-G3D is twice as slow.
EPOCHS = {"stgcnpp": 4, "msg3d": 2}
SCHEDULE = Schedule(rate=4e-3, weight_decay=0.01, dropout=0.1, smoothing=0.05, averaging=0.995)
VIOLENT = ("strike", "kick", "shove", "guard", "grapple", "struck")
LICENCE = "AGPL-3.0-or-later; learned from simulated people"
LICENCE_WITH_SETS = f"{LICENCE} and from two sets of acted activities, for research"
# Seeds of `simulate`; the second is for calibration, and for looking at what was learned.
_SCENE_SEEDS, _SEED_HELD_BACK, _SCENES_HELD_BACK = (1, 3, 4), 2, 40
# Windows of the acted sets overlap so much that some of them are enough.
_EVERY = 3


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=sorted(SIZES), required=True)
    parser.add_argument("--data", type=Path, help="folder of the two sets; without it, only simulated people")
    parser.add_argument("--out", type=Path, required=True, help="the weights' file")
    parser.add_argument("--scenes", type=int, default=110, help="of each of three seeds")
    parser.add_argument("--epochs", type=int, help="default: 4, for MS-G3D 2: as much as fights start from")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    parts = [simulate(arguments.scenes, seed) for seed in _SCENE_SEEDS]
    if arguments.data:
        parts.append(of_two(arguments.data / "sbu_val_coco17.npz")[::_EVERY])
        parts.append(of_one(arguments.data / "chengeyang_coco17.npz")[::_EVERY])
    log.info("windows=%s", [len(part.windows) for part in parts])
    size = SIZES[arguments.net]
    schedule = replace(SCHEDULE, epochs=arguments.epochs or EPOCHS[arguments.net])
    model = pretrain(arguments.net, size, joined(parts), schedule, arguments.seed)
    licence = LICENCE_WITH_SETS if arguments.data else LICENCE
    card = card_of(arguments.net, model, simulate(_SCENES_HELD_BACK, _SEED_HELD_BACK), licence)
    save_file(model.state_dict(), arguments.out, metadata_of(card))


def card_of(net: str, model: torch.nn.Module, unseen: Activities, licence: str) -> Card:
    """What the weights say about themselves; calibrated on scenes that they have not seen."""
    card = Card(
        net=net,
        size=json.loads(json.dumps(asdict(SIZES[net]))),
        input="body-v2",
        persons=PERSONS,
        window=WINDOW,
        window_fps=WINDOW_FPS,
        classes=ACTIONS,
        violent=VIOLENT,
        licence=licence,
    )
    logits = logits_of(model, unseen.windows)
    rows, labels = unseen.clear()
    evidence = log_odds(logits[rows], card.violent_classes()).astype(np.float64)
    fitted = platt(evidence, labels, even=True)
    log.info(
        "unseen windows=%d right=%.3f fights auc=%.3f",
        len(logits),
        (logits.argmax(axis=1) == unseen.shares.argmax(axis=1)).mean(),
        auc(evidence, labels),
    )
    return card.model_copy(update={"bias": fitted.bias, "temperature": fitted.temperature})


if __name__ == "__main__":
    main()
