"""Runs an expert: graph nets on OpenVINO (CPU), CUDA in half precision or torch; the linear model as it is.

Every inference has one of a few fixed shapes; what is missing is padded with zeros. One thread runs one
inference. The nets have no operation across the batch, so a row does not depend on its neighbours.
"""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shared.config import ConfigError, cache_folder
from workers.classify.card import Card, CardError, digest, read_card
from workers.classify.decision import Scores, log_odds
from workers.classify.inputs import INPUTS, frames_of
from workers.classify.inputs.interaction import names as feature_names
from workers.classify.linear import Linear, LinearError
from workers.classify.pairs import Pairs

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
Runtime = Literal["cuda", "openvino", "torch", "numpy"]

_ROOT = Path(__file__).resolve().parents[2]
_NVIDIA_DEVICE = Path("/proc/driver/nvidia/version")
# Raise when nets/ or export.py change what they compute, so that old conversions are not used.
_EXPORT_VERSION = 2
_EXPORT_TIMEOUT_S = 300


@dataclass(frozen=True, kw_only=True)
class Net:
    """An expert that is ready to be asked.

    Attributes:
        card: what the weights say about themselves.
        digest: SHA-256 of the weights.
        runtime: what runs it; numpy for the linear model.
        run: takes [N, ...] of its input to logits [N, K].
    """

    card: Card
    digest: str
    runtime: Runtime
    run: Run

    def inputs(self, pairs: Pairs) -> Floats:
        """[N, ...] what it is fed of those who are judged."""
        return INPUTS[self.card.input](pairs)

    def evidence(self, inputs: Floats) -> Scores:
        """[N] calibrated log odds of violence."""
        raw = log_odds(self.run(inputs), self.card.violent_classes())
        return np.asarray((raw - self.card.bias) / self.card.temperature)


def open_net(weights: Path, runtime: Literal["auto"] | Runtime, max_batch: int) -> Net:
    """Load weights, converting them first where the runtime needs that, and run once.

    Raises:
        ConfigError: the weights or the runtime cannot be used.
    """
    try:
        card, sha = read_card(weights), digest(weights)
    except CardError as error:
        raise ConfigError(f"classify: {error}") from error
    if card.net == "interaction":
        net = Net(card=card, digest=sha, runtime="numpy", run=_linear(weights))
    else:
        net = _graph_net(weights, card, sha, choose_runtime(runtime), max_batch)
    log.info("net=%s runtime=%s weights=%s", card.net, net.runtime, sha[:12])
    return net


def _linear(weights: Path) -> Run:
    try:
        return Linear.read(weights, len(feature_names())).logits
    except LinearError as error:
        raise ConfigError(f"classify: {error}") from error


def _graph_net(weights: Path, card: Card, sha: str, runtime: Runtime, max_batch: int) -> Net:
    batches = [max_batch] if runtime == "cuda" else sorted({1, max_batch})
    if runtime == "openvino":
        path = converted(weights, sha)
        runs = {batch: _openvino(path, batch) for batch in batches}
    else:
        runs = dict.fromkeys(batches, _torch(weights, card, runtime))
    for batch, run in runs.items():
        run(np.zeros((batch, *input_shape(card)), np.float32))
    return Net(card=card, digest=sha, runtime=runtime, run=in_batches(runs, len(card.classes)))


def input_shape(card: Card) -> tuple[int, ...]:
    """[C, T, 17, M] of a graph net's input."""
    channels = card.size.get("inputs", 3)
    if not isinstance(channels, int):
        raise ConfigError("classify: description: size.inputs is no number")
    return channels, frames_of(card.input, card.window), 17, card.persons


def in_batches(runs: dict[int, Run], classes: int) -> Run:
    """Any number of rows, in the shapes that are there; what is missing is zeros."""

    def run(inputs: Floats) -> Floats:
        result = np.zeros((len(inputs), classes), np.float32)
        start = 0
        while start < len(inputs):
            waiting = len(inputs) - start
            # The largest that would be more than half full: on CPU padding costs as much as work.
            batch = max((batch for batch in runs if batch < 2 * waiting), default=min(runs))
            rows = inputs[start : start + batch]
            padded = np.zeros((batch, *rows.shape[1:]), np.float32)
            padded[: len(rows)] = rows
            result[start : start + batch] = runs[batch](padded)[: len(rows)]
            start += batch
        return result

    return run


def choose_runtime(wanted: Literal["auto"] | Runtime) -> Runtime:
    """The runtime to use; `auto` looks for a GPU without loading torch."""
    if wanted == "openvino" or (wanted == "auto" and not _cuda_works()):
        if importlib.util.find_spec("openvino") is not None:
            return "openvino"
        if wanted == "openvino":
            raise ConfigError("classify.runtime: openvino is not installed: install it, or use 'torch'")
        return "torch"
    if wanted == "cuda" and not _cuda_works():
        raise ConfigError("classify.runtime: no CUDA device that torch can use: use 'auto'")
    return "torch" if wanted == "torch" else "cuda"


def converted(weights: Path, sha: str) -> Path:
    """OpenVINO's form of weights, made once in a process of its own.

    Raises:
        ConfigError: the conversion failed; its last line says why.
    """
    folder = cache_folder() / "classify" / f"{sha[:32]}-v{_EXPORT_VERSION}"
    if not folder.exists():
        paths = [str(weights.resolve()), str(folder.resolve())]
        done = subprocess.run(
            [sys.executable, "-m", "workers.classify.export", *paths],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=_EXPORT_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
            raise ConfigError(f"classify: {weights}: cannot be converted for OpenVINO: {reason}")
    return folder / "net.xml"


def _cuda_works() -> bool:
    if not _NVIDIA_DEVICE.exists():
        return False
    import torch

    return torch.cuda.is_available()


def _openvino(path: Path, batch: int) -> Run:
    import openvino

    # Full precision: some CPUs would take bfloat16 by themselves, and a takeover by another machine would
    # then move scores by more than 1e-3.
    settings = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape([batch, *list(model.input().partial_shape)[1:]])
    request = core.compile_model(model, "CPU", settings).create_infer_request()

    def run(inputs: Floats) -> Floats:
        return np.array(request.infer([inputs])[0])

    return run


def _torch(weights: Path, card: Card, runtime: Runtime) -> Run:
    import torch

    from workers.classify.nets import WeightsError, build, load_weights, size_from

    torch.set_num_threads(1)
    try:
        size = size_from(card.net, card.size) if card.size else None
        model = build(card.net, num_classes=len(card.classes), persons=card.persons, size=size)
        load_weights(model, weights)
    except (WeightsError, TypeError) as error:
        raise ConfigError(f"classify: {error}") from error
    device = torch.device("cuda" if runtime == "cuda" else "cpu")
    dtype = torch.float16 if runtime == "cuda" else torch.float32
    model = model.eval().to(device, dtype)

    def run(inputs: Floats) -> Floats:
        with torch.inference_mode():
            logits = model(torch.from_numpy(inputs).to(device, dtype))
        return np.asarray(logits.float().cpu().numpy(), np.float32)

    return run
