import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from click.testing import CliRunner

from shared.config import ConfigError
from workers.cli.models import models
from workers.pose.checkpoint import _network_of, convert
from workers.pose.weights import CARD, TENSORS, Weights, open_weights, resolve

MARK = "the-pickle-was-run"


class Poison:
    """Creates a file when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return (Path.touch, (self.folder / MARK,))


def refused(file: Path, tmp_path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        convert(file, tmp_path / "models" / "bad")
    assert not (tmp_path / MARK).exists()
    assert not list((tmp_path / "models").glob("*")) if (tmp_path / "models").exists() else True
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_poisoned_checkpoint_is_refused_without_being_run(tmp_path):
    file = tmp_path / "evil.pt"
    torch.save({"model": Poison(tmp_path)}, file)
    assert "refused, nothing in it was run" in refused(file, tmp_path)


def test_a_plain_poisoned_pickle_is_refused_without_being_run(tmp_path):
    file = tmp_path / "evil.pt"
    file.write_bytes(pickle.dumps({"model": Poison(tmp_path)}))
    assert "refused, nothing in it was run" in refused(file, tmp_path)


def test_poison_beside_a_real_model_is_refused_too(checkpoint, tmp_path):
    file = tmp_path / "evil.pt"
    with zipfile.ZipFile(checkpoint) as real, zipfile.ZipFile(file, "w") as evil:
        for entry in real.namelist():
            data = real.read(entry)
            if entry.endswith("data.pkl"):
                touch = b"cos\nsystem\n(S'touch %s'\ntR0" % bytes(tmp_path / MARK)
                data = data[:2] + touch + data[2:]  # behind the protocol mark
            evil.writestr(entry, data)
    assert "os.system" in refused(file, tmp_path) or "posix.system" in refused(file, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and so on", b"\x80\x04.", bytes(3000)])
def test_something_else_is_refused(content, tmp_path):
    file = tmp_path / "odd.pt"
    file.write_bytes(content)
    refused(file, tmp_path)


def test_a_checkpoint_of_another_kind_is_refused(tmp_path):
    file = tmp_path / "tensors.pt"
    torch.save({"model": {"weight": torch.zeros(3)}}, file)
    assert "no ultralytics pose checkpoint" in refused(file, tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"activation": "__import__('os').system('true')"}, "activation"),
        ({"nc": 80}, "nc"),
        ({"kpt_shape": [5, 2]}, "kpt_shape"),
        ({"backbone": [[-1, 1, "exec", ["1"]]]}, "layers exec are not known"),
    ],
)
def test_a_description_that_could_do_more_is_refused(weights, change, reason):
    model = SimpleNamespace(yaml={**weights.network, "scale": "n", "ch": 3})
    assert _network_of(model, Path("good.pt")).nc == 1
    model.yaml |= change
    with pytest.raises(ConfigError, match=reason):
        _network_of(model, Path("changed.pt"))


def test_a_checkpoint_is_opened_once_and_then_its_safetensors(weights, checkpoint, monkeypatch):
    def not_again(*_arguments: str) -> None:
        raise AssertionError("imported twice")

    monkeypatch.setattr("workers.pose.weights.run_apart", not_again)
    assert resolve(str(checkpoint)) == weights
    assert resolve(str(weights.tensors.parent)) == weights
    assert resolve(weights.tensors.parent.name) == weights


def test_missing_weights_name_the_command_that_helps():
    with pytest.raises(ConfigError, match=r"nexara models fetch yolo26x-pose.*nexara models import"):
        resolve("yolo26x-pose")
    with pytest.raises(ConfigError, match="no such file"):
        resolve("/nowhere/yolo.pt")


def test_changed_tensors_and_cards_are_noticed(weights: Weights, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in (TENSORS, CARD):
        (folder / name).write_bytes((weights.tensors.parent / name).read_bytes())
    assert open_weights(folder).hash == weights.hash
    card = yaml.safe_load((folder / CARD).read_text())
    card["network"]["backbone"][0][2] = "eval"
    (folder / CARD).write_text(yaml.safe_dump(card))
    with pytest.raises(ConfigError, match="layers eval"):
        open_weights(folder)
    (folder / CARD).write_bytes((weights.tensors.parent / CARD).read_bytes())
    (folder / TENSORS).write_bytes((folder / TENSORS).read_bytes()[:-1] + b"\xff")
    with pytest.raises(ConfigError, match="damaged"):
        open_weights(folder)


def test_the_commands_list_and_import(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("NEXARA_CACHE", str(tmp_path / "empty"))
    run = CliRunner().invoke
    assert "nothing yet" in run(models, ["list"]).output
    done = run(models, ["import", str(checkpoint), "--name", "mine"])
    assert done.exit_code == 0, done.output
    assert "one_to_many" in done.output
    assert "mine" in run(models, ["list"]).output
    assert resolve("mine").name == "mine"
    wrong = run(models, ["import", str(checkpoint), "--name", "other", "--sha256", "0" * 64])
    assert isinstance(wrong.exception, ConfigError)
    assert run(models, ["import", str(checkpoint), "--name", "../other"]).exit_code == 2
