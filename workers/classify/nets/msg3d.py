"""MS-G3D (Liu et al., CVPR 2020), with pyskl's parameter names so that its checkpoints load.

Tensor letters: N clips, M people, C channels, T frames, V joints, K distances in the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workers.classify.nets.graph import JOINTS, Adjacency, binary, hop_stack, space_time

BRANCHES = 6
WINDOWS = (3, 5)


@dataclass(frozen=True)
class Msg3dSize:
    """Width and reach; the defaults are the published net.

    Attributes:
        channels: width of the first stage; stages 2 and 3 double it.
        graph_scales: distances in the skeleton, the joint itself included.
        space_time_scales: distances in the graph over several frames.
        inputs: channels of the input; published nets see x, y and confidence.
    """

    channels: int = 96
    graph_scales: int = 13
    space_time_scales: int = 6
    inputs: int = 3


class Msg3d(nn.Module):
    """[N, C, T, 17, M] -> logits [N, classes]. The first batch norm tells people apart, so M is fixed."""

    def __init__(self, num_classes: int, persons: int, size: Msg3dSize) -> None:
        super().__init__()
        self.backbone = _Backbone(persons, size)
        self.cls_head = nn.ModuleDict({"fc_cls": nn.Linear(size.channels * 4, num_classes)})

    def features(self, x: Tensor) -> Tensor:
        """What the head sees: the mean over frames, joints and people, [N, C]."""
        pooled: Tensor = self.backbone(x).mean(dim=(1, 3, 4))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes]."""
        logits: Tensor = self.cls_head["fc_cls"](self.features(x))
        return logits


class _Backbone(nn.Module):
    A: Tensor

    def __init__(self, persons: int, size: Msg3dSize) -> None:
        super().__init__()
        adjacency = binary()
        self.register_buffer("A", torch.from_numpy(adjacency.copy()))
        self.data_bn = nn.BatchNorm1d(persons * JOINTS * size.inputs)
        graph = hop_stack(adjacency, size.graph_scales)
        inputs = size.inputs
        for stage in (1, 2, 3):
            outputs = size.channels * 2 ** (stage - 1)
            # The first stage widens in the graph convolution, the others where they stride.
            middle, stride = (outputs, 1) if stage == 1 else (inputs, 2)
            setattr(self, f"gcn3d{stage}", _SpaceTime(inputs, middle, outputs, stride, adjacency, size))
            single = nn.Sequential(
                _GraphConv(inputs, middle, graph),
                _TemporalConvs(middle, outputs, stride),
                _TemporalConvs(outputs, outputs, activate=False),
            )
            setattr(self, f"sgcn{stage}", single)
            setattr(self, f"tcn{stage}", _TemporalConvs(outputs, outputs))
            inputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, T, V, M] -> [N, M, C', T', V]."""
        n, c, t, v, m = x.shape
        x = x.permute(0, 4, 3, 1, 2).reshape(n, m * v * c, t)
        x = self.data_bn(x).reshape(n * m, v, c, t).permute(0, 2, 3, 1)
        for stage in (1, 2, 3):
            single, across = getattr(self, f"sgcn{stage}"), getattr(self, f"gcn3d{stage}")
            x = getattr(self, f"tcn{stage}")(torch.relu(single(x) + across(x)))
        return x.reshape(n, m, *x.shape[1:])


class _GraphConv(nn.Module):
    """Mixes joints at each distance of a graph, then all of that in one 1x1 convolution."""

    A: Tensor

    def __init__(self, inputs: int, outputs: int, stack: Adjacency) -> None:
        super().__init__()
        # A copy: one stack serves several layers, and their state must not share memory.
        self.register_buffer("A", torch.from_numpy(stack.copy()))
        self.PA = nn.Parameter(torch.empty(stack.shape).uniform_(-1e-6, 1e-6))
        layers = nn.Sequential(nn.Conv2d(inputs * len(stack), outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU())
        self.mlp = nn.ModuleDict({"layers": layers})

    def forward(self, x: Tensor) -> Tensor:
        n, c, t, v = x.shape
        scales = self.A.shape[0]
        # One product with all distances side by side: faster on CPU than a batch of small ones.
        mixing = (self.A + self.PA).permute(1, 0, 2).reshape(v, scales * v)
        y = torch.matmul(x, mixing).reshape(n, c, t, scales, v).permute(0, 3, 1, 2, 4)
        mixed: Tensor = self.mlp["layers"](y.reshape(n, scales * c, t, v))
        return mixed


class _SpaceTime(nn.Module):
    """Two pathways over windows of 3 and 5 frames, summed without activation."""

    def __init__(
        self, inputs: int, middle: int, outputs: int, stride: int, adjacency: Adjacency, size: Msg3dSize
    ) -> None:
        super().__init__()
        scales = size.space_time_scales
        self.gcn3d = nn.ModuleList(
            [_Pathway(inputs, middle, outputs, window, stride, adjacency, scales) for window in WINDOWS]
        )

    def forward(self, x: Tensor) -> Tensor:
        short, long = (pathway(x) for pathway in self.gcn3d)
        both: Tensor = short + long
        return both


class _Pathway(nn.Module):
    def __init__(
        self,
        inputs: int,
        middle: int,
        outputs: int,
        window: int,
        stride: int,
        adjacency: Adjacency,
        scales: int,
    ) -> None:
        super().__init__()
        stack = hop_stack(space_time(adjacency, window), scales)
        self.window = window
        self.gcn3d = nn.Sequential(_Unfold(window, stride), _GraphConv(inputs, middle, stack))
        self.out_conv = nn.Conv3d(middle, outputs, (1, window, 1))
        self.out_bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.gcn3d(x)
        n, c, t, _ = y.shape
        y = self.out_conv(y.reshape(n, c, t, self.window, JOINTS))
        normed: Tensor = self.out_bn(y.squeeze(3))
        return normed


class _Unfold(nn.Module):
    """[N, C, T, V] -> [N, C, T', window * V]: the frames around each frame laid side by side."""

    def __init__(self, window: int, stride: int) -> None:
        super().__init__()
        self.window = window
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        side = (self.window - 1) // 2
        last = x.shape[2] - 1
        x = F.pad(x, (0, 0, side, side))
        return torch.cat([x[:, :, i : i + last + 1 : self.stride] for i in range(self.window)], dim=3)


class _TemporalConvs(nn.Module):
    """Six branches over time with a residual: four dilations, a maximum and a plain 1x1."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, *, activate: bool = True) -> None:
        super().__init__()
        narrow = outputs // BRANCHES
        last = outputs - narrow * (BRANCHES - 1)
        self.branches = nn.ModuleList(
            [_dilated(inputs, narrow, stride, dilation) for dilation in (1, 2, 3, 4)]
            + [
                nn.Sequential(
                    *_pointwise(inputs, narrow),
                    nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0)),
                    nn.BatchNorm2d(narrow),
                ),
                nn.Sequential(nn.Conv2d(inputs, last, 1, stride=(stride, 1)), nn.BatchNorm2d(last)),
            ]
        )
        self.residual: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            self.residual = _Temporal(inputs, outputs, 1, stride, 1)
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = torch.cat([branch(x) for branch in self.branches], dim=1) + self.residual(x)
        return torch.relu(y) if self.activate else y


class _Temporal(nn.Module):
    """A convolution over time and its batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(
            inputs, outputs, (kernel, 1), stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1)
        )
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


def _pointwise(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs), nn.ReLU()


def _dilated(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(*_pointwise(inputs, outputs), _Temporal(outputs, outputs, 3, stride, dilation))
