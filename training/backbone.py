"""Files of nets that have learned activities: all of their weights, of which fights take all but the head."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workers.classify.nets import Size

State = dict[str, Tensor]

_KEY, _HEAD = "activities", "cls_head."


def save(path: Path, model: nn.Module, net: str, size: Size, **about: object) -> None:
    """Write the weights with what they are."""
    description = {"net": net, "size": asdict(size), **about}
    save_file(model.state_dict(), path, {"format": "pt", _KEY: json.dumps(description)})


def read(path: Path, net: str, size: Size) -> State:
    """The weights in a file but the head's.

    Raises:
        ValueError: they are of another net or size.
    """
    with safe_open(path, framework="pt") as opened:
        about = json.loads((opened.metadata() or {}).get(_KEY, "{}"))
    wanted = json.loads(json.dumps({"net": net, "size": asdict(size)}))
    found = {name: about.get(name) for name in wanted}
    if found != wanted:
        raise ValueError(f"{path}: holds {found}, not {wanted}")
    return {name: value for name, value in load_file(path).items() if not name.startswith(_HEAD)}
