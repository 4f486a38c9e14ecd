"""How a pose detector errs: the numbers. `detector` applies them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from shared.skeleton import OKS_SIGMAS

# Faces are found better than hips, as people who annotate them do.
_FACTORS = tuple(float(factor) for factor in OKS_SIGMAS / np.mean(OKS_SIGMAS))
# The correlation of a pose net's errors from one frame to the next at 30 fps is about 0.35.
_CORRELATION_S = (1 / 30) / -math.log(0.35)


@dataclass(frozen=True, kw_only=True)
class DetectorNoise:
    """The errors of a pose detector; the defaults are those of a YOLO pose net on a fixed camera.

    Attributes:
        jitter: standard deviation of a seen joint at rest, in square roots of the box's area, in x and in y.
        joint_factors: [17] on it; their mean is 1.
        correlation_s: after which its correlation has fallen by e; 0 is white.
        degrees: of freedom, if it is Student's t.
        bias: a slow error of each joint, on the scale of `jitter`; `bias_s` is how slow.
        unevenness: spread of the logarithm of how hard a joint is at a moment; confidence knows of it.
        blur: how much larger errors are for each body height a second of the joint's speed.
        hidden: how much larger they are for joints that are hidden.
        hidden_pull: share of the way to the trunk's middle that hidden joints are drawn.
        outliers: share of the time in which a joint is somewhere else, `outlier_size` body heights away.
        swaps: share of the time in which a person's left and right arms or legs are taken for each other.
        borrows: share of the time in which hidden joints are taken from who stands in front.
        misses: share of frames in which a person is not found, each for itself; more if small or hidden.
        bursts: how often a second a person is lost for `burst_s`; three times that if mostly hidden.
        blind_below: visible share under which nobody is found.
        box_jitter: standard deviation of each edge, in the box's size.
        same_iou: people whose boxes overlap more are taken for one.
        least_score: what scores less is not reported.
        false_people: share of frames with somebody who is not there, for `false_s`.
        confidence_spread: of the logit of a joint's confidence, around what its expected error says.
    """

    jitter: float = 0.009
    joint_factors: tuple[float, ...] = _FACTORS
    correlation_s: float = _CORRELATION_S
    degrees: float = math.inf
    bias: float = 0.0
    bias_s: float = 1.0
    unevenness: float = 0.3
    blur: float = 0.25
    hidden: float = 4.0
    hidden_pull: float = 0.12
    outliers: float = 0.007
    outlier_size: float = 0.08
    swaps: float = 0.003
    borrows: float = 0.05
    misses: float = 0.02
    bursts: float = 0.1
    burst_s: tuple[float, float] = (2 / 30, 1.0)
    blind_below: float = 0.15
    box_jitter: float = 0.012
    same_iou: float = 0.7
    least_score: float = 0.1
    false_people: float = 0.03
    false_s: tuple[float, float] = (1 / 30, 0.4)
    confidence_spread: float = 0.35

    def __post_init__(self) -> None:
        if len(self.joint_factors) != len(_FACTORS):
            raise ValueError(f"joint_factors: {len(self.joint_factors)} given, {len(_FACTORS)} joints")
        if not self.degrees > 2:
            raise ValueError(f"degrees: {self.degrees} is not above 2, so the variance is infinite")

    def scaled(self, by: float) -> DetectorNoise:
        """All errors more (above 1) or less frequent and large."""
        return replace(
            self,
            jitter=self.jitter * by,
            bias=self.bias * by,
            outliers=min(self.outliers * by, 0.5),
            swaps=min(self.swaps * by, 0.5),
            borrows=min(self.borrows * by, 0.5),
            misses=min(self.misses * by, 0.9),
            bursts=self.bursts * by,
            box_jitter=self.box_jitter * by,
            false_people=min(self.false_people * by, 0.9),
        )

    def variants(self) -> dict[str, DetectorNoise]:
        """Other laws by name, to see whether something works for this one alone."""
        return {
            "default": self,
            "white": replace(self, correlation_s=0.0),
            "slow": replace(self, correlation_s=0.12),
            "biased": replace(self, bias=self.jitter),
            "heavy": replace(self, degrees=3.0),
            "even": replace(self, joint_factors=(1.0,) * len(_FACTORS), unevenness=0.0),
            "half": self.scaled(0.5),
            "double": self.scaled(2.0),
            "none": replace(self.scaled(0.0), blind_below=0.02, hidden_pull=0.0),
        }
