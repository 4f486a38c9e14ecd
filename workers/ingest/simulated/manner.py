"""How people move, each in their own way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Manner:
    """How somebody moves; factors are on what is usual for their size."""

    cadence: float = 1.0
    arm_swing: float = 1.0
    bounce: float = 1.0
    step_width: float = 1.0
    toe_out: float = 0.12  # radians
    stoop: float = 0.03  # radians that the chest is bent forward
    gaze: float = 0.08  # radians that the head is bent down
    bend: float = 0.3  # radians in the elbows of hanging arms
    limp: float = 0.0  # share by which one step is shorter than the other

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Manner:
        """Somebody's manner; one in twelve limps."""
        return cls(
            cadence=float(np.clip(rng.normal(1, 0.06), 0.85, 1.15)),
            arm_swing=float(rng.uniform(0.5, 1.3)),
            bounce=float(rng.uniform(0.7, 1.3)),
            step_width=float(rng.uniform(0.75, 1.35)),
            toe_out=float(rng.uniform(0.0, 0.25)),
            stoop=float(rng.uniform(-0.02, 0.12)),
            gaze=float(rng.uniform(-0.05, 0.25)),
            bend=float(rng.uniform(0.2, 0.5)),
            limp=float(rng.uniform(0.1, 0.3)) if rng.random() < 1 / 12 else 0.0,
        )
