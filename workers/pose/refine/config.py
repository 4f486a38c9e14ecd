"""The `refine` part of the pose section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.config import Section


class RefineConfig(Section):
    """How key points are steadied over time and what is said of people who are out of sight for a moment."""

    smoothing: Literal["adaptive", "kalman", "one_euro", "none"] = Field(
        "adaptive",
        description="adaptive: a Kalman filter that finds out how people move and how the detector errs; "
        "kalman: one with fixed noise; one_euro: the research document's filter, in body heights.",
    )
    process_noise: float = Field(
        2.0,
        gt=0,
        le=1e4,
        description="kalman: how lively people are, body heights squared / s^3; lower is steadier and later.",
    )
    min_cutoff: float = Field(
        5.0, gt=0, le=100, description="one_euro: Hz at rest; lower is steadier and later."
    )
    beta: float = Field(10.0, ge=0, le=1000, description="one_euro: Hz more for each body height a second.")
    d_cutoff: float = Field(1.0, gt=0, le=100, description="one_euro: Hz of the speed's own filter.")
    fixed_fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="one_euro: count frames at this rate, as the research document does, not by their times.",
    )
    max_missing_s: float = Field(
        1.0, ge=0, le=10, description="People who are not seen are predicted for so long; 0: not at all."
    )
    forget_s: float = Field(3.0, gt=0, le=60, description="A track unseen for so long starts afresh.")

    @model_validator(mode="after")
    def _remembers_whom_it_predicts(self) -> Self:
        if self.forget_s < self.max_missing_s:
            raise ValueError(
                f"forget_s {self.forget_s:g} is below max_missing_s {self.max_missing_s:g}, for which people "
                "are predicted: raise it"
            )
        return self
