r"""Experts for the simulated site: nets that know activities already learn them as its cameras see them.

    python -m training.site_experts --net stgcnpp --start models/stgcnpp-activities.safetensors \
        --site acts --out models/stgcnpp-simulated.safetensors

Every seventh act is not learned from: on those the net is calibrated and looked at.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.activities import joined
from training.fit import pretrain
from training.graph_nets import SIZES
from training.pretrain import LICENCE_WITH_SETS, SCHEDULE, card_of
from training.simulated import simulate
from training.site_acts import read
from workers.classify.card import metadata_of

log = logging.getLogger(__name__)

_HELD_BACK_EVERY = 7
# Other people, other cameras: so that the four places are not all that is known. One of `pretrain`'s seeds.
_SCENES, _SCENES_SEED = 60, 1


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=sorted(SIZES), required=True)
    parser.add_argument("--start", type=Path, required=True, help="weights of `training.pretrain`")
    parser.add_argument("--site", type=Path, required=True, help="folder of `training.site_acts`")
    parser.add_argument("--out", type=Path, required=True, help="the weights' file")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    acts = read(arguments.site)
    if len(acts) < _HELD_BACK_EVERY:
        parser.error(f"{arguments.site}: {len(acts)} acts are too few: {_HELD_BACK_EVERY} or more")
    unseen = joined(acts[::_HELD_BACK_EVERY])
    learned = [act for number, act in enumerate(acts) if number % _HELD_BACK_EVERY]
    activities = joined([*learned, simulate(_SCENES, _SCENES_SEED)])
    log.info("acts=%d windows=%d unseen=%d", len(acts), len(activities), len(unseen))
    schedule = replace(SCHEDULE, epochs=arguments.epochs, rate=SCHEDULE.rate / 2)
    start = load_file(arguments.start)
    model = pretrain(arguments.net, SIZES[arguments.net], activities, schedule, arguments.seed, start)
    card = card_of(arguments.net, model, unseen, LICENCE_WITH_SETS)
    save_file(model.state_dict(), arguments.out, metadata_of(card))


if __name__ == "__main__":
    main()
