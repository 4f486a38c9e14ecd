"""The adaptive filter once more, in torch, so that what its net says can be judged by where people end up.

Mirrors `workers/pose/refine/adaptive.py`, to which `tests/training/test_refine.py` holds it. B clips of one
person each, T frames, 17 joints; lengths in body heights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.refine_data import Clips
from workers.pose.refine import adaptive, kalman, occlusion

KINDS = torch.tensor([0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8])
FEATURES, HIDDEN = 13, 24
TORSO = [5, 6, 11, 12]
_LEAST_DT = 1e-4


class NoiseNet(nn.Module):
    """From what the filter sees of a joint to its noises; one for all joints, with a bias for each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(FEATURES, HIDDEN, bias=False)
        self.joints = nn.Parameter(torch.zeros(int(KINDS.max()) + 1, HIDDEN))
        self.output = nn.Linear(HIDDEN, 2)
        self.body = nn.Linear(HIDDEN, 1)
        self.log_limbs_last = nn.Parameter(torch.full((int(KINDS.max()) + 1,), -2.0))
        for part in (self.output.weight, self.output.bias, self.body.weight):
            nn.init.zeros_(part)
        nn.init.constant_(self.body.bias, -4.0)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 17, 13] -> log process noise and log factor on the variance [B, 17], of the body [B]."""
        hidden = torch.tanh(self.input(features) + self.joints[KINDS])
        told = 5 * self.output(hidden)
        return told[..., 0], told[..., 1], self.body(4 * hidden.mean(dim=1))[..., 0]


def variance_of(confidence: Tensor, side: Tensor) -> Tensor:
    """[B, 17] as `kalman.measurement_variance`, in body heights; without its floor of a part of a pixel."""
    odds = (1 - confidence) / confidence.clamp(min=1e-3) / kalman.USUAL_ODDS
    factors = torch.tensor(kalman.FACTORS, dtype=side.dtype)
    return (kalman.JITTER * side[:, None] * factors) ** 2 * odds.clamp(kalman.BEST, kalman.WORST)


class Filter:
    """The state of the filter while a batch of clips goes by."""

    def __init__(self, net: NoiseNet, places: Tensor, variance: Tensor) -> None:
        self.net = net
        self.position, self.velocity = places, torch.zeros_like(places)
        zero = torch.zeros_like(variance)
        self.covariance = (variance + kalman.START_ERROR**2, zero, zero + kalman.START_SPEED**2)
        self.surprise = (zero + 1, zero + 1, zero)
        self.innovation = torch.zeros_like(places)
        self.log_process, self.log_body = zero, zero[:, 0]
        self.unseen = zero[:, 0]

    def step(self, places: Tensor, variance: Tensor, seen: Tensor, elapsed: Tensor) -> None:
        """One frame: places [B, 17, 2], variance [B, 17], seen [B], elapsed [B]."""
        dt, one, all_joints = elapsed[:, None], seen[:, None], seen[:, None, None]
        self.unseen = self.unseen + elapsed
        p0, p1, p2 = self.covariance
        process = torch.exp(self.log_process)
        p0 = p0 + 2 * dt * p1 + dt * dt * p2 + process * dt**3 / 3
        p1, p2 = p1 + dt * p2 + process * dt * dt / 2, p2 + process * dt
        coasted, slowed = self._coasted(dt)
        position = torch.where(all_joints, self.position + dt[..., None] * self.velocity, coasted)
        innovation = torch.where(all_joints, places - position, torch.zeros_like(places))
        total = p0 + variance
        shift = self._of_the_body(innovation, total, elapsed)
        position, innovation = position + shift, innovation - torch.where(all_joints, shift, 0.0)
        velocity = torch.where(all_joints, self.velocity + 1.5 * shift / dt[..., None], slowed)
        surprise, features = self._seen(innovation, variance, total, velocity, dt)
        log_process, log_error, log_body = self.net(features)
        total = p0 + variance * torch.exp(log_error)
        gain, speed_gain = one * p0 / total, one * p1 / total
        self.position = position + gain[..., None] * innovation
        self.velocity = velocity + speed_gain[..., None] * innovation
        self.covariance = (p0 - gain * p0, p1 - gain * p1, p2 - speed_gain * p1)
        self.surprise = tuple(
            torch.where(one, new, old) for new, old in zip(surprise, self.surprise, strict=True)
        )
        self.innovation = torch.where(all_joints, innovation, self.innovation)
        self.log_process = torch.where(one, log_process, self.log_process)
        self.log_body = torch.where(seen, log_body, self.log_body)
        self.unseen = torch.where(seen, torch.zeros_like(self.unseen), self.unseen)

    def _coasted(self, dt: Tensor) -> tuple[Tensor, Tensor]:
        body = self.velocity[:, TORSO].mean(dim=1, keepdim=True)
        limbs, time = self.velocity - body, dt[..., None]
        pace = (body**2).sum(dim=-1, keepdim=True) / occlusion.WALK**2
        lasts = (occlusion.WALK_LASTS_S * pace.clamp(max=1.0)).clamp(min=occlusion.SWAY_LASTS_S)
        limbs_last = torch.exp(self.net.log_limbs_last)[KINDS][:, None]
        left, limbs_left = torch.exp(-time / lasts), torch.exp(-time / limbs_last)
        way = body * lasts * (1 - left) + limbs * limbs_last * (1 - limbs_left)
        return self.position + way, body * left + limbs * limbs_left

    def _of_the_body(self, innovation: Tensor, total: Tensor, elapsed: Tensor) -> Tensor:
        weights = 1 / total
        mean = (weights[..., None] * innovation).sum(dim=1) / weights.sum(dim=1)[:, None]
        moved = torch.exp(self.log_body) * elapsed**3 / 3
        share = moved / (moved + 1 / weights.sum(dim=1))
        return (share[:, None] * mean)[:, None]

    def _seen(
        self, innovation: Tensor, variance: Tensor, total: Tensor, velocity: Tensor, dt: Tensor
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        now = (innovation**2).sum(dim=-1) / (2 * total)
        product = (innovation * self.innovation).sum(dim=-1) / (2 * total)
        most = adaptive.MOST_SURPRISED
        news = (now.clamp(max=most), now.clamp(max=most), product.clamp(-most, most))
        spans = (adaptive.QUICK_S, adaptive.SLOW_S, adaptive.SLOW_S)
        surprise = tuple(
            old + (1 - torch.exp(-dt / span)) * (new - old)
            for old, new, span in zip(self.surprise, news, spans, strict=True)
        )
        instant, quick, slow = (torch.log(x + adaptive.SLIGHT) for x in (now, *surprise[:2]))
        lasting = surprise[2] / (surprise[1] + 0.1)
        speed = torch.log((velocity**2).sum(dim=-1) + 1e-3) / 3
        columns = [instant, quick, slow, lasting, _all(instant), _all(slow), _all(lasting)]
        columns += [torch.log(variance / 1e-4) / 3, torch.log(total / variance) / 2, speed, _all(speed)]
        for time in (dt, self.unseen[:, None]):
            columns.append(torch.log(time * adaptive.UNIT_HZ).expand_as(now))
        return surprise, torch.stack(columns, dim=-1)


def filtered(net: NoiseNet, batch: dict[str, Tensor]) -> Tensor:
    """[B, T, 17, 2] where the filter says that people are, seen or not."""
    variance = [
        variance_of(c, s) for c, s in zip(batch["confidence"].unbind(1), batch["side"].unbind(1), strict=True)
    ]
    running = Filter(net, batch["places"][:, 0], variance[0])
    answers = [running.position]
    for frame in range(1, batch["at"].shape[1]):
        elapsed = (batch["at"][:, frame] - batch["at"][:, frame - 1]).clamp(min=_LEAST_DT)
        running.step(batch["places"][:, frame], variance[frame], batch["seen"][:, frame], elapsed)
        answers.append(running.position)
    return torch.stack(answers, dim=1)


def tensors(clips: Clips) -> dict[str, Tensor]:
    """The clips' arrays."""
    return {name: torch.from_numpy(array) for name, array in vars(clips).items()}


def _all(values: Tensor) -> Tensor:
    return values.mean(dim=1, keepdim=True).expand_as(values)
