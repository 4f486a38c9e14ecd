"""Small experts with random but lively weights, made once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

from workers.classify.card import Card, metadata_of
from workers.classify.inputs.interaction import names
from workers.classify.linear import Linear
from workers.classify.nets import Msg3dSize, Size, StgcnppSize, build

SIZES: dict[str, Size] = {
    "stgcnpp": StgcnppSize(channels=12, blocks=(1, 1, 1), inputs=10),
    "msg3d": Msg3dSize(channels=6, graph_scales=3, space_time_scales=2, inputs=10),
}


ODDS = torch.tensor([-1.0, 1.0])


def some_windows(count: int) -> np.ndarray:
    """The first `count` of one sequence of inputs [N, 10, 32, 17, 2]; each has its own pose."""
    rng = np.random.default_rng(0)
    pose, motion = rng.normal(0, 1, (64, 10, 1, 17, 2)), rng.normal(0, 0.3, (64, 10, 32, 17, 2))
    return (pose + motion).astype(np.float32)[:count]


def save(net: str, path: Path, *, seed: int = 0, bias: float = 0.0, **changes: object) -> Path:
    """Write random weights whose logits differ plainly from window to window."""
    torch.manual_seed(seed)
    size = SIZES[net]
    model = build(net, num_classes=2, persons=2, size=size)
    state = model.state_dict()
    for name, value in state.items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            value.uniform_(-0.2, 0.2)
    head = model.eval().cls_head["fc_cls"]
    head.bias.data.zero_()
    evidence = (model(torch.from_numpy(some_windows(64))) @ ODDS).detach()
    head.weight.data *= 1.5 / evidence.std()
    head.bias.data[1] = bias - 1.5 * evidence.mean() / evidence.std()
    state = model.state_dict()
    fields = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(size).items()}
    card = Card(
        net=net,
        size=fields,
        input="body-v2",
        persons=2,
        window=32,
        window_fps=15.0,
        classes=("normal", "fight"),
        violent=("fight",),
    )
    save_file(state, path, metadata_of(card.model_copy(update=changes)))
    return path


def save_linear(path: Path, *, weight: float = 1.0, bias: float = 0.0, **changes: object) -> Path:
    """Write a linear model that says more of violence the more a person's hands move."""
    features = names()
    weights = np.zeros(len(features), np.float32)
    weights[features.index("own hands mean")] = weight
    quantiles = np.repeat(np.linspace(0, 4, 9, dtype=np.float32)[:, None], len(features), axis=1)
    model = Linear(quantiles, np.linspace(-2, 2, 9, dtype=np.float32), weights, np.full(1, bias, np.float32))
    card = Card(
        net="interaction",
        input="interaction-v1",
        persons=2,
        window=32,
        window_fps=15.0,
        classes=("normal", "fight"),
        violent=("fight",),
    )
    save_arrays(model.tensors(), path, metadata_of(card.model_copy(update=changes)))
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    nets = {net: save(net, folder / f"{net}.safetensors") for net in SIZES}
    return {**nets, "interaction": save_linear(folder / "interaction.safetensors")}
