"""The `incidents` section of a site file."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.config import Section


class IncidentsConfig(Section):
    """How verdicts become incidents."""

    confirm_violent: int = Field(
        3, ge=1, le=20, description="Violent votes that confirm an incident, among the last `confirm_of`."
    )
    confirm_of: int = Field(
        5,
        ge=1,
        le=20,
        description="How many of a group's last votes are looked at. Each step in which somebody of it is "
        "judged gives one vote.",
    )
    scene_counts: bool = Field(
        True,
        description="A scene's VIOLENCE without anybody's own is a violent vote for those who carried it.",
    )
    hysteresis: float = Field(
        0.15,
        ge=0,
        le=0.9,
        description="A score down to this far below the primary's threshold keeps an open incident going.",
    )
    end_after_s: float = Field(
        4.0, ge=0.5, le=60, description="An incident ends so long after the last verdict that kept it going."
    )
    cooldown_s: float = Field(
        15.0,
        ge=0,
        le=600,
        description="Seconds after an end in which the same people or the same place give no new incident.",
    )
    update_s: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Seconds between two updates of an incident, unless people join it or its peak rises.",
    )
    merge_distance: float = Field(
        1.5,
        ge=0,
        le=20,
        description="Boxes no further apart than this, in body heights, are one place.",
    )
    merge_s: float = Field(
        4.0, ge=0, le=60, description="Seconds for which a place of violence is remembered as such."
    )

    @model_validator(mode="after")
    def _can_be_confirmed(self) -> Self:
        if self.confirm_violent > self.confirm_of:
            raise ValueError(
                f"confirm_violent {self.confirm_violent} of confirm_of {self.confirm_of} votes can never be: "
                "lower the first"
            )
        return self
