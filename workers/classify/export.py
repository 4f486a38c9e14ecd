"""Turns weights into OpenVINO's form: `python -m workers.classify.export WEIGHTS FOLDER`.

Runs in a process of its own, because it needs torch and a worker on OpenVINO must not load it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import openvino
import torch

from workers.classify.card import read_card
from workers.classify.nets import build, load_weights, size_from
from workers.classify.runtime import input_shape


def export(weights: Path, folder: Path) -> None:
    """Write `folder/net.xml` and `.bin`, for inputs [any, channels, window, 17, persons]; all or nothing."""
    card = read_card(weights)
    size = size_from(card.net, card.size) if card.size else None
    model = build(card.net, num_classes=len(card.classes), persons=card.persons, size=size).eval()
    load_weights(model, weights)
    shape = input_shape(card)
    converted = openvino.convert_model(
        model, example_input=torch.zeros(2, *shape), input=[openvino.PartialShape([-1, *shape])]
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        openvino.save_model(converted, made / "net.xml", compress_to_fp16=False)
        if not folder.exists():
            # Another process may have been first: then its copy, made of the same bytes, stays.
            try:
                made.rename(folder)
            except OSError:
                if not folder.exists():
                    raise


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    export(arguments.weights, arguments.folder)


if __name__ == "__main__":
    main()
