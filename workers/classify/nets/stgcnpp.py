"""ST-GCN++ (Duan et al., PYSKL, 2022), with pyskl's parameter names so that its checkpoints load.

Tensor letters: N clips, M people, C channels, T frames, V joints, K subsets of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.classify.nets.graph import JOINTS, spatial_stack

BRANCHES = 6


@dataclass(frozen=True)
class StgcnppSize:
    """Width and depth; the defaults are the published net.

    Attributes:
        channels: width of the first stage; each further stage doubles it.
        blocks: blocks of each stage; the first block of stages 2 and 3 halves the frames.
        inputs: channels of the input; published nets see x, y and confidence.
    """

    channels: int = 64
    blocks: tuple[int, ...] = (4, 3, 3)
    inputs: int = 3


class Stgcnpp(nn.Module):
    """[N, C, T, 17, M] -> logits [N, classes]. People share all weights, so any M works."""

    def __init__(self, num_classes: int, size: StgcnppSize) -> None:
        super().__init__()
        self.backbone = _Backbone(size)
        self.cls_head = nn.ModuleDict({"fc_cls": nn.Linear(self.backbone.width, num_classes)})

    def features(self, x: Tensor) -> Tensor:
        """What the head sees: the mean over frames, joints and people, [N, C]."""
        pooled: Tensor = self.backbone(x).mean(dim=(1, 3, 4))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes]."""
        logits: Tensor = self.cls_head["fc_cls"](self.features(x))
        return logits


class _Backbone(nn.Module):
    def __init__(self, size: StgcnppSize) -> None:
        super().__init__()
        self.data_bn = nn.BatchNorm1d(JOINTS * size.inputs)
        blocks: list[nn.Module] = []
        inputs = size.inputs
        for stage, depth in enumerate(size.blocks):
            width = size.channels * 2**stage
            for position in range(depth):
                stride = 2 if stage > 0 and position == 0 else 1
                blocks.append(_Block(inputs, width, stride, residual=bool(blocks)))
                inputs = width
        self.gcn = nn.ModuleList(blocks)
        self.width = inputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, T, V, M] -> [N, M, C', T', V]."""
        n, c, t, v, m = x.shape
        x = x.permute(0, 4, 3, 1, 2).reshape(n * m, v * c, t)
        x = self.data_bn(x).reshape(n * m, v, c, t).permute(0, 2, 3, 1)
        for block in self.gcn:
            x = block(x)
        return x.reshape(n, m, *x.shape[1:])


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, *, residual: bool) -> None:
        super().__init__()
        self.gcn = _GraphConv(inputs, outputs)
        self.tcn = _TemporalConvs(outputs, stride)
        self.has_residual = residual
        self.residual: nn.Module = nn.Identity()
        if residual and (inputs != outputs or stride != 1):
            self.residual = _Shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.tcn(self.gcn(x))
        if self.has_residual:
            y = y + self.residual(x)
        return torch.relu(y)


class _Shortcut(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, stride=(stride, 1))
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


class _GraphConv(nn.Module):
    """Mixes neighbours with a learned adjacency, one 1x1 convolution for each subset of neighbours."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stack = torch.from_numpy(spatial_stack())
        self.A = nn.Parameter(stack)
        self.conv = nn.Conv2d(inputs, outputs * len(stack), 1)
        self.bn = nn.BatchNorm2d(outputs)
        self.down: nn.Module = nn.Identity()
        if inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        n, _, t, v = x.shape
        subsets = self.A.shape[0]
        y = self.conv(x).reshape(n, subsets, -1, t, v).permute(0, 2, 3, 1, 4)
        # One product over subsets and joints together: many times faster on CPU than a batch of small ones.
        y = torch.matmul(y.reshape(n, -1, t, subsets * v), self.A.reshape(subsets * v, v))
        return torch.relu(self.bn(y) + self.down(x))


class _TemporalConvs(nn.Module):
    """Six branches over time: four dilations, a maximum and a plain 1x1, mixed by a last 1x1."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        narrow = channels // BRANCHES
        widths = [channels - narrow * (BRANCHES - 1)] + [narrow] * (BRANCHES - 1)
        self.branches = nn.ModuleList(
            [_dilated(channels, widths[i], stride, dilation=i + 1) for i in range(4)]
            + [
                nn.Sequential(
                    *_pointwise(channels, widths[4]), nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))
                ),
                nn.Conv2d(channels, widths[5], 1, stride=(stride, 1)),
            ]
        )
        self.transform = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1))
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.transform(torch.cat([branch(x) for branch in self.branches], dim=1)))
        return y


class _Temporal(nn.Module):
    """A (3 x 1) convolution that keeps the frames aligned."""

    def __init__(self, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, (3, 1), stride=(stride, 1), padding=(dilation, 0), dilation=(dilation, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y


def _pointwise(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU()


def _dilated(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(*_pointwise(inputs, outputs), _Temporal(outputs, stride, dilation))
