from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from workers.classify.nets import Msg3dSize, StgcnppSize, WeightsError, build, load_weights
from workers.classify.nets.graph import binary, hop_stack, space_time, spatial_stack

ORACLES = {"stgcnpp": "stgcnpp_ntu60_coco", "msg3d": "msg3d_ntu60_coco_p2"}


def test_adjacency_stacks_are_those_of_the_public_implementation(shared_data: Path) -> None:
    expected = np.load(shared_data / "oracles" / "graph_coco.npz")
    for ours, name in (
        (spatial_stack(), "A_spatial"),
        (binary()[None], "A_binary"),
        (hop_stack(binary(), 13), "msgcn_A"),
        (hop_stack(space_time(binary(), 3), 6), "g3d_A_w3"),
        (hop_stack(space_time(binary(), 5), 6), "g3d_A_w5"),
    ):
        np.testing.assert_allclose(ours, expected[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("net", ORACLES)
def test_logits_agree_with_the_public_implementation(net: str, shared_data: Path) -> None:
    oracle = shared_data / "oracles" / ORACLES[net]
    model = build(net, num_classes=60, persons=2).eval()
    load_weights(model, oracle.with_suffix(".safetensors"))
    cases = np.load(oracle.with_suffix(".npz"))
    names = [name.removeprefix("input_nctvm_") for name in cases.files if name.startswith("input_nctvm_")]
    assert names
    for name in names:
        with torch.inference_mode():
            logits = model(torch.from_numpy(cases[f"input_nctvm_{name}"])).numpy()
        assert np.abs(logits - cases[f"logits_{name}"]).max() < 1e-4, name


@pytest.mark.parametrize(("net", "parameters"), [("stgcnpp", 1_393_016), ("msg3d", 2_975_763)])
def test_the_default_size_is_the_published_one(net: str, parameters: int) -> None:
    model = build(net, num_classes=60, persons=2)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


@pytest.mark.parametrize("persons", [1, 2])
@pytest.mark.parametrize(
    ("net", "size"),
    [
        ("stgcnpp", StgcnppSize(6, (1, 1, 1))),
        ("stgcnpp", StgcnppSize(6, (1, 1, 1), inputs=10)),
        ("msg3d", Msg3dSize(6, 3, 2)),
        ("msg3d", Msg3dSize(6, 3, 2, inputs=10)),
    ],
)
def test_small_nets_take_one_or_two_people(net: str, size: StgcnppSize | Msg3dSize, persons: int) -> None:
    model = build(net, num_classes=3, persons=persons, size=size).eval()
    assert model(torch.zeros(2, size.inputs, 20, 17, persons)).shape == (2, 3)


def test_an_unknown_net_or_a_size_of_another_net_is_refused() -> None:
    with pytest.raises(ValueError, match="no net 'resnet'"):
        build("resnet", num_classes=2, persons=1)
    with pytest.raises(ValueError, match="its own size"):
        build("msg3d", num_classes=2, persons=1, size=StgcnppSize())
    with pytest.raises(ValueError, match="1 or 2"):
        build("msg3d", num_classes=2, persons=3)


def test_weights_with_a_missing_an_unknown_or_a_misshapen_tensor_are_refused(
    weights: dict[str, Path], tmp_path: Path
) -> None:
    good = load_file(weights["stgcnpp"])
    model = build("stgcnpp", num_classes=2, persons=2, size=StgcnppSize(12, (1, 1, 1), 10))
    bias = "cls_head.fc_cls.bias"
    for changed, message in (
        ({name: value for name, value in good.items() if name != bias}, f"lacks {bias}"),
        ({**good, "extra": torch.zeros(1)}, "has unknown extra"),
        ({**good, bias: torch.zeros(60)}, f"another shape of {bias}"),
    ):
        path = tmp_path / "changed.safetensors"
        save_file(changed, path)
        with pytest.raises(WeightsError, match=message):
            load_weights(model, path)
    load_weights(model, weights["stgcnpp"])


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"a": torch.zeros(1)}, path)
    model = build("stgcnpp", num_classes=2, persons=1, size=StgcnppSize(6, (1, 1, 1)))
    with pytest.raises(WeightsError, match="not safetensors"):
        load_weights(model, path)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(model, tmp_path / "absent.safetensors")
