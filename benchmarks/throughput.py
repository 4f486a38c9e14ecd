"""Fleet frames a second against a plain loop of `YOLO.track(persist=True)`, in one run.

    python -m benchmarks.throughput [--rounds 2] [--image-size 640]

Same files, weights, image size and tracker values, without camera-motion compensation. The loop runs one
process over the four videos, one after the other, each with a tracker of its own, at its better of one and
two threads; then the same loop on an OpenVINO export of the same weights. The fleet's figure counts from the
first frame read to the last frame tracked, verdicts included in its work; the loops' start-up
is left out too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.end_to_end import count_frames
from benchmarks.fleet_run import ROOT, WEIGHTS, four_videos, run_fleet, server, site_of

_TRACKER = """tracker_type: botsort
track_high_thresh: 0.5
track_low_thresh: 0.1
new_track_thresh: 0.6
track_buffer: 30
match_thresh: 0.8
fuse_score: true
gmc_method: none
proximity_thresh: 0.5
appearance_thresh: 0.25
with_reid: false
model: auto
"""


def main() -> int:
    """Runs fleet and loops in turn and prints their rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=640)
    parser.add_argument("--loop", choices=("torch", "openvino"), help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        print(json.dumps({"seconds": plain_loop(options.weights, options.image_size, options.threads)}))
        return 0
    videos = four_videos()
    frames = sum(count_frames(video) for video in videos)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="nexara-bench-") as folder:
        openvino = export(Path(folder), options.image_size)
        for _ in range(options.rounds):
            for kind, weights in (("torch", WEIGHTS), ("openvino", openvino)):
                for threads in (1, 2):
                    seconds = loop_apart(kind, weights, threads, options.image_size)
                    rates.setdefault(f"loop {kind}, {threads} threads", []).append(frames / seconds)
            with server() as url:
                outcome = run_fleet(site_of(videos, image_size=options.image_size), url)
            if outcome.exit_code:
                print(outcome.output)
                return 1
            rates.setdefault("fleet", []).append(frames / outcome.working_seconds)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        print(f"{name:<28} {medians[name]:6.1f} frames/s   ({', '.join(f'{value:.1f}' for value in values)})")
    for kind in ("torch", "openvino"):
        best = max(rate for name, rate in medians.items() if name.startswith(f"loop {kind}"))
        print(f"fleet / {kind} loop at its best: {medians['fleet'] / best:.2f}")
    return 0


def loop_apart(kind: str, weights: Path, threads: int, image_size: int) -> float:
    """Seconds that a plain loop takes in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--loop", kind, "--threads", str(threads)]
    command += ["--weights", str(weights), "--image-size", str(image_size)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the {kind} loop failed: {done.stderr[-2000:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def plain_loop(weights: Path, image_size: int, threads: int) -> float:
    """What a user would write: `YOLO.track(persist=True)` on each frame of each video; seconds of work."""
    prepare_ultralytics(threads)
    import cv2
    from ultralytics import YOLO

    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as tracker:
        tracker.write(_TRACKER)
        tracker.flush()
        model = YOLO(str(weights), task="pose")
        arguments = {"imgsz": image_size, "conf": 0.1, "iou": 0.4, "max_det": 20, "verbose": False}
        seconds = 0.0
        for video in four_videos():
            model.predictor = None
            capture = cv2.VideoCapture(str(video))
            _, frame = capture.read()
            model.track(frame, persist=False, tracker=tracker.name, **arguments)
            model.predictor.trackers[0].reset()
            capture = cv2.VideoCapture(str(video))
            started = time.perf_counter()
            while True:
                read, frame = capture.read()
                if not read:
                    break
                model.track(frame, persist=True, tracker=tracker.name, **arguments)
            seconds += time.perf_counter() - started
    return seconds


def prepare_ultralytics(threads: int) -> None:
    """Offline, nothing installed at run time, so many threads; to be called before the import."""
    import os

    settings = tempfile.mkdtemp(prefix="nexara-yolo-")
    os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": settings}
    os.environ |= {"OMP_NUM_THREADS": str(threads), "OPENVINO_INFERENCE_NUM_THREADS": str(threads)}
    import torch

    torch.set_num_threads(threads)
    give_torchvision_nms()


def give_torchvision_nms() -> None:
    """Where torchvision lacks its compiled operators (CUDA wheel, CPU torch), a quick NMS instead.

    Without it the loop would fall back to a slow one and the comparison would flatter us.
    """
    import cv2
    import torch

    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]

    def nms(boxes: torch.Tensor, scores: torch.Tensor, iou: float) -> torch.Tensor:
        corners = boxes.numpy().copy()
        corners[:, 2:] -= corners[:, :2]
        return torch.as_tensor(cv2.dnn.NMSBoxes(corners, scores.numpy(), 0.0, iou), dtype=torch.int64)

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", nms, "CPU")
    _KEPT.append(library)
    importlib.import_module("torchvision.ops.boxes")._assert_has_ops = lambda: None


# An operator goes when the library that defined it is collected.
_KEPT: list[object] = []


def export(folder: Path, image_size: int) -> Path:
    """The same weights as ultralytics exports them for OpenVINO, input size left open."""
    program = (
        "from benchmarks.throughput import prepare_ultralytics; prepare_ultralytics(1);"
        "from ultralytics import YOLO; import sys;"
        "print(YOLO(sys.argv[1]).export(format='openvino', dynamic=True, imgsz=int(sys.argv[2])))"
    )
    local = folder / WEIGHTS.name
    local.write_bytes(WEIGHTS.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", program, str(local), str(image_size)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"the export failed: {done.stderr[-2000:]}")
    return next(folder.glob("*_openvino_model"))


if __name__ == "__main__":
    sys.exit(main())
