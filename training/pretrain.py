"""Teaches a net activities before it learns fights: simulated people, and two public sets of acted ones.

    python -m training.pretrain --net stgcnpp --data ../shared/data/skeletons --out activities.safetensors

The labels are the simulated people's actions (`workers.ingest.simulated.ACTIONS`); `training.graph_nets
--pretrained` takes the weights without their head.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from training import backbone
from training.activities import Activities, joined
from training.fit import Schedule, logits_of, pretrain
from training.graph_nets import SIZES
from training.sets import of_one, of_two
from training.simulated import FIRST_SEED, simulate
from workers.classify.evaluation.measures import auc
from workers.ingest.simulated import ACTIONS

log = logging.getLogger(__name__)

# MS-G3D is twice as slow.
EPOCHS = {"stgcnpp": 4, "msg3d": 2}
SCHEDULE = Schedule(rate=4e-3, weight_decay=0.01, dropout=0.1, smoothing=0.05, averaging=0.995)
_FIGHTING = [ACTIONS.index(name) for name in ("strike", "kick", "shove", "guard", "grapple", "struck")]
# Seeds of `simulate`; the second is for looking at what was learned.
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
    schedule = replace(SCHEDULE, epochs=EPOCHS[arguments.net])
    model = pretrain(arguments.net, size, joined(parts), schedule, arguments.seed)
    log_quality(model, simulate(_SCENES_HELD_BACK, _SEED_HELD_BACK))
    backbone.save(
        arguments.out,
        model,
        arguments.net,
        size,
        labels=ACTIONS,
        seed=arguments.seed,
        first_scene=FIRST_SEED,
        scenes=arguments.scenes,
        scene_seeds=_SCENE_SEEDS,
    )


def log_quality(model: torch.nn.Module, activities: Activities) -> None:
    """Say how well it tells activities and fights in scenes that it has not seen."""
    logits = logits_of(model, activities.windows)
    right = (logits.argmax(axis=1) == activities.shares.argmax(axis=1)).mean()
    total = np.exp(logits - logits.max(axis=1, keepdims=True))
    fight = total[:, _FIGHTING].sum(axis=1) / total.sum(axis=1)
    rows, labels = activities.clear()
    of_fights = auc(fight[rows], labels)
    log.info("unseen windows=%d right=%.3f fights auc=%.3f", len(logits), right, of_fights)


if __name__ == "__main__":
    main()
