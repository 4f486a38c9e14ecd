"""What a verdict costs, and what half precision changes, on windows of real clips.

    python -m benchmarks.verdict_cost [--data clips.npz]

Prints, for one thread: the making of each input, each expert, a whole step of the shipped panel, and an
explanation, in milliseconds a window (median of steps). Then, for the graph nets: the largest difference of
calibrated scores between float32 and bfloat16 or float16 (torch on the CPU, in that precision), and how many
results change at the production thresholds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.clips import heights, test_windows
from workers.classify.config import ClassifyConfig
from workers.classify.decision import log_odds, scale_weight, score
from workers.classify.explain import explain
from workers.classify.inputs import INPUTS
from workers.classify.nets import build, load_weights, size_from
from workers.classify.pairs import Pairs, paired
from workers.classify.panel import Member, Panel
from workers.classify.stage import open_members
from workers.pose.evaluation.clip_files import read_clips

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "skeletons" / "cctv_fights_coco17.npz"
_LEAST_STEPS = 5


@dataclass(frozen=True)
class Steps:
    """Windows that were due, and the people who are judged in them."""

    pairs: list[Pairs]

    def __len__(self) -> int:
        return sum(map(len, self.pairs))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="detections of clips, NPZ")
    parser.add_argument("--clips", type=int, default=40, help="so many clips of it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = read_clips(arguments.data)[: arguments.clips]
    steps = Steps([paired(due) for clip in clips for _, due in test_windows(clip)])
    if len(steps.pairs) < _LEAST_STEPS:
        raise SystemExit(f"{arguments.data}: too few windows to time")
    config = ClassifyConfig()
    members = open_members(config)
    panel = Panel(members, config.sharpness)
    print(f"{len(steps.pairs)} steps, {len(steps)} people judged")
    _costs(steps, members, panel)
    for member in members:
        if member.net.card.net != "interaction":
            _half(steps, member, config)


def _costs(steps: Steps, members: Sequence[Member], panel: Panel) -> None:
    _show("who has to do with whom", steps, lambda pairs: paired(pairs.due))
    for name in dict.fromkeys(member.net.card.input for member in members):
        _show(f"input {name}", steps, INPUTS[name])
    for member in members:
        inputs = {id(pairs): member.net.inputs(pairs) for pairs in steps.pairs}
        _show(
            f"{member.expert.name} ({member.expert.role}, {member.net.runtime})",
            steps,
            lambda pairs, member=member, inputs=inputs: member.net.evidence(inputs[id(pairs)]),
        )
    _show("primary and members, with inputs", steps, panel.own)
    few = Steps(steps.pairs[:: max(1, len(steps.pairs) // 20)])
    took = [_seconds(lambda pairs=pairs: explain(pairs, 0, panel.own)) for pairs in few.pairs]
    print(f"{'one explanation':<44}{np.median(took) * 1e3:8.1f} ms")


def _show(what: str, steps: Steps, work: Callable[[Pairs], Any]) -> None:
    took = [_seconds(lambda pairs=pairs: work(pairs)) / len(pairs) for pairs in steps.pairs]
    print(f"{what:<44}{np.median(took) * 1e3:8.2f} ms a window")


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _half(steps: Steps, member: Member, config: ClassifyConfig) -> None:
    """Scores in full and in half precision."""
    card = member.net.card
    path = next(expert.weights for expert in config.experts if expert.weights.stem.startswith(card.net))
    model = build(
        card.net,
        num_classes=len(card.classes),
        persons=card.persons,
        size=size_from(card.net, card.size) if card.size else None,
    ).eval()
    load_weights(model, path)
    inputs = torch.from_numpy(np.concatenate([member.net.inputs(pairs) for pairs in steps.pairs]))
    weight = scale_weight(np.concatenate([heights(pairs.due) for pairs in steps.pairs]))

    def scores(dtype: torch.dtype) -> np.ndarray:
        parts = []
        with torch.inference_mode():
            for rows in inputs.split(64):
                parts.append(model.to(dtype)(rows.to(dtype)).float().numpy())
        raw = log_odds(np.concatenate(parts), card.violent_classes())
        return score((raw - card.bias) / card.temperature * weight)

    full = scores(torch.float32)
    threshold = member.expert.threshold or 0.5
    for name, dtype in (("bfloat16", torch.bfloat16), ("float16", torch.float16)):
        half = scores(dtype)
        changed = int(((full >= threshold) != (half >= threshold)).sum())
        print(
            f"{member.expert.name}: {name} against float32: largest score difference"
            f" {np.abs(full - half).max():.4f}, mean {np.abs(full - half).mean():.5f}; {changed} of"
            f" {len(full)} results change at {threshold}"
        )
        model.to(torch.float32)
        load_weights(model, path)


if __name__ == "__main__":
    main()
