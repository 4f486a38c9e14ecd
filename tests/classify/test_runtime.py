from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.config import ConfigError
from tests.classify.conftest import save, save_linear, some_windows
from workers.classify.decision import score
from workers.classify.runtime import Net, in_batches, open_net

# Making OpenVINO's form takes seconds on a quiet machine, more on a busy one.
pytestmark = pytest.mark.timeout(180)

NETS = ("stgcnpp", "msg3d")
RUNTIMES = ("openvino", "torch")


@pytest.fixture(scope="module")
def nets(weights: dict[str, Path]) -> dict[tuple[str, str], Net]:
    return {
        (net, runtime): open_net(weights[net], runtime, 8)  # type: ignore[arg-type]
        for net in NETS
        for runtime in RUNTIMES
    }


def probabilities(net: Net, inputs: np.ndarray) -> np.ndarray:
    return score(net.evidence(inputs))


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_row_depends_neither_on_its_neighbours_nor_on_padding(
    nets: dict[tuple[str, str], Net], net: str, runtime: str
) -> None:
    opened, inputs = nets[net, runtime], some_windows(19)
    together = probabilities(opened, inputs)
    assert np.ptp(together) > 0.05, "the weights must tell the windows apart for this test to mean anything"
    for count in (1, 2, 5, 7, 8, 9):
        np.testing.assert_allclose(probabilities(opened, inputs[:count]), together[:count], atol=1e-3)
    loud = np.concatenate([inputs[:1], 100 * inputs[1:]])
    assert probabilities(opened, loud)[0] == pytest.approx(together[0], abs=1e-3)


@pytest.mark.parametrize("net", NETS)
def test_openvino_agrees_with_torch(nets: dict[tuple[str, str], Net], net: str) -> None:
    inputs = some_windows(11)
    ours, reference = nets[net, "openvino"].run(inputs), nets[net, "torch"].run(inputs)
    np.testing.assert_allclose(ours, reference, atol=1e-3)


def test_no_windows_give_no_logits(nets: dict[tuple[str, str], Net]) -> None:
    assert nets["stgcnpp", "torch"].run(some_windows(0)).shape == (0, 2)


def test_shapes_are_chosen_so_that_most_rows_are_work() -> None:
    asked: list[int] = []

    def counted(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return rows[:, :2]

    run = in_batches({1: counted, 8: counted}, classes=2)
    inputs = np.arange(32, dtype=np.float32).reshape(16, 2)
    np.testing.assert_array_equal(run(inputs[:14]), inputs[:14])
    np.testing.assert_array_equal(run(inputs[:2]), inputs[:2])
    assert asked == [8, 8, 1, 1]


def test_calibration_moves_and_stretches_the_evidence(weights: dict[str, Path], tmp_path: Path) -> None:
    plain = open_net(weights["stgcnpp"], "torch", 8)
    changed = open_net(save("stgcnpp", tmp_path / "c.safetensors", bias=0.0, temperature=2.0), "torch", 8)
    inputs = some_windows(3)
    np.testing.assert_allclose(changed.evidence(inputs), plain.evidence(inputs) / 2, atol=1e-6)


def test_the_linear_model_needs_no_runtime(weights: dict[str, Path]) -> None:
    net = open_net(weights["interaction"], "auto", 8)
    assert net.runtime == "numpy"


def test_a_worker_on_openvino_never_loads_torch(weights: dict[str, Path]) -> None:
    open_net(weights["stgcnpp"], "openvino", 8)
    program = (
        "import sys; from pathlib import Path; import workers.classify.stage;"
        "from workers.classify.runtime import open_net;"
        f"net = open_net(Path({str(weights['stgcnpp'])!r}), 'auto', 8);"
        "sys.exit(net.runtime == 'openvino' and 'torch' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_useless_weights_are_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    absent = tmp_path / "absent.safetensors"
    with pytest.raises(ConfigError, match=r"absent\.safetensors: cannot be read"):
        open_net(absent, "torch", 8)
    garbage = tmp_path / "garbage.safetensors"
    garbage.write_bytes(b"\x80\x04pickle")
    with pytest.raises(ConfigError, match="never opened"):
        open_net(garbage, "torch", 8)
    other = save("stgcnpp", tmp_path / "other.safetensors", input="body-v1")
    with pytest.raises(ConfigError, match=r"input: .*: made by another version"):
        open_net(other, "torch", 8)
    peaceful = save_linear(tmp_path / "peaceful.safetensors", violent=())
    with pytest.raises(ConfigError, match="violent classes must be some"):
        open_net(peaceful, "torch", 8)
    misfit = save(
        "stgcnpp", tmp_path / "misfit.safetensors", size={"channels": 18, "blocks": [1, 1, 1], "inputs": 10}
    )
    for runtime in ("torch", "openvino"):
        with pytest.raises(ConfigError, match="another net, size"):
            open_net(misfit, runtime, 8)  # type: ignore[arg-type]


def test_cuda_without_a_device_is_an_error_at_start(
    weights: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.classify.runtime._NVIDIA_DEVICE", Path("/nonexistent"))
    with pytest.raises(ConfigError, match="no CUDA device"):
        open_net(weights["stgcnpp"], "cuda", 8)


@pytest.mark.gpu
def test_half_precision_on_cuda_is_near_full_precision(
    nets: dict[tuple[str, str], Net], weights: dict[str, Path]
) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    inputs = some_windows(11)
    for net in NETS:
        half = probabilities(open_net(weights[net], "cuda", 8), inputs)
        np.testing.assert_allclose(half, probabilities(nets[net, "torch"], inputs), atol=1e-2)
