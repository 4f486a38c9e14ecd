"""What refining costs, against the reference classes, and beside one look of the detector.

`python -m benchmarks.refine_cost [--rounds N]`. Everything runs on one thread, in turns, and the fastest of
the rounds counts: other programs only ever make it slower.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.baseline import load_baseline
from benchmarks.skeleton_table import table
from workers.pose.detector import Detector, Selection
from workers.pose.refine import RefineConfig, Refiner
from workers.pose.refine import kalman as kalman_filter
from workers.pose.refine.one_euro import OneEuro
from workers.pose.runtimes import choose, open_runtime
from workers.pose.views import View
from workers.pose.weights import resolve

Floats = NDArray[np.float64]
Step = Callable[[int], object]

PEOPLE = (1, 10, 100)
FRAMES = 30
FPS = 30.0
FRAME = (1920, 1080)
WEIGHTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "weights" / "yolo26n-pose-o2m.pt"


def crowd(people: int) -> tuple[Floats, Floats]:
    """[T, P, 17, 3] key points and [T, P, 4] boxes of people who drift about."""
    random = np.random.default_rng(0)
    shape = random.uniform(0, 1, (people, 17, 2)) * np.array([80.0, 200.0])
    start = random.uniform(100, 800, (people, 1, 2))
    ways = np.cumsum(random.normal(0, 1.5, (FRAMES, people, 17, 2)), axis=0)
    places = start + shape + ways
    confidence = random.uniform(0.3, 0.95, (FRAMES, people, 17, 1))
    boxes = np.concatenate([places.min(axis=2), places.max(axis=2)], axis=-1)
    return np.concatenate([places, confidence], axis=-1), boxes


def steps(people: int) -> dict[str, Step]:
    """What one frame costs, by name."""
    module = load_baseline()
    keypoints, boxes = crowd(people)
    ids = np.arange(people)
    smoother, kalman = module.SkeletonSmoother(), module.SkeletonKalmanTracker()
    refiners = {kind: Refiner(RefineConfig(smoothing=kind)) for kind in ("one_euro", "kalman", "adaptive")}
    ones, elapsed = np.full(people, 200.0), np.full(people, 1 / FPS)
    one_euro, signal = OneEuro(1.0, 0.007, 1.0), np.ascontiguousarray(keypoints[..., :2])
    memory = {"position": signal[0], "rate": np.zeros_like(signal[0])}
    state = {
        "position": signal[0],
        "velocity": np.zeros_like(signal[0]),
        "covariance": np.ones((people, 3, 17)),
    }
    process = np.full((people, 17), 100.0)

    def one_euro_step(frame: int) -> None:
        memory["position"], memory["rate"], _ = one_euro.step(
            signal[frame], memory["position"], memory["rate"], elapsed, ones
        )

    def kalman_step(frame: int) -> None:
        expected = state["position"] + state["velocity"] / FPS
        variance = kalman_filter.measurement_variance(keypoints[frame, :, :, 2], boxes[frame])
        state["position"], state["velocity"], state["covariance"] = kalman_filter.corrected(
            expected,
            state["velocity"],
            kalman_filter.predicted(state["covariance"], elapsed, process),
            signal[frame] - expected,
            variance,
        )

    def refine(kind: str) -> Step:
        clock = iter(np.arange(1, 10**7) / FPS)
        return lambda frame: refiners[kind].update(next(clock), ids, boxes[frame], keypoints[frame], FRAME)

    return {
        "reference One Euro": lambda f: [smoother.smooth(i, keypoints[f, i]) for i in range(people)],
        "reference Kalman": lambda f: [kalman.update(i, keypoints[f, i]) for i in range(people)],
        "One Euro": one_euro_step,
        "Kalman": kalman_step,
        "Refiner, one_euro": refine("one_euro"),
        "Refiner, kalman": refine("kalman"),
        "Refiner, adaptive": refine("adaptive"),
    }


def fastest(todo: dict[str, Step], rounds: int) -> dict[str, float]:
    """Seconds of a frame, each step's best round, the steps in turns."""
    best = dict.fromkeys(todo, np.inf)
    for _ in range(rounds):
        for name, step in todo.items():
            began = time.perf_counter()
            for frame in range(FRAMES):
                step(frame)
            best[name] = min(best[name], (time.perf_counter() - began) / FRAMES)
    return best


def costs(rounds: int) -> None:
    """Microseconds of a person and frame, and how many times faster than the reference."""
    rows: dict[str, list[str]] = {}
    for people in PEOPLE:
        found = fastest(steps(people), rounds)
        for name, seconds in found.items():
            against = found["reference One Euro" if "uro" in name else "reference Kalman"]
            micro = 1e6 * seconds / people
            ratio = "" if name.startswith("reference") else f" ({against / seconds:.1f}x)"
            rows.setdefault(name, []).append(f"{micro:.2f}{ratio}")
    header = ["microseconds of a person and frame", *(f"{people} tracks" for people in PEOPLE)]
    table("Cost against the reference classes", header, [[name, *cells] for name, cells in rows.items()])


def share_of_a_look(rounds: int) -> None:
    """`update` for 20 people beside one forward of the detector."""
    if not WEIGHTS.is_file():
        print(f"\n{WEIGHTS}: not there, so the detector is not measured")
        return
    weights = resolve(str(WEIGHTS))
    head, runtime = weights.branch("auto"), choose("auto")
    net = open_runtime(
        weights, runtime=runtime, head=head, features=False, precision="auto", parallel=1, batch=1
    )
    detector = Detector(net, Selection(head, 0.1, 0.4, 20))
    view = View.whole(1280, 720, 640)
    image = view.place(np.random.default_rng(0).integers(0, 255, (720, 1280, 3)).astype(np.uint8))
    look: dict[str, Step] = {"look": lambda _: detector.look([(image,)], [(view,)])}
    seconds = fastest({**look, "update": steps(20)["Refiner, adaptive"]}, max(1, rounds // 5))
    share = seconds["update"] / seconds["look"]
    print(
        f"\nRefining 20 people takes {1000 * seconds['update']:.2f} ms, one look at 640 px "
        f"({runtime}, one thread) {1000 * seconds['look']:.1f} ms: {share:.1%}"
    )


def main() -> None:
    """Prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    costs(rounds)
    share_of_a_look(rounds)


if __name__ == "__main__":
    main()
