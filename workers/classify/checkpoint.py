"""Reads a public checkpoint (.pth) once, runs nothing that is in it, and writes safetensors with a card."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import save
from torch import Tensor

from shared.config import ConfigError
from workers.classify.card import Card, metadata_of
from workers.classify.nets import build
from workers.classify.nets.graph import JOINTS
from workers.classify.public import PUBLIC

TITLES = {"stgcnpp": "ST-GCN++", "msg3d": "MS-G3D"}
# What a training run notes beside the weights is made of these; none of it is wanted.
NOTES = (
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float32", "Float64", "Int32", "Int64")),
    "mmengine.logging.history_buffer.HistoryBuffer",
)
# How pyskl names the streams in a run's configuration.
_STREAMS = {"j": "joint", "b": "bone", "jm": "joint-motion", "bm": "bone-motion"}
_FEATURES = re.compile(r"""feats=\[\s*['"](\w+)['"]\s*\]""")
_FIRST = "backbone.data_bn.weight"
_HEAD = "cls_head.fc_cls.weight"
# A tensor that a net alone has -> the net; the last two of its sides are the joints.
_GRAPHS = {"backbone.gcn.0.gcn.A": "stgcnpp", "backbone.A": "msg3d"}


class _Note:
    """Stands for everything in `NOTES`, keeps nothing and does nothing."""

    def __new__(cls, *_: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


def convert(checkpoint: Path, name: str, out: Path) -> Card:
    """Write a checkpoint of pyskl or mmaction2 as an expert's weights.

    Args:
        checkpoint: the .pth file.
        name: what it is, one of `PUBLIC`; the file itself does not always say.
        out: the .safetensors file to write; it appears whole or not at all.

    Raises:
        ConfigError: a file that holds more than weights, or weights of another net, graph or data set.
    """
    card = PUBLIC[name]
    if out.suffix != ".safetensors":
        raise ConfigError(f"{out}: the name of the file to write must end in .safetensors")
    content = _content(checkpoint)
    _check_stream(content, card, checkpoint)
    state = _renamed(_state(content, checkpoint))
    _check_kind(state, card, checkpoint)
    expected = build(card.net, num_classes=len(card.classes), persons=card.persons).state_dict()
    odd = sorted(
        key
        for key in expected.keys() | state.keys()
        if key not in expected or key not in state or state[key].shape != expected[key].shape
    )
    if odd:
        raise ConfigError(
            f"{checkpoint}: is not pyskl's {TITLES[card.net]}: {odd[0]} and {len(odd) - 1} more tensors are"
            " missing, unknown or of another shape"
        )
    _write({key: state[key].to(expected[key].dtype) for key in expected}, card, out)
    return card


def _content(checkpoint: Path) -> Mapping[str, object]:
    notes: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [(_Note, name) for name in NOTES]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(notes):
            warnings.simplefilter("ignore")  # it says that an odd pickle is odd
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ConfigError(f"{checkpoint}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # whatever a damaged or hostile file makes the reader stumble over
        raise ConfigError(f"{checkpoint}: refused, nothing in it was run: {_reason(error)}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{checkpoint}: is no checkpoint: it holds a {type(content).__name__}")
    return content


def _reason(error: Exception) -> str:
    text = str(error)
    named = re.search(r"GLOBAL (\S+)", text)
    if named:
        return f"it names {named[1][:100]}, which is no part of weights"
    return text.splitlines()[0][:200] if text else type(error).__name__


def _check_stream(content: Mapping[str, object], card: Card, checkpoint: Path) -> None:
    """The configuration that a training run left in the file, where it did, must speak of the same stream."""
    meta = content.get("meta")
    texts = [str(meta.get(key, "")) for key in ("config", "cfg")] if isinstance(meta, Mapping) else []
    found = {_STREAMS.get(code, code) for text in texts for code in _FEATURES.findall(text)}
    wanted = card.input.removeprefix("pyskl-")
    if found and wanted not in found:
        raise ConfigError(
            f"{checkpoint}: was trained on {', '.join(sorted(found))}, not {wanted}: use that stream's name"
        )


def _state(content: Mapping[str, object], checkpoint: Path) -> dict[str, Tensor]:
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not state:
        raise ConfigError(f"{checkpoint}: holds no weights")
    tensors: dict[str, Tensor] = {}
    for key, value in state.items():
        if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
            raise ConfigError(f"{checkpoint}: holds no weights of a net: {str(key)[:60]} is no plain tensor")
        # Copies: safetensors refuses tensors that share memory.
        tensors[str(key)] = value.detach().clone().contiguous()
    return tensors


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what wraps the net (`module.` and the like), the head named as in pyskl."""
    wrapped = min((key for key in state if key.endswith(_FIRST)), key=len, default=_FIRST)
    prefix = wrapped.removesuffix(_FIRST)
    plain = {key.removeprefix(prefix): value for key, value in state.items()}
    return {re.sub(r"^cls_head\.fc\.", "cls_head.fc_cls.", key): value for key, value in plain.items()}


def _check_kind(state: Mapping[str, Tensor], card: Card, checkpoint: Path) -> None:
    """The mistakes that are easily made, each in words of its own."""
    graph = next((key for key in _GRAPHS if key in state), None)
    if graph is None or _HEAD not in state or state[graph].dim() < 2 or state[_HEAD].dim() != 2:
        raise ConfigError(f"{checkpoint}: is neither ST-GCN++ nor MS-G3D in the form of pyskl or mmaction2")
    if _GRAPHS[graph] != card.net:
        net = _GRAPHS[graph]
        raise ConfigError(
            f"{checkpoint}: is {TITLES[net]}, not {TITLES[card.net]}: use a name that begins with {net}"
        )
    joints = state[graph].shape[-1]
    if joints != JOINTS:
        raise ConfigError(
            f"{checkpoint}: was trained on skeletons of {joints} joints, not the {JOINTS} of COCO: take the"
            " checkpoint for HRNet 2D key points"
        )
    classes = state[_HEAD].shape[0]
    if classes != len(card.classes):
        fitting = {60: "ntu60", 120: "ntu120"}.get(classes)
        advice = f"use a name with {fitting}" if fitting else "it was trained on another data set"
        raise ConfigError(f"{checkpoint}: tells {classes} classes apart, not {len(card.classes)}: {advice}")


def _write(state: dict[str, Tensor], card: Card, out: Path) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            draft = Path(scratch) / out.name
            draft.write_bytes(save(state, metadata_of(card)))
            draft.replace(out)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror or error}") from error
