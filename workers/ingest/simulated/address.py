"""Addresses of simulated cameras: `sim://plaza?people=5&fights=2&seed=7&fps=10`."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Literal

from pydantic import Field, ValidationError

from shared.config import Section

SCHEME = "sim"
Name = Literal["plaza", "lobby", "yard", "passage"]


class Address(Section):
    """Which place is seen, from where, who comes in each minute, and when it began."""

    place: Name = Field(description="Where: plaza, lobby, yard or passage.")
    view: int = Field(
        0, ge=0, le=1, description="Which of the place's two cameras; both see the same people."
    )
    light: Literal["day", "night"] = Field("day", description="day or night.")
    people: int = Field(3, ge=0, le=12, description="Who walk, stand about, carry things or exercise.")
    fights: int = Field(0, ge=0, le=4, description="Fights a minute, of two more people each.")
    hugs: int = Field(0, ge=0, le=4, description="Hugs a minute, of two more people each.")
    dances: int = Field(0, ge=0, le=4, description="Dances a minute, of one more person each.")
    seed: int = Field(0, ge=0, lt=1_000_000, description="Another one brings other people.")
    fps: float = Field(10.0, ge=1, le=30, description="Pictures a second.")
    seconds: float | None = Field(
        None, gt=0, le=86_400, description="A recording of so long, as a file is; absent: a live camera."
    )
    start: float = Field(
        0.0,
        ge=0,
        description="Live: wall time (seconds since 1970) of the first picture of all; cameras of one place "
        "that have it in common see the same people at the same time.",
    )

    @property
    def frames(self) -> int | None:
        """How many a recording has; None: a live camera."""
        return None if self.seconds is None else math.ceil(self.seconds * self.fps - 1e-9)


def parse(source: str) -> Address:
    """What an address says.

    Raises:
        ValueError: in one line, which part is wrong and what it may be.
    """
    place, _, query = source.partition("://")[2].partition("?")
    if not re.fullmatch("[A-Za-z0-9_-]*", place):
        raise ValueError(f"'{SCHEME}://' is followed by a place and settings: sim://plaza?people=5&seed=7")
    parts = [setting.partition("=") for setting in query.split("&") if setting]
    if not all(name and value for name, _, value in parts):
        raise ValueError("settings of sim:// are NAME=VALUE, with & between: sim://plaza?people=5&seed=7")
    counts = Counter(name for name, _, _ in parts)
    doubled = sorted(name for name, count in counts.items() if count > 1)
    if doubled:
        raise ValueError(f"sim://: {doubled[0]} is given twice")
    try:
        return Address.model_validate_strings({"place": place, **{name: value for name, _, value in parts}})
    except ValidationError as error:
        raise ValueError(_told(error)) from None


def _told(error: ValidationError) -> str:
    """The first mistake, in words."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        known = ", ".join(field for field in Address.model_fields if field != "place")
        return f"sim://: there is no setting {name!r}: use {known}"
    about = Address.model_fields[name].description
    return f"sim://: {name}: {str(first['msg']).lower()} ({first['input']!r}). {name}: {about}"
