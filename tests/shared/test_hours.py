from datetime import datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.hours import Hours, hold

# A Monday, and the Sunday before it.
MONDAY, SUNDAY = 5, 4


def at(day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 1, day, hour, minute)


@pytest.mark.parametrize(
    ("hours", "day", "inside", "outside"),
    [
        ("daily 00:00-24:00", MONDAY, ["00:00", "12:00", "23:59"], []),
        ("daily 00:00-00:00", MONDAY, ["00:00", "12:00", "23:59"], []),
        ("mon-fri 08:00-12:00", MONDAY, ["08:00", "11:59"], ["07:59", "12:00"]),
        ("daily 22:00-06:00", MONDAY, ["22:00", "00:00", "05:59"], ["06:00", "21:59"]),
        # The night from Sunday to Monday is Sunday's.
        ("sun 22:00-06:00", MONDAY, ["00:00", "05:59"], ["06:00", "22:00"]),
        ("mon 22:00-06:00", MONDAY, ["22:00", "23:59"], ["00:00", "05:59"]),
        ("sat,sun 10:00-18:00", SUNDAY, ["10:00"], ["09:59"]),
        ("fri-mon 10:00-18:00", SUNDAY, ["10:00"], []),
        ("tue-thu,sat 00:00-24:00", MONDAY, [], ["00:00", "12:00"]),
    ],
)
def test_hours_of_a_day(hours: str, day: int, inside: list[str], outside: list[str]) -> None:
    assert [clock for clock in (*inside, *outside) if hold(hours, at(day, clock))] == inside


@pytest.mark.parametrize(
    "hours",
    ["", "mon", "monday 10:00-12:00", "mon 9:00-12:00", "mon 25:00-26:00", "mon 10:00-12:00 ", "22:00"],
)
def test_what_are_no_hours_is_refused(hours: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Hours).validate_python(hours)
