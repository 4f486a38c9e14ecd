"""Public checkpoints become experts, and nothing else does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor

from shared.config import ConfigError
from tests.classify.conftest import save
from tests.classify.scenes import standing, waving, window
from workers.classify.card import read_card
from workers.classify.checkpoint import convert
from workers.classify.config import ClassifyConfig, ExpertConfig
from workers.classify.nets import build
from workers.classify.ntu import NTU_60, NTU_120
from workers.classify.pairs import paired
from workers.classify.public import PUBLIC
from workers.classify.runtime import Runtime, input_shape, open_net
from workers.classify.stage import open_members, window_settings
from workers.cli import main

State = dict[str, Tensor]

JOINT = "stgcnpp-ntu60-joint"
HEAD = "cls_head.fc_cls"
ORACLES = {JOINT: "stgcnpp_ntu60_coco", "msg3d-ntu60-joint": "msg3d_ntu60_coco_p2"}


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    return build("stgcnpp", num_classes=60, persons=2).state_dict()


def saved(folder: Path, content: Any, **how: Any) -> Path:
    path = folder / "j.pth"
    torch.save(content, path, **how)
    return path


def refused(folder: Path, content: Any, name: str = JOINT) -> str:
    """What is said of a file that is no such checkpoint; nothing is written."""
    path = saved(folder, content)
    with pytest.raises(ConfigError) as caught:
        convert(path, name, folder / "expert.safetensors")
    assert sorted(file.name for file in folder.iterdir()) == ["j.pth"]
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        (JOINT, "torch"),
        ("msg3d-ntu60-joint", "torch"),
        # Making OpenVINO's form of a net of full size takes long; that of MS-G3D, four times as long.
        pytest.param(JOINT, "openvino", marks=[pytest.mark.slow, pytest.mark.timeout(180)]),
    ],
)
def test_a_converted_checkpoint_gives_the_logits_of_the_public_implementation(
    name: str, runtime: Runtime, shared_data: Path, tmp_path: Path
) -> None:
    oracle = shared_data / "oracles" / ORACLES[name]
    path = saved(
        tmp_path, {"meta": {"epoch": 16}, "state_dict": load_file(oracle.with_suffix(".safetensors"))}
    )
    convert(path, name, tmp_path / "expert.safetensors")
    net = open_net(tmp_path / "expert.safetensors", runtime, 1)
    cases = np.load(oracle.with_suffix(".npz"))
    inputs, logits = cases["input_nctvm_T100M2"][:1], cases["logits_T100M2"][:1]
    assert inputs.shape[1:] == input_shape(net.card)
    np.testing.assert_allclose(net.run(inputs), logits, atol=1e-4)


def test_the_cards_say_what_the_nets_were_trained_for() -> None:
    assert len(PUBLIC) == 16
    assert (len(set(NTU_60)), len(set(NTU_120))) == (60, 120)
    for name, card in PUBLIC.items():
        net, data, stream = name.split("-", 2)
        assert (card.net, card.input, card.size) == (net, f"pyskl-{stream}", {})
        assert (card.temperature, card.bias) == (1, 0)
        assert "research" in card.licence
        assert "Not calibrated" in card.licence
        numbers = [50, 51, 52] + ([106, 107, 108] if data == "ntu120" else [])
        assert [number + 1 for number in card.violent_classes()] == numbers
        assert input_shape(card) == (3, 100, 17, 2)
    assert NTU_60[23] == "kicking something"
    assert NTU_60[23] not in PUBLIC[JOINT].violent


def test_the_command_writes_an_expert_that_can_veto_ours(state: State, tmp_path: Path) -> None:
    out = tmp_path / "public.safetensors"
    command = ["models", "convert", str(saved(tmp_path, state)), "--as", JOINT, "--out", str(out)]
    told = CliRunner().invoke(main.nexara, command, catch_exceptions=False)
    assert told.exit_code == 0
    assert "60 classes, 3 of them violence" in told.output
    assert "research only" in told.output
    assert read_card(out) == PUBLIC[JOINT]
    ours = save("stgcnpp", tmp_path / "ours.safetensors", window_fps=25.0)
    config = ClassifyConfig(
        experts=(
            ExpertConfig(weights=ours, role="primary"),
            ExpertConfig(weights=out, role="veto", threshold=0.3),
        ),
        runtime="torch",
        max_batch=1,
    )
    panel = open_members(config)
    assert [member.expert.threshold for member in panel] == [None, 0.3]
    assert window_settings(config, panel).frames == 32
    veto = panel[1].net
    due = window(standing(100), waving(standing(150), [9, 10], 3, 40))
    assert np.isfinite(veto.evidence(veto.inputs(paired(due)))).all()


FORMS: dict[str, Callable[[State], Any]] = {
    "bare": lambda state: state,
    "wrapped": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "mmaction2": lambda state: {key.replace(".fc_cls.", ".fc."): value for key, value in state.items()},
    "double": lambda state: {key: value.double() for key, value in state.items()},
    "described": lambda state: {"state_dict": state, "meta": {"config": "feats=['j']"}, "optimizer": {}},
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_in_which_checkpoints_come_are_all_the_same(
    state: State, form: str, tmp_path: Path
) -> None:
    convert(saved(tmp_path, FORMS[form](state)), JOINT, tmp_path / "expert.safetensors")
    written = load_file(tmp_path / "expert.safetensors")
    assert written.keys() == state.keys()
    for key, value in written.items():
        assert value.dtype == state[key].dtype
        assert torch.equal(value, state[key]), key


def test_notes_of_a_training_run_are_passed_over(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("mmengine.logging.history_buffer")
    buffer = type("HistoryBuffer", (), {"__module__": module.__name__})
    module.HistoryBuffer = buffer  # type: ignore[attr-defined]
    noted = buffer()
    noted.history = np.arange(5.0)
    with monkeypatch.context() as patch:
        for name in ("mmengine", "mmengine.logging"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, module.__name__, module)
        path = saved(
            tmp_path,
            {"meta": {"best": np.float64(0.9)}, "message_hub": {"loss": noted}, "state_dict": state},
            _use_new_zipfile_serialization=False,
        )
    convert(path, JOINT, tmp_path / "expert.safetensors")
    assert read_card(tmp_path / "expert.safetensors") == PUBLIC[JOINT]


def test_another_graph_data_set_net_or_stream_is_called_by_its_name(state: State, tmp_path: Path) -> None:
    kinect = {
        **state,
        "backbone.gcn.0.gcn.A": torch.zeros(3, 25, 25),
        "backbone.data_bn.weight": torch.zeros(75),
    }
    said = refused(tmp_path, kinect)
    assert said.startswith("was trained on skeletons of 25 joints, not the 17 of COCO: take the checkpoint")
    assert refused(tmp_path, state, "stgcnpp-ntu120-joint") == (
        "tells 60 classes apart, not 120: use a name with ntu60"
    )
    kinetics = {**state, f"{HEAD}.weight": torch.zeros(400, 256), f"{HEAD}.bias": torch.zeros(400)}
    assert "another data set" in refused(tmp_path, kinetics)
    assert refused(tmp_path, state, "msg3d-ntu60-joint") == (
        "is ST-GCN++, not MS-G3D: use a name that begins with stgcnpp"
    )
    of_bones = {"state_dict": state, "meta": {"config": "dict(type='GenSkeFeat', feats=['b'])"}}
    assert refused(tmp_path, of_bones) == "was trained on bone, not joint: use that stream's name"


def test_what_is_no_such_net_is_refused(state: State, tmp_path: Path) -> None:
    some = "backbone.gcn.3.tcn.bn.weight"
    for changed in (
        {key: value for key, value in state.items() if key != some},
        {**state, some: torch.zeros(7)},
        {**state, some + "2": torch.zeros(7)},
    ):
        assert refused(tmp_path, changed).startswith(f"is not pyskl's ST-GCN++: {some}")
    for changed in ({"conv1.weight": torch.zeros(3)}, {"backbone.A": torch.zeros(())}):
        assert refused(tmp_path, changed).startswith("is neither ST-GCN++ nor MS-G3D")
    assert "no plain tensor" in refused(tmp_path, {"state_dict": {"epoch": 3}})
    assert refused(tmp_path, {"state_dict": {}}) == "holds no weights"
    assert refused(tmp_path, torch.zeros(3)) == "is no checkpoint: it holds a Tensor"


class Hostile:
    """Would make a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class Executed(Hostile):
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.mark.parametrize("hostile", [Hostile, Executed])
def test_a_file_that_holds_more_than_weights_is_refused_and_nothing_in_it_is_run(
    state: State, hostile: type[Hostile], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    text = refused(folder, {"state_dict": state, "meta": hostile(tmp_path / "made")})
    assert text.startswith("refused, nothing in it was run: it names ")
    assert not (tmp_path / "made").exists()


def test_damaged_files_and_odd_places_are_one_line(state: State, tmp_path: Path) -> None:
    (tmp_path / "j.pth").write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(ConfigError, match="refused, nothing in it was run"):
        convert(tmp_path / "j.pth", JOINT, tmp_path / "expert.safetensors")
    path = saved(tmp_path, state)
    with pytest.raises(ConfigError, match=r"must end in \.safetensors"):
        convert(path, JOINT, path)
    with pytest.raises(ConfigError, match="cannot be written"):
        convert(path, JOINT, tmp_path / "absent" / "expert.safetensors")
    with pytest.raises(ConfigError, match="cannot be read"):
        convert(tmp_path / "absent.pth", JOINT, tmp_path / "expert.safetensors")
