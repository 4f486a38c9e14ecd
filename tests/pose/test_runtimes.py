"""The net itself: each runtime against ultralytics' own forward, both heads, rows without neighbours."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from shared.config import ConfigError
from workers.pose.checkpoint import convert
from workers.pose.detector import Selection
from workers.pose.export import export, export_path
from workers.pose.letterbox import Letterbox
from workers.pose.network import build
from workers.pose.offline import ultralytics
from workers.pose.runtimes import open_runtime
from workers.pose.runtimes.torch import _likeliest
from workers.pose.weights import END_TO_END, ONE_TO_MANY, Weights

SHAPE = (160, 256)
CPU = ["openvino", "onnxruntime", "torch"]
ANY = [*CPU, pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.fixture(scope="module")
def images():
    return list(np.random.default_rng(0).integers(0, 255, (5, *SHAPE, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def both_heads(cache: Path) -> tuple[Weights, torch.nn.Module]:
    """YOLO26n-pose with both heads, random weights, and ultralytics' own model of it."""
    torch.manual_seed(0)
    model = ultralytics("nn.tasks").PoseModel("yolo26n-pose.yaml", nc=1, verbose=False)
    _spread_activations(model)
    for branch in ("cv3", "one2one_cv3"):
        for level in getattr(model.model[-1], branch):
            torch.nn.init.normal_(level[-1].weight, 0, 0.5)
            torch.nn.init.constant_(level[-1].bias, -1.0)
    file = cache / "both.pt"
    torch.save({"model": copy.deepcopy(model).half(), "ema": None, "best_fitness": np.float64(0.5)}, file)
    weights = convert(file, cache / "models" / "both")
    for head in weights.heads:
        export(weights, head, False, export_path(weights, head, False))
    return weights, model.half().float()


def _spread_activations(model: torch.nn.Module) -> None:
    """Let batch norms learn from noise, else a random net answers nearly the same everywhere."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.rand(2, 3, *SHAPE))
    for norm in norms:
        norm.momentum = 0.03
    model.eval()


def open_net(
    weights: Weights, runtime: str, head: str = ONE_TO_MANY, features: bool = False, precision: str = "auto"
):
    if runtime == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return open_runtime(
        weights, runtime=runtime, head=head, features=features, precision=precision, parallel=2, batch=4
    )


def keep(_row, candidates, features):
    return candidates.copy(), None if features is None else features.copy()


def planes(images) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("runtime", ANY)
def test_a_row_does_not_depend_on_its_neighbours(weights, images, runtime):
    net = open_net(weights, runtime)
    together = net.run(images, keep)
    for row, image in enumerate(images):
        assert np.array_equal(together[row][0], net.run([image], keep)[0][0])
    mixed = net.run([images[0], np.zeros((96, 96, 3), np.uint8), images[1]], keep)
    assert np.array_equal(mixed[0][0], together[0][0])
    assert np.array_equal(mixed[2][0], together[1][0])


@pytest.mark.parametrize("runtime", CPU)
def test_a_failure_in_one_call_does_not_spoil_the_next(weights, images, runtime):
    net = open_net(weights, runtime)
    expected = net.run(images, keep)

    def fail(row, candidates, features):
        if row == 1:
            raise ValueError("this row")
        return keep(row, candidates, features)

    for _ in range(4):
        with pytest.raises(ValueError, match="this row"):
            net.run(images, fail)
    with pytest.raises(Exception, match=r"."):
        net.run([images[0], np.zeros((7, 3), np.uint8)], keep)
    for got, wanted in zip(net.run(images, keep), expected, strict=True):
        assert np.array_equal(got[0], wanted[0])


@pytest.mark.parametrize("runtime", ANY)
def test_the_end_to_end_head_finds_what_ultralytics_finds(both_heads, images, runtime):
    weights, model = both_heads
    model.model[-1].end2end = True
    with torch.inference_mode():
        expected = model(planes(images))[0].numpy()
    assert expected.shape == (5, 300, 57)
    select = Selection(END_TO_END, conf=0.05, iou=0.4, max_det=300)
    # In half precision near ties of a random net fall differently; test_gate.py judges real weights.
    loose, precision = (20, "auto") if runtime == "cuda" else (1, "f32")
    net = open_net(weights, runtime, END_TO_END, precision=precision)
    for row, (candidates, _) in enumerate(net.run(images, keep)):
        found = candidates[:, select.rows(candidates)].T
        best = expected[row, :50]
        assert best[-1, 4] > 0.1
        assert found[:50, 4] == pytest.approx(best[:, 4], abs=2e-3 * loose)
        distance = np.abs(found[:, None, :4] - best[None, :, :4]).max(2)
        same = found[distance.argmin(0)]
        assert distance.min(0).max() < 1.0 * loose  # a random net's boxes are hundreds of pixels wide
        assert same[:, 4] == pytest.approx(best[:, 4], abs=2e-3 * loose)
        assert same[:, 5:] == pytest.approx(best[:, 6:], abs=3.0 * loose)


def test_the_one_to_many_head_gives_what_ultralytics_gives(both_heads, images):
    weights, model = both_heads
    model.model[-1].end2end = False
    with torch.inference_mode():
        expected = model(planes(images))[0].numpy()
    (candidates, _), *_ = open_net(weights, "onnxruntime").run(images, keep)
    corners = expected[0, :4].copy()
    corners[:2], corners[2:] = expected[0, :2] - expected[0, 2:4] / 2, expected[0, :2] + expected[0, 2:4] / 2
    assert candidates[:4] == pytest.approx(corners, abs=0.05)
    assert candidates[4] == pytest.approx(expected[0, 4], abs=1e-3)
    assert candidates[5:] == pytest.approx(expected[0, 5:], abs=0.05)


def test_half_precision_is_near_full_precision(weights, checkpoint, shared_data):
    # on a CPU, but the same net that CUDA runs
    image = Letterbox.fit(640, 424, 320).place(cv2.imread(str(shared_data / "images" / "000000000785.jpg")))
    with torch.inference_mode():
        full = build(weights, ONE_TO_MANY)(torch.from_numpy(image[None]))[0].numpy()
        half = build(weights, ONE_TO_MANY, half=True)(torch.from_numpy(image[None]))[0]
    assert half.dtype == torch.float32
    best = full[4].argsort()[-5:]
    assert full[4, best].min() > 0.3
    assert half[4].numpy()[best] == pytest.approx(full[4, best], abs=0.02)
    assert half.numpy()[:4, best] == pytest.approx(full[:4, best], abs=1.0)


def test_the_likeliest_candidates_come_with_their_features():
    candidates, features = torch.rand(2, 56, 3000), torch.rand(2, 3000, 8)
    chosen, looks = _likeliest((candidates, features))
    assert chosen.shape == (2, 56, 1000)
    assert chosen[1, 4, 0] == candidates[1, 4].max()
    row = int((candidates[1, 4] == chosen[1, 4, 7]).nonzero()[0])
    assert torch.equal(looks[1, 7], features[1, row])
    assert torch.equal(chosen[1, :, 7], candidates[1, :, row])


@pytest.mark.parametrize("head", [ONE_TO_MANY, END_TO_END])
def test_native_features_are_the_heads_inputs_at_each_anchor(both_heads, images, head):
    # ultralytics DetectionPredictor.get_obj_feats
    weights, model = both_heads
    maps = []
    hook = model.model[-1].register_forward_pre_hook(lambda _module, inputs: maps.extend(inputs[0]))
    with torch.inference_mode():
        model(planes(images))
    hook.remove()
    predictor = ultralytics("models.yolo.detect").DetectionPredictor
    everything = torch.arange(sum(level[0, 0].numel() for level in maps))
    expected = predictor.get_obj_feats(maps, [everything] * len(images))
    net = build(weights, head, features=True)
    with torch.inference_mode():
        _, features = net(torch.from_numpy(np.stack(images)))
    assert features.shape[2] == 64
    assert features[0].numpy() == pytest.approx(expected[0].numpy(), abs=1e-3)


def test_heads_are_detected_and_a_missing_one_is_refused(weights, both_heads, cache):
    assert weights.heads == (ONE_TO_MANY,)
    assert both_heads[0].heads == (ONE_TO_MANY, END_TO_END)
    assert both_heads[0].branch("auto") == ONE_TO_MANY
    with pytest.raises(ConfigError, match="no end_to_end head"):
        weights.branch(END_TO_END)
    model = copy.deepcopy(both_heads[1])
    model.model[-1].end2end = True
    model.model[-1].fuse()
    torch.save({"model": model.half()}, cache / "only.pt")
    only = convert(cache / "only.pt", cache / "models" / "only")
    assert only.heads == (END_TO_END,)
    assert only.branch("auto") == END_TO_END


@pytest.mark.slow
def test_openvino_goes_from_checkpoint_to_candidates_without_torch_in_the_process(checkpoint, tmp_path):
    code = (
        "import sys\n"
        "from workers.pose.weights import resolve\n"
        "from workers.pose.runtimes import open_runtime\n"
        f"weights = resolve({str(checkpoint)!r})\n"
        "net = open_runtime(weights, runtime='openvino', head='one_to_many', features=False,"
        " precision='auto', parallel=1, batch=1)\n"
        "net.warm_up((64, 64))\n"
        "assert 'torch' not in sys.modules and 'ultralytics' not in sys.modules\n"
    )
    environment = {**os.environ, "NEXARA_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "models").iterdir())) == 1
    assert len(list((tmp_path / "exports").iterdir())) == 1


def test_an_unusable_runtime_is_a_configuration_error(weights):
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ConfigError, match="no CUDA device"):
        open_runtime(
            weights, runtime="cuda", head=ONE_TO_MANY, features=False, precision="auto", parallel=1, batch=1
        )
