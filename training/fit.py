"""Fits one net: first to named activities, then to clips whose labels are per clip.

Of a clip only one label is known, and bystanders of a fight are labelled fight too. So a clip's logit is the
mean of its highest third of windows (multiple-instance learning), with a little loss on each window.

Array letters: n windows, C channels, T frames, M people, K clips, A activities.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.activities import Activities, normal_scores
from training.augment import augment
from training.backbone import State
from workers.classify.nets import Size, build

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Batch = TypeVar("Batch")

CLASSES = ("normal", "fight")
PERSONS = 2


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how hard to train; no run stops by its test fold.

    Attributes:
        epochs: times that every clip is drawn.
        clips, windows: of one step; windows are drawn from each clip.
        beside: simulated windows of one step, every second one a fight.
        rate: the highest one; it rises for a fifth of the steps, then falls.
        instance_share, beside_share: weight of the loss on single windows, and on simulated ones.
        smoothing: share of a label that is spread over all classes.
        averaging: what the mean of the weights keeps at each step.
    """

    epochs: int = 30
    clips: int = 8
    windows: int = 4
    beside: int = 8
    rate: float = 3e-3
    weight_decay: float = 0.05
    dropout: float = 0.3
    instance_share: float = 0.3
    beside_share: float = 0.3
    smoothing: float = 0.1
    averaging: float = 0.99


def fit(
    net: str,
    size: Size,
    windows: Halves,
    clip_of: NDArray[np.int64],
    labels: NDArray[np.int64],
    schedule: Schedule,
    seed: int,
    start: State | None = None,
    beside: Activities | None = None,
) -> nn.Module:
    """Train a net to tell fights.

    Args:
        net: "stgcnpp" or "msg3d".
        size: its size.
        windows: [n, C, T, 17, 2].
        clip_of: [n] the clip of each window.
        labels: [K] label of every clip, indexed by `clip_of`.
        schedule: how long and how hard.
        seed: fixes initial weights, sampling and augmentation.
        start: weights to start from, those of `pretrain` but the head's.
        beside: windows whose own labels are known, to learn from in each step beside the clips'.

    Returns:
        The net with the moving average of its weights, in evaluation mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(net, num_classes=len(CLASSES), persons=PERSONS, size=size)
    if start is not None:
        model.load_state_dict({**model.state_dict(), **start})
    rows_of = {int(clip): np.flatnonzero(clip_of == clip) for clip in np.unique(clip_of)}
    clips = np.array(sorted(rows_of))
    known = _by_label(beside)

    def batches() -> Iterator[tuple[Floats, list[int], Tensor, Tensor]]:
        order = rng.permutation(clips)
        for start in range(0, len(clips) - schedule.clips + 1, schedule.clips):
            chosen = order[start : start + schedule.clips]
            rows = [_some(rows_of[int(clip)], schedule.windows, rng) for clip in chosen]
            target = torch.from_numpy(labels[chosen]).float()
            examples = [_some(part, schedule.beside // 2, rng) for part in known]
            drawn = [windows[np.concatenate(rows)], *(beside.windows[part] for part in examples if beside)]
            told = torch.repeat_interleave(torch.tensor([len(part) for part in examples], dtype=torch.long))
            yield augment(np.concatenate(drawn), rng), [len(part) for part in rows], target, told.float()

    def loss_of(batch: tuple[Floats, list[int], Tensor, Tensor]) -> Tensor:
        inputs, counts, target, told = batch
        logits = _logits(model, inputs, schedule.dropout)
        logit, examples = (logits[:, 1] - logits[:, 0]).split([sum(counts), len(inputs) - sum(counts)])
        loss = _bag_loss(logit, counts, target, schedule)
        return (
            loss + schedule.beside_share * _example_loss(examples, told, schedule) if len(examples) else loss
        )

    steps = len(clips) // schedule.clips
    return _trained(model, batches, loss_of, steps, schedule)


def pretrain(
    net: str,
    size: Size,
    activities: Activities,
    schedule: Schedule,
    seed: int,
    start: State | None = None,
    batch: int = 32,
) -> nn.Module:
    """Train a net to tell activities, and to say what the hand-made features are.

    The features are what is known to tell fights; a net that sees them in its windows has less to find in few
    real clips.

    Args:
        net: "stgcnpp" or "msg3d".
        size: its size.
        activities: n windows.
        schedule: how long and how hard; `clips` and `windows` are not used.
        seed: fixes initial weights, order and augmentation.
        start: weights to start from.
        batch: windows of one step.

    Returns:
        The net with the moving average of its weights, in evaluation mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = build(net, num_classes=activities.shares.shape[1], persons=PERSONS, size=size)
    if start is not None:
        model.load_state_dict(start)
    scores = normal_scores(activities.features)
    known = ~np.isnan(scores)
    scores = np.nan_to_num(scores)
    describe = nn.Linear(model.cls_head["fc_cls"].in_features, scores.shape[1])

    def batches() -> Iterator[tuple[Floats, Tensor, Tensor, Tensor]]:
        order = rng.permutation(len(activities))
        for start in range(0, len(order) - batch + 1, batch):
            rows = order[start : start + batch]
            inputs = augment(activities.windows[rows], rng)
            yield inputs, *(torch.from_numpy(part[rows]) for part in (activities.shares, scores, known))

    def loss_of(item: tuple[Floats, Tensor, Tensor, Tensor]) -> Tensor:
        inputs, target, score, certain = item
        smooth = target * (1 - schedule.smoothing) + schedule.smoothing / target.shape[1]
        seen = model.features(torch.from_numpy(inputs))
        error = ((describe(seen) - score) ** 2 * certain).sum() / certain.sum()
        logits = model.cls_head["fc_cls"](F.dropout(seen, schedule.dropout))
        return F.cross_entropy(logits, smooth) + error

    return _trained(model, batches, loss_of, len(activities) // batch, schedule, describe)


def logits_of(model: nn.Module, windows: NDArray[np.floating]) -> Floats:
    """[n, A] logits of each window."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(windows), 64):
            parts.append(model(torch.from_numpy(windows[start : start + 64].astype(np.float32))).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, len(CLASSES)), np.float32)


def evidence(model: nn.Module, windows: NDArray[np.floating]) -> Floats:
    """[n] logit of "fight" against "normal" for each window."""
    logits = logits_of(model, windows)
    return logits[:, 1] - logits[:, 0]


def _trained(
    model: nn.Module,
    batches: Callable[[], Iterator[Batch]],
    loss_of: Callable[[Batch], Tensor],
    steps: int,
    schedule: Schedule,
    head: nn.Module | None = None,
) -> nn.Module:
    """The moving average of a net's weights; `head` is trained with it and thrown away."""
    parameters = [*model.parameters(), *(head.parameters() if head is not None else ())]
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.weight_decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.rate, total_steps=schedule.epochs * steps, pct_start=0.2
    )
    step = 0
    for epoch in range(schedule.epochs):
        losses, started = [], time.monotonic()
        for batch in batches():
            model.train()
            loss = loss_of(batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            plan.step()
            step += 1
            _follow(average, model, min(schedule.averaging, step / (step + 10)))
            losses.append(float(loss.detach()))
        log.info("epoch=%d loss=%.3f seconds=%.1f", epoch, float(np.mean(losses)), time.monotonic() - started)
    return average.eval()


def _some(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(rows, min(count, len(rows)), replace=False)


def _logits(model: nn.Module, inputs: Floats, dropout: float) -> Tensor:
    seen = F.dropout(model.features(torch.from_numpy(inputs)), dropout)
    logits: Tensor = model.cls_head["fc_cls"](seen)
    return logits


def _bag_loss(logit: Tensor, counts: list[int], labels: Tensor, schedule: Schedule) -> Tensor:
    target = labels * (1 - schedule.smoothing) + schedule.smoothing / 2
    clip_logit = torch.stack([_top_third(bag) for bag in logit.split(counts)])
    repeats = torch.tensor(counts)
    weight = torch.repeat_interleave(1 / repeats, repeats) / len(counts)
    instance = F.binary_cross_entropy_with_logits(
        logit, torch.repeat_interleave(target, repeats), weight=weight, reduction="sum"
    )
    return F.binary_cross_entropy_with_logits(clip_logit, target) + schedule.instance_share * instance


def _by_label(beside: Activities | None) -> list[NDArray[np.int64]]:
    """Rows of calm people, then of fighting ones; none without examples."""
    if beside is None:
        return []
    rows, labels = beside.clear()
    return [rows[labels == label] for label in range(len(CLASSES))]


def _example_loss(logit: Tensor, labels: Tensor, schedule: Schedule) -> Tensor:
    smooth = labels * (1 - schedule.smoothing) + schedule.smoothing / 2
    return F.binary_cross_entropy_with_logits(logit, smooth)


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
