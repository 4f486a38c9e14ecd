"""The pose net in torch: built from a card, filled with weights, one input and one output form.

N images, A anchors (one for each cell of the three maps), D feature channels.
"""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from workers.pose.offline import ultralytics
from workers.pose.weights import END_TO_END, TRAINING_ONLY, Weights

MANY_BRANCH = ("cv2", "cv3", "cv4", "cv4_kpts")


class PoseNet(nn.Module):
    """Pixels to candidates.

    Input: [N, H, W, 3] uint8, BGR, sides multiples of 32. Output: [N, 56, A] box corners x1 y1 x2 y2 and the
    17 key points (x, y, confidence) in pixels of the input, row 4 the score in [0, 1]; with `features` also
    [N, A, D], the appearance at each anchor.
    """

    def __init__(self, model: Any, features: bool, folded: bool) -> None:
        super().__init__()
        self.model = model
        self.folded = folded
        self.features = features
        self._maps: list[Tensor] = []
        if features:
            model.model[-1].register_forward_pre_hook(self._keep_maps)

    def _keep_maps(self, _head: nn.Module, inputs: tuple[list[Tensor]]) -> None:
        self._maps = list(inputs[0])

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """See the class."""
        dtype = next(self.model.parameters()).dtype
        planes = images.permute(0, 3, 1, 2).to(dtype)
        candidates: Tensor = self.model(planes if self.folded else planes / 255)
        if not self.features:
            return candidates
        width = min(level.shape[1] for level in self._maps)
        rows = [
            level.flatten(2).transpose(1, 2).reshape(len(level), -1, width, level.shape[1] // width).mean(3)
            for level in self._maps
        ]
        return candidates, torch.cat(rows, dim=1)


def build(weights: Weights, head: str, features: bool = False, half: bool = False) -> PoseNet:
    """The net of a card, filled strictly, convolutions and batch norms fused, in evaluation mode.

    Args:
        weights: imported weights.
        head: which branch answers, one of `weights.heads`.
        features: also give the appearance features.
        half: convolutions in FP16; boxes and key points are still decoded in float32, because FP16 is a
            whole pixel coarse beyond 1024.
    """
    network = dict(weights.network, end2end=END_TO_END in weights.heads)
    model = ultralytics("nn.tasks").PoseModel(network, ch=3, nc=1, verbose=False).float()
    answering: Any = model.model[-1]
    for name in TRAINING_ONLY + (() if set(weights.heads) != {END_TO_END} else MANY_BRANCH):
        if hasattr(answering, name):
            setattr(answering, name, None)
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(weights.tensors).items()
    }
    model.load_state_dict(tensors, strict=True)
    answering.end2end = head == END_TO_END
    model.eval()
    model.fuse(verbose=False)
    answering.export, answering.dynamic, answering.xyxy = True, True, True
    # The one-to-one branch's own top-k would lose the anchors; `detector` does it.
    answering.postprocess = lambda candidates: candidates.transpose(1, 2)
    # BGR in, RGB inside. The division by 255 goes into the same weights (together a fifth of a CPU's time
    # saved), but in FP16 they would then be too small.
    first = model.model[0].conv
    first.weight.data = first.weight.data.flip(1) / (1 if half else 255)
    if half:
        _halve(model, answering)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return PoseNet(model, features, folded=not half).eval()


def _halve(model: Any, answering: Any) -> None:
    decode = answering._inference

    def decode_in_float32(maps: dict[str, Any]) -> Tensor:
        full = {
            name: [level.float() for level in value] if isinstance(value, list) else value.float()
            for name, value in maps.items()
        }
        decoded: Tensor = decode(full)
        return decoded

    model.half()
    answering.dfl.float()
    answering._inference = decode_in_float32
