"""Writes a net as ONNX, for ONNX Runtime and OpenVINO.

`python -m workers.pose.export FOLDER HEAD FEATURES FILE`

Images, height and width stay free in the file; a runtime fixes them before it compiles.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from shared.config import ConfigError, cache_folder
from workers.pose.cache import whole_file
from workers.pose.weights import Weights, open_weights, run_apart

# Part of the file name: another number is another graph, so older files are left alone.
GRAPH = 1


def exported(weights: Weights, head: str, features: bool) -> Path:
    """The ONNX file of these weights, written on first use by a process of its own.

    Raises:
        ConfigError: the export failed.
    """
    path = export_path(weights, head, features)
    if not path.is_file():
        run_apart("workers.pose.export", str(weights.tensors.parent), head, str(int(features)), str(path))
    return path


def export_path(weights: Weights, head: str, features: bool) -> Path:
    """Where the ONNX file of these weights lies or will lie."""
    kind = f"{head}-features" if features else head
    return cache_folder() / "exports" / f"{weights.hash[:16]}-{kind}-{GRAPH}.onnx"


def export(weights: Weights, head: str, features: bool, path: Path) -> None:
    """Trace the net once and write it."""
    import torch

    from workers.pose.network import build

    net = build(weights, head, features)
    example = torch.zeros(1, 64, 96, 3, dtype=torch.uint8)
    axes = {"images": {0: "count", 1: "height", 2: "width"}, "candidates": {0: "count", 2: "anchors"}}
    outputs = ["candidates"]
    if features:
        axes["features"] = {0: "count", 1: "anchors"}
        outputs.append("features")
    with whole_file(path) as draft, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's and its own deprecation
        torch.onnx.export(
            net,
            (example,),
            str(draft),
            input_names=["images"],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=18,
            dynamo=False,
        )


def main() -> int:
    """Export; errors are one line and exit code 2."""
    folder, head, features, path = sys.argv[1:5]
    import torch

    torch.set_num_threads(1)
    try:
        export(open_weights(Path(folder)), head, features == "1", Path(path))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
