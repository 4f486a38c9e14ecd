"""Nets that have learned activities: experts of their own, and what fights start from, but for the head."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from workers.classify.card import read_card
from workers.classify.nets import Size

State = dict[str, Tensor]

_HEAD = "cls_head."


def read(path: Path, net: str, size: Size) -> State:
    """The weights in a file but the head's.

    Raises:
        CardError: it has no description.
        ValueError: they are of another net or size.
    """
    card = read_card(path)
    wanted = net, json.loads(json.dumps(asdict(size)))
    if (card.net, card.size) != wanted:
        raise ValueError(f"{path}: holds {card.net} {card.size}, not {wanted[0]} {wanted[1]}")
    return {name: value for name, value in load_file(path).items() if not name.startswith(_HEAD)}
