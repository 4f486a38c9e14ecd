"""Parts of the week, as people write them: `mon-fri 18:00-07:00`, `daily 22:00-06:00`."""

from __future__ import annotations

import functools
import re
from datetime import datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"({'|'.join(DAYS)})"
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_WRITTEN = re.compile(rf"(daily|{_DAY}(-{_DAY})?(,{_DAY}(-{_DAY})?)*) {_CLOCK}-({_CLOCK}|24:00)")
_MINUTES_A_DAY = 24 * 60
_WEEK = 7 * _MINUTES_A_DAY

HOURS_WORDS = (
    "as 'mon-fri 18:00-07:00', 'sat,sun 00:00-24:00' or 'daily 22:00-06:00' by the site's clock; after "
    "midnight it is still the day that it began on"
)


def _well_written(hours: str) -> str:
    if not _WRITTEN.fullmatch(hours):
        raise ValueError(f"{hours!r} is no part of a week: write it {HOURS_WORDS.partition(';')[0]}")
    return hours


Hours = Annotated[str, Field(max_length=64), AfterValidator(_well_written)]


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not known: write one as Europe/Berlin, America/Chicago or UTC"
        ) from None
    return name


Timezone = Annotated[str, Field(max_length=64), AfterValidator(_known)]


def hold(hours: Hours, moment: datetime) -> bool:
    """Whether a moment of the site's clock is in a part of the week."""
    minute = (moment.weekday() * 24 + moment.hour) * 60 + moment.minute
    return any(first <= at < end for first, end in _spans(hours) for at in (minute, minute + _WEEK))


@functools.lru_cache(64)
def clock(timezone: Timezone) -> tzinfo:
    """The clock of a time zone."""
    return ZoneInfo(timezone)


@functools.lru_cache(256)
def _spans(hours: Hours) -> tuple[tuple[int, int], ...]:
    """Minutes of a week, [from, to) from Monday 00:00 on; an end may lie beyond the week's last minute."""
    days, _, times = hours.partition(" ")
    begin, end = (int(hour) * 60 + int(minute) for hour, minute in re.findall(r"(\d\d):(\d\d)", times))
    length = end - begin if end > begin else end + _MINUTES_A_DAY - begin
    return tuple((day * _MINUTES_A_DAY + begin, day * _MINUTES_A_DAY + begin + length) for day in _days(days))


def _days(text: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    found = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, stop = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(start, stop + 1 if stop >= start else stop + 8)}
    return sorted(found)
