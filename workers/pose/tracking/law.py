"""The numbers of the skeleton tracker: how people move, and what a mismatch costs.

Tuned on simulated scenes (`python -m benchmarks.tracking` says on which seeds, and reports on others).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MotionLaw:
    """A body's movement in the image. Lengths are body heights (h), times seconds.

    Attributes:
        agility: spectral density of acceleration, h²/s³.
        speed: standard deviation of a newcomer's speed, h/s.
        fading_s: after which an unseen person's speed has fallen by e.
        error: standard deviation of a body's place from one detection whose key points are sure.
        weak_error: times that for a detection of score 0.
    """

    agility: float = 1.2
    speed: float = 2.5
    fading_s: float = 1.0
    error: float = 0.02
    weak_error: float = 4.0


@dataclass(frozen=True, kw_only=True)
class CostLaw:
    """What speaks against a detection being a person. Lengths are body heights, times seconds.

    Attributes:
        sharpness: exponent on the confidence of a key point.
        spread: times the OKS sigmas: standard deviation of a key point of somebody who is followed.
        corner_weight: of the corners of boxes, in key points.
        gate: largest mismatch of a pair, however it compares with others.
        doubt: how much a wide guess is less believed than a narrow one, 1 as in a Gaussian.
        looks: of appearances at right angles; `alike` is the cosine from which appearance speaks for a match.
        surprise: of a score of 1 where 0 was expected, or the other way round.
        tentative: of a track that is not confirmed.
        lost: of a track that was lost, however long; `lost_per_s`: for each second.
        weak: of a detection of score 0, falling to none at the high threshold.
        upright: how far top and bottom of a box may be off together for somebody who left the image.
        limit: of all together for a match.
    """

    sharpness: float = 2.0
    spread: float = 1.0
    corner_weight: float = 1.0
    gate: float = 0.95
    doubt: float = 0.5
    looks: float = 3.0
    alike: float = 0.6
    surprise: float = 1.0
    tentative: float = 0.3
    lost: float = 0.2
    lost_per_s: float = 0.05
    weak: float = 0.5
    upright: float = 0.25
    limit: float = 3.0
