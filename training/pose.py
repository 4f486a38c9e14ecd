"""Trains the pose net of the demonstration on rendered frames, from random weights.

    python -m training.pose_frames --out frames --acts 400
    python -m training.pose --frames frames --out models/simulated-pose

The net is ultralytics' YOLO26n-pose with its own loss for both branches; what is shipped is the end-to-end
one, in half precision, as a folder that `pose.weights` takes. It learns in small pictures first and in the
size that it is used in last. Pictures are not mirrored: what is blue-green is left.
"""

from __future__ import annotations

import argparse
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from training.pose_frames import Frame, read
from workers.pose.cache import file_hash, whole_folder
from workers.pose.offline import ultralytics
from workers.pose.weights import END_TO_END, TENSORS, TRAINING_ONLY, Card, Network, open_weights, write_card

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

NETWORK = "yolo26n-pose.yaml"
# Height and width of the net's input; the last is the one that it is used in.
SMALL, LARGE = (192, 320), (256, 448)
_PAD = 114


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train.

    Attributes:
        steps: of them `small` (a share) in small pictures.
        batch: pictures of a step in small size; in large size half of it.
        rate: the highest one, of AdamW; one cycle.
        averaging: what the mean of the weights keeps at each step.
        pose: weight of the loss on key points; ultralytics' own is 12.
    """

    steps: int = 6000
    small: float = 0.7
    batch: int = 32
    rate: float = 2e-3
    weight_decay: float = 5e-4
    averaging: float = 0.998
    pose: float = 24.0
    save_every: int = 250


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=Path, required=True, help="folder of training.pose_frames")
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights")
    parser.add_argument("--steps", type=int, default=Schedule.steps)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(arguments.seed)
    train(arguments.frames, arguments.out, Schedule(steps=arguments.steps), arguments.seed)


def train(folder: Path, out: Path, schedule: Schedule, seed: int) -> None:
    """Train, and write the mean of the weights every now and then and at the end."""
    tasks, cfg = ultralytics("nn.tasks"), ultralytics("cfg")
    model = tasks.PoseModel(NETWORK, ch=3, nc=1, verbose=False)
    model.args = cfg.get_cfg(overrides={"pose": schedule.pose, "epochs": schedule.steps})
    model = model.to(memory_format=torch.channels_last)
    criterion = model.init_criterion()
    average = {name: value.clone() for name, value in model.state_dict().items()}
    decayed = [value for value in model.parameters() if value.dim() > 1]
    plain = [value for value in model.parameters() if value.dim() <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": schedule.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=schedule.rate,
        betas=(0.9, 0.99),
    )
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.rate, schedule.steps, pct_start=0.08)
    rng = np.random.default_rng(seed)
    frames = Frames(folder, rng)
    losses: list[NDArray[np.float64]] = []
    started = time.monotonic()
    model.train()
    for step in range(schedule.steps):
        large = step >= schedule.small * schedule.steps
        size, count = (LARGE, schedule.batch // 2) if large else (SMALL, schedule.batch)
        batch = batch_of([frames.next() for _ in range(count)], size, rng)
        images = batch["img"].to(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen = model(images)
        loss, parts = criterion(_as_float(seen), batch)
        optimizer.zero_grad()
        (loss.sum() / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        plan.step()
        criterion.update()
        keep = min(schedule.averaging, (step + 1) / (step + 20))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    average[name].lerp_(value, 1 - keep)
                else:
                    average[name].copy_(value)
        losses.append(np.array([float(part) for part in parts.values()]))
        if step % 50 == 49:
            mean = np.mean(losses[-50:], axis=0)
            told = " ".join(f"{name}={value:.3f}" for name, value in zip(parts, mean, strict=True))
            log.info(
                "step=%d of=%d seconds=%.0f frames=%d %s",
                step + 1,
                schedule.steps,
                time.monotonic() - started,
                len(frames),
                told,
            )
        if step % schedule.save_every == schedule.save_every - 1 or step == schedule.steps - 1:
            write(average, model.yaml, out)


def _as_float(seen: Any) -> Any:
    """All tensors of a nested answer in single precision."""
    if isinstance(seen, torch.Tensor):
        return seen.float()
    if isinstance(seen, dict):
        return {key: _as_float(value) for key, value in seen.items()}
    return type(seen)(_as_float(value) for value in seen) if isinstance(seen, (list, tuple)) else seen


class Frames:
    """Frames of a folder in random order, again and again; shards that are added later are seen too."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self._folder = folder
        self._rng = rng
        self._frames: list[Frame] = []
        self._read: set[Path] = set()
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._frames)

    def next(self) -> Frame:
        """One more."""
        if not self._order:
            for path in sorted(self._folder.glob("[0-9]*.npz")):
                if path not in self._read and ".draft" not in path.name:
                    self._frames += read(path)
                    self._read.add(path)
            self._order = self._rng.permutation(len(self._frames)).tolist()
        return self._frames[self._order.pop()]


def batch_of(frames: list[Frame], size: tuple[int, int], rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """What ultralytics' loss takes: pictures, shifted, scaled and shaded a little, and who is in them."""
    images, owners, boxes, keypoints = [], [], [], []
    for number, frame in enumerate(frames):
        image, place = _moved(simplejpeg.decode_jpeg(frame.jpeg, "RGB"), size, rng)
        images.append(_shaded(image, rng))
        box, points = _placed(frame, place, size)
        kept = (box[:, 2:] - box[:, :2]).min(axis=1, initial=np.inf) > 4
        owners.append(np.full(int(kept.sum()), number))
        boxes.append(box[kept])
        keypoints.append(points[kept])
    height, width = size
    corners = np.concatenate(boxes) / np.array([width, height, width, height], np.float32)
    centred = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
    points = np.concatenate(keypoints) / np.array([width, height, 1], np.float32)
    stacked = np.stack(images).transpose(0, 3, 1, 2)
    return {
        "img": torch.from_numpy(np.ascontiguousarray(stacked)).float() / 255,
        "batch_idx": torch.from_numpy(np.concatenate(owners)),
        "cls": torch.zeros(len(centred), 1),
        "bboxes": torch.from_numpy(centred),
        "keypoints": torch.from_numpy(points),
    }


def _moved(
    image: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Floats]:
    """A picture in the net's size, and the [2, 3] way its pixels went."""
    height, width = size
    scale = width / image.shape[1] * float(np.exp(rng.uniform(-0.25, 0.3)))
    room = np.array([width - scale * image.shape[1], height - scale * image.shape[0]])
    shift = room / 2 + rng.uniform(-0.5, 0.5, 2) * (np.abs(room) + 0.1 * np.array([width, height]))
    place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    moved = cv2.warpAffine(image, place, (width, height), flags=flags, borderValue=(_PAD,) * 3)
    return np.asarray(moved, np.uint8), place


def _shaded(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brighter or darker, with more or less contrast."""
    levels = np.arange(256, dtype=np.float32)
    curve = (levels - 128) * float(rng.uniform(0.8, 1.2)) + 128 + float(rng.uniform(-18, 18))
    return np.asarray(cv2.LUT(image, curve.clip(0, 255).astype(np.uint8)), np.uint8)


def _placed(frame: Frame, place: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Boxes within the moved picture, and key points, unknown where they left it; pixels."""
    scale, shift = place[0, 0], place[:, 2]
    limit = np.array([size[1], size[0]], np.float32)
    box = (frame.boxes.reshape(-1, 2, 2) * scale + shift).clip(0, limit).reshape(-1, 4)
    points = frame.keypoints.copy()
    points[..., :2] = points[..., :2] * scale + shift
    inside = ((points[..., :2] >= 0) & (points[..., :2] < limit)).all(-1)
    points[..., 2] *= 2 * inside
    points[..., :2] *= points[..., 2:] > 0
    return box.astype(np.float32), points.astype(np.float32)


def write(state: dict[str, torch.Tensor], described: dict[str, Any], out: Path) -> None:
    """Write the end-to-end branch as weights that the product reads."""
    known = {key: value for key, value in described.items() if key in Network.model_fields}
    network = Network(**(known | {"nc": 1}))
    last = f"model.{len(network.backbone) + len(network.head) - 1}."
    gone = tuple(f"{last}{name}." for name in (*TRAINING_ONLY, "cv2", "cv3", "cv4", "cv4_kpts"))
    tensors = {
        name: (value.half() if value.dtype.is_floating_point else value).contiguous()
        for name, value in state.items()
        if not name.startswith(gone)
    }
    with whole_folder(out) as draft:
        save_file(tensors, draft / TENSORS)
        digest = file_hash(draft / TENSORS)
        write_card(
            draft,
            Card(
                name=out.name, source="training.pose", source_sha256=digest, tensors_sha256=digest,
                heads=[END_TO_END], network=network,
            ),
        )  # fmt: skip
        open_weights(draft)


if __name__ == "__main__":
    main()
