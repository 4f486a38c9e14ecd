"""torch: the CPU as a last resort, CUDA in FP16 with TF32 for what stays in float32."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from workers.pose.network import build
from workers.pose.runtimes import MAX_CANDIDATES, Finish, Image, T
from workers.pose.weights import Weights


def _rows(outputs: Tensor | tuple[Tensor, Tensor]) -> tuple[np.ndarray, np.ndarray | None]:
    candidates, features = outputs if isinstance(outputs, tuple) else (outputs, None)
    return candidates.float().cpu().numpy(), None if features is None else features.float().cpu().numpy()


class Torch:
    """One image a forward, one thread a forward. `precision` auto means f32 here."""

    name = "torch"

    def __init__(self, weights: Weights, head: str, *, features: bool, precision: str, parallel: int) -> None:
        torch.set_num_threads(1)
        # One net a thread: the head keeps the anchors of the last shape it saw.
        self._nets = [build(weights, head, features) for _ in range(parallel)]
        self._threads = ThreadPoolExecutor(parallel, thread_name_prefix="pose-net")

    def warm_up(self, shape: tuple[int, int]) -> None:
        """See `Runtime`."""
        self.run(
            [np.zeros((*shape, 3), np.uint8)] * len(self._nets), lambda _row, _candidates, _features: None
        )

    def run(self, images: Sequence[Image], finish: Finish[T]) -> list[T]:
        """See `Runtime`."""
        workers = len(self._nets)

        def lane(start: int) -> list[T]:
            torch.set_num_threads(1)
            done = []
            with torch.inference_mode():
                for row in range(start, len(images), workers):
                    candidates, features = _rows(self._nets[start](torch.from_numpy(images[row][None])))
                    done.append(finish(row, candidates[0], None if features is None else features[0]))
            return done

        lanes = list(self._threads.map(lane, range(min(workers, len(images)))))
        return [lanes[row % workers][row // workers] for row in range(len(images))]


class Cuda:
    """Batches of one fixed size on the first CUDA device; missing rows hold older or black images."""

    name = "cuda"

    def __init__(self, weights: Weights, head: str, *, features: bool, precision: str, batch: int) -> None:
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        self._device = torch.device("cuda")
        self._batch = batch
        self._staging: dict[tuple[int, ...], Tensor] = {}
        net = build(weights, head, features, half=precision != "f32")
        self._net = net.to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def warm_up(self, shape: tuple[int, int]) -> None:
        """See `Runtime`."""
        self.run([np.zeros((*shape, 3), np.uint8)], lambda _row, _candidates, _features: None)

    def run(self, images: Sequence[Image], finish: Finish[T]) -> list[T]:
        """See `Runtime`."""
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for row, image in enumerate(images):
            by_shape.setdefault(image.shape, []).append(row)
        done: dict[int, T] = {}
        for shape, rows in by_shape.items():
            for start in range(0, len(rows), self._batch):
                done |= self._one_batch(images, rows[start : start + self._batch], shape, finish)
        return [done[row] for row in range(len(images))]

    def _one_batch(
        self, images: Sequence[Image], rows: list[int], shape: tuple[int, ...], finish: Finish[T]
    ) -> dict[int, T]:
        staging = self._staging.get(shape)
        if staging is None:
            staging = torch.zeros(self._batch, *shape, dtype=torch.uint8, pin_memory=True)
            self._staging[shape] = staging
        for position, row in enumerate(rows):
            staging[position] = torch.from_numpy(images[row])
        with torch.inference_mode():
            candidates, features = _rows(_likeliest(self._net(staging.to(self._device, non_blocking=True))))
        return {
            row: finish(row, candidates[position], None if features is None else features[position])
            for position, row in enumerate(rows)
        }


def _likeliest(outputs: Tensor | tuple[Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor]:
    """Only the candidates that post-processing looks at, so that megabytes stay on the device."""
    candidates, features = outputs if isinstance(outputs, tuple) else (outputs, None)
    best = candidates[:, 4].topk(min(MAX_CANDIDATES, candidates.shape[2]), dim=1).indices
    chosen = candidates.gather(2, best[:, None].expand(-1, candidates.shape[1], -1))
    if features is None:
        return chosen
    return chosen, features.gather(1, best[..., None].expand(-1, -1, features.shape[2]))
