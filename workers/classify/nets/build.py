"""Makes a net by name and fills it with weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from workers.classify.nets.msg3d import Msg3d, Msg3dSize
from workers.classify.nets.stgcnpp import Stgcnpp, StgcnppSize

Size = StgcnppSize | Msg3dSize


class WeightsError(ValueError):
    """Weights that do not fit the net, or a file that is not safetensors; the text says what to do."""


def build(net: str, *, num_classes: int, persons: int, size: Size | None = None) -> nn.Module:
    """A net with random weights.

    Args:
        net: "stgcnpp" or "msg3d".
        num_classes: how many logits.
        persons: people in one input, 1 or 2; MS-G3D's first batch norm depends on it.
        size: a smaller net than the published one, or one for other inputs.

    Returns:
        A module that takes [N, size.inputs, T, 17, M] and gives logits [N, num_classes].
    """
    if persons not in (1, 2):
        raise ValueError(f"persons must be 1 or 2, not {persons}")
    if net == "stgcnpp" and isinstance(size, StgcnppSize | None):
        return Stgcnpp(num_classes, size or StgcnppSize())
    if net == "msg3d" and isinstance(size, Msg3dSize | None):
        return Msg3d(num_classes, persons, size or Msg3dSize())
    raise ValueError(
        f"no net '{net}' of size {type(size).__name__}: use 'stgcnpp' or 'msg3d' with its own size"
    )


def size_from(net: str, fields: Mapping[str, Any]) -> Size:
    """The size that a model card describes; unknown fields raise TypeError."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Msg3dSize(**values) if net == "msg3d" else StgcnppSize(**values)


def load_weights(model: nn.Module, path: Path | str) -> None:
    """Fill a net from a safetensors file in pyskl's key layout, every key and shape as expected.

    Raises:
        WeightsError: the file cannot be read, is not safetensors, or its tensors are not exactly the net's.
    """
    path = Path(path)
    try:
        state = load_file(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise WeightsError(
            f"{path}: not safetensors: convert it once (pickles, .pt or .pth, are never opened here)"
        ) from error
    expected = model.state_dict()
    missing = sorted(expected.keys() - state.keys())
    unknown = sorted(state.keys() - expected.keys())
    wrong = [key for key in sorted(expected.keys() & state.keys()) if expected[key].shape != state[key].shape]
    for problem, keys in (("lacks", missing), ("has unknown", unknown), ("has another shape of", wrong)):
        if keys:
            raise WeightsError(
                f"{path}: {problem} {keys[0]} and {len(keys) - 1} more: it was made for another net, size,"
                " number of classes or of people"
            )
    model.load_state_dict(state, strict=True)
