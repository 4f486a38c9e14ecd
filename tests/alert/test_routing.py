"""Who is told of what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.alert.scenes import incident
from workers.alert.config import Route, Routing
from workers.alert.routing import Changes, Routes

USUAL: dict[str, Changes] = {"guards": ("new", "end"), "office": ("new", "update", "end")}
MONDAY_NOON = datetime(2026, 5, 4, 12)
NIGHT = datetime(2026, 5, 4, 23)


def routes(**which: dict[str, Any]) -> Routes:
    return Routes(Routing(routes={name: Route(**route) for name, route in which.items()}), USUAL)


def who(
    to: Routes, change: str = "new", told: tuple[str, ...] = (), moment: datetime = MONDAY_NOON, **more: Any
) -> list[str]:
    return to.channels(more.pop("camera", "yard"), incident(change, **more), moment, told)


def test_without_routes_everybody_is_told_of_everything_as_usual() -> None:
    everybody = ["guards", "office"]
    assert who(routes()) == everybody
    assert who(routes(), "update", told=("guards", "office")) == ["office"]
    assert who(routes(), "end", told=("guards", "office")) == everybody


def test_without_channels_nobody_is_told() -> None:
    assert Routes(Routing(), {}).channels("yard", incident("new"), MONDAY_NOON, ()) == []


def test_a_route_says_of_which_cameras_zones_and_scores() -> None:
    yards = routes(a={"channels": ["guards"], "cameras": ["yard*", "gate_?"]})
    assert who(yards, camera="yard_north") == who(yards, camera="gate_1") == ["guards"]
    assert who(yards, camera="gate_12") == who(yards, camera="back_yard") == []
    till = routes(a={"channels": ["guards"], "zones": ["till", "door"]})
    assert who(till, zones=("door", "aisle")) == ["guards"]
    assert who(till, zones=("aisle",)) == who(till) == []
    sure = routes(a={"channels": ["guards"], "min_score": 0.98})
    assert who(sure, peak_score=0.979, peak_scene_score=0.5) == []
    assert who(sure, peak_score=0.98) == who(sure, peak_scene_score=0.98) == ["guards"]


def test_all_routes_that_fit_count() -> None:
    both = routes(a={"channels": ["guards"], "cameras": ["x"]}, b={"channels": ["guards", "office"]})
    assert who(both) == ["guards", "office"]


def test_hours_are_those_of_the_day_they_began_on() -> None:
    night = routes(a={"channels": ["guards"], "hours": ["sun 22:00-06:00", "mon 22:00-06:00"]})
    assert who(night, moment=NIGHT) == ["guards"]
    assert who(night, moment=datetime(2026, 5, 4, 5, 59)) == ["guards"], "Sunday's night, on Monday morning"
    assert who(night, moment=datetime(2026, 5, 4, 6)) == who(night, moment=MONDAY_NOON) == []
    assert who(night, moment=datetime(2026, 5, 6, 1)) == [], "Tuesday has no such night"


def test_who_was_told_is_told_of_the_end_whatever_has_changed() -> None:
    night = routes(a={"channels": ["guards"], "hours": ["daily 22:00-06:00"], "min_score": 0.9})
    assert who(night, "end", told=("guards",)) == ["guards"]
    assert who(night, "end", told=("guards",), shadow=True) == ["guards"]
    assert who(night, "end") == []


def test_what_comes_to_fit_later_is_told_then_and_once() -> None:
    sure = routes(a={"channels": ["guards"], "min_score": 0.98})
    assert who(sure, "new") == []
    assert who(sure, "update", peak_score=0.99) == ["guards"]
    assert who(sure, "update", told=("guards",), peak_score=0.99) == []


def test_a_route_may_say_which_changes() -> None:
    ends = routes(a={"channels": ["guards", "office"], "changes": ["end"]})
    assert who(ends, "new") == who(ends, "update") == []
    assert who(ends, "end") == ["guards", "office"]


@pytest.mark.parametrize("change", ["new", "update", "end"])
def test_of_what_is_in_shadow_mode_nobody_is_told(change: str) -> None:
    assert who(routes(), change, shadow=True) == []
    assert who(routes(), change) != [] or change == "end"


def test_who_may_be_told_of_a_camera_is_known_without_an_incident() -> None:
    some = routes(
        a={"channels": ["guards"], "cameras": ["yard"], "hours": ["mon 10:00-11:00"]},
        b={"channels": ["office"], "cameras": ["gate"]},
    )
    assert (some.reached("yard"), some.reached("gate"), some.reached("x")) == (["guards"], ["office"], [])


def test_a_route_to_a_channel_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no channel is called 'nobody': there is guards, office"):
        routes(a={"channels": ["nobody"]})
