"""Reads an ultralytics `.pt` once, without running anything in it, and writes safetensors and a card.

`python -m workers.pose.checkpoint FILE FOLDER`
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from shared.config import ConfigError, validate
from workers.pose.cache import file_hash, whole_folder
from workers.pose.offline import ultralytics
from workers.pose.weights import (
    END_TO_END,
    ONE_TO_MANY,
    TENSORS,
    TRAINING_ONLY,
    Card,
    Network,
    Weights,
    open_weights,
    write_card,
)

# All that a pose checkpoint is made of. Classes only, because the unpickler would run a function; the one
# exception, numpy's scalar, can do no more than make a number (training notes its best fitness as one).
TORCH_CLASSES = {
    "torch.nn.modules.activation": "SiLU ReLU LeakyReLU Sigmoid Tanh",
    "torch.nn.modules.batchnorm": "BatchNorm2d",
    "torch.nn.modules.container": "Sequential ModuleList",
    "torch.nn.modules.conv": "Conv2d ConvTranspose2d",
    "torch.nn.modules.linear": "Identity Linear",
    "torch.nn.modules.pooling": "MaxPool2d AvgPool2d",
    "torch.nn.modules.upsampling": "Upsample",
}
ULTRALYTICS_CLASSES = {
    "nn.modules.conv": "Conv DWConv Concat",
    "nn.modules.block": (
        "Bottleneck C2 C2f C2fCIB C2fPSA C2PSA C3 C3k C3k2 C3x A2C2f AAttn ABlock ADown AConv Attention CIB "
        "DFL ELAN1 PSA PSABlock RealNVP RepNCSPELAN4 SCDown SPP SPPF SPPELAN"
    ),
    "nn.modules.head": "Pose Pose26",
    "nn.tasks": "PoseModel",
    "utils": "IterableSimpleNamespace",
}


def allowed_classes() -> list[Any]:
    """Every class that a checkpoint may name."""
    scalar = np.float64(0).__reduce__()[0]
    numpy_names = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    found: list[Any] = [set, OrderedDict, np.dtype, type(np.dtype(np.float64)), *numpy_names]
    for module, names in TORCH_CLASSES.items():
        found += [getattr(importlib.import_module(module), name) for name in names.split()]
    for module, names in ULTRALYTICS_CLASSES.items():
        loaded = ultralytics(module)
        found += [getattr(loaded, name) for name in names.split() if hasattr(loaded, name)]
    return found


def convert(checkpoint: Path, folder: Path, name: str | None = None) -> Weights:
    """Import a checkpoint into a folder.

    Raises:
        ConfigError: no COCO-17 person pose net of ultralytics, or it names more than `allowed_classes`.
    """
    model = _model_in(checkpoint)
    tensors = _tensors_of(model, checkpoint)
    network = _network_of(model, checkpoint)
    last = f"model.{len(network.backbone) + len(network.head) - 1}."
    tensors = {key: value for key, value in tensors.items() if not key.startswith(_training_only(last))}
    heads = [
        head
        for head, mark in ((ONE_TO_MANY, f"{last}cv2."), (END_TO_END, f"{last}one2one_cv2."))
        if any(key.startswith(mark) for key in tensors)
    ]
    if not heads:
        raise ConfigError(f"{checkpoint}: holds no detection head: export it again with ultralytics")
    with whole_folder(folder) as draft:
        save_file(tensors, draft / TENSORS)
        write_card(
            draft,
            Card(
                name=name or folder.name,
                source=checkpoint.name,
                source_sha256=file_hash(checkpoint),
                tensors_sha256=file_hash(draft / TENSORS),
                heads=heads,
                network=network,
            ),
        )
        _try_to_build(open_weights(draft), checkpoint)
    return open_weights(folder)


def _training_only(last: str) -> tuple[str, ...]:
    return tuple(f"{last}{name}." for name in TRAINING_ONLY)


def _model_in(checkpoint: Path) -> object:
    """The pickled model (`ema` if there, as ultralytics does); no method of it is ever called."""
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(allowed_classes()):
            warnings.simplefilter("ignore")  # it says that an odd pickle is odd
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"{checkpoint}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever a damaged or hostile file makes the reader stumble over
        raise ConfigError(f"{checkpoint}: refused, nothing in it was run: {_reason(error)}") from error
    model = (content.get("ema") or content.get("model")) if isinstance(content, dict) else None
    if type(model).__name__ != "PoseModel":
        raise ConfigError(
            f"{checkpoint}: is no ultralytics pose checkpoint: use one whose name ends in -pose.pt"
        )
    return model


def _reason(error: Exception) -> str:
    text = str(error)
    for line in text.splitlines():
        if "GLOBAL" in line or "Unsupported" in line:
            return (
                "it names " + line.partition("GLOBAL ")[2].partition(" was not")[0]
                if "GLOBAL " in line
                else line
            )
    return text.splitlines()[0][:200] if text else type(error).__name__


def _tensors_of(module: object, checkpoint: Path, prefix: str = "") -> dict[str, Tensor]:
    """The parameters and buffers, read from the attributes: a pickle decides what a method would do."""
    found: dict[str, Tensor] = {}
    attributes = vars(module)
    for store in ("_parameters", "_buffers"):
        for key, value in dict(attributes.get(store, {})).items():
            if value is None or key in attributes.get("_non_persistent_buffers_set", ()):
                continue
            if not isinstance(value, Tensor) or value.layout != torch.strided:
                raise ConfigError(f"{checkpoint}: refused: {prefix}{key} is no plain tensor")
            found[prefix + str(key)] = value.detach().clone().contiguous()
    for key, child in dict(attributes.get("_modules", {})).items():
        if child is not None:
            found |= _tensors_of(child, checkpoint, f"{prefix}{key}.")
    return found


def _network_of(model: object, checkpoint: Path) -> Network:
    described = vars(model).get("yaml")
    if not isinstance(described, dict):
        raise ConfigError(f"{checkpoint}: has no model description: export it again with ultralytics")
    known = {key: value for key, value in described.items() if key in Network.model_fields}
    if described.get("activation") not in (None, "nn.SiLU()", "torch.nn.SiLU()"):
        raise ConfigError(f"{checkpoint}: activation {str(described['activation'])[:60]!r} is not supported")
    network = validate(known, Network, f"{checkpoint}: model description")
    unknown = network.unknown_layers()
    if unknown:
        raise ConfigError(f"{checkpoint}: layers {', '.join(unknown)[:120]} are not known here")
    return network


def _try_to_build(weights: Weights, checkpoint: Path) -> None:
    from workers.pose.network import build

    try:
        build(weights, weights.branch("auto"))
    except (RuntimeError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{checkpoint}: its tensors do not fit its description: {str(error)[:200]}"
        ) from error


def main() -> int:
    """Convert; errors are one line and exit code 2."""
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
