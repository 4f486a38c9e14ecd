from datetime import UTC, datetime

import pytest

from shared.config import ConfigError, validate
from shared.rules import Rules, Zone, feet

SQUARE = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6))
INSIDE, OUTSIDE = (0.4, 0.4), (0.8, 0.4)
# A Monday, noon in London and one o'clock in Berlin.
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()
HOUR_S = 3600.0


def rules(*zones: dict[str, object], **more: object) -> Rules:
    named = [{"name": f"zone {n}", "polygon": SQUARE, **zone} for n, zone in enumerate(zones)]
    return validate({"zones": named, **more}, Rules, "site.yaml")


def test_equal_rules_have_one_name_and_others_another() -> None:
    assert rules({}).digest == rules({}).digest
    names = {rules().digest, rules({}).digest, rules(shadow=True).digest, rules(primary_threshold=0.9).digest}
    assert len(names) == 4
    assert Rules.model_validate_json(rules({}).document).digest == rules({}).digest


@pytest.mark.parametrize("kind", ["include", "exclude", "mask"])
def test_a_point_is_in_a_polygon_or_beside_it(kind: str) -> None:
    zone = rules({"kind": kind}).zones[0]
    assert zone.holds(INSIDE)
    assert not zone.holds(OUTSIDE)


def test_a_polygon_may_have_a_bay() -> None:
    bay = Zone(name="u", polygon=((0, 0), (1, 0), (1, 1), (0.6, 1), (0.6, 0.4), (0.4, 0.4), (0.4, 1), (0, 1)))
    assert [bay.holds(point) for point in ((0.2, 0.8), (0.5, 0.8), (0.8, 0.8), (0.5, 0.2))] == [
        True, False, True, True,
    ]  # fmt: skip


def test_without_zones_everybody_counts() -> None:
    assert rules().zones_at(OUTSIDE, NOON) == ()


def test_with_a_zone_to_watch_only_those_in_it_count() -> None:
    watched = rules({"name": "till"}, {"name": "door", "polygon": ((0.3, 0.3), (0.9, 0.3), (0.9, 0.9))})
    assert watched.zones_at((0.5, 0.4), NOON) == ("till", "door")
    assert watched.zones_at((0.25, 0.5), NOON) == ("till",)
    assert watched.zones_at((0.1, 0.9), NOON) is None


def test_nobody_counts_in_an_excluded_zone_even_inside_a_watched_one() -> None:
    both = rules({"name": "hall", "polygon": ((0, 0), (1, 0), (1, 1), (0, 1))}, {"kind": "exclude"})
    assert both.zones_at(INSIDE, NOON) is None
    assert both.zones_at(OUTSIDE, NOON) == ("hall",)


def test_masks_hide_and_do_not_limit() -> None:
    masked = rules({"kind": "mask"})
    assert masked.masked([INSIDE, OUTSIDE], NOON) == [True, False]
    assert masked.zones_at(INSIDE, NOON) == ()


def test_a_zone_counts_by_the_sites_clock() -> None:
    hours = ["mon 12:30-14:00"]
    assert rules({"kind": "mask", "hours": hours}).masked([INSIDE], NOON) == [False]
    assert rules({"kind": "mask", "hours": hours}, timezone="Europe/Berlin").masked([INSIDE], NOON) == [True]


def test_where_the_only_watched_zone_sleeps_nobody_counts() -> None:
    asleep = rules({"hours": ["daily 20:00-06:00"]})
    assert asleep.zones_at(INSIDE, NOON) is None
    assert asleep.zones_at(INSIDE, NOON + 12 * HOUR_S) == ("zone 0",)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({"polygon": [[0, 0], [1, 1]]}, "'zone 0' has 2 corners: an area needs at least 3"),
        ({"polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "'zone 0' crosses itself"),
        ({"polygon": [[0, 0], [0.5, 0.5], [1, 1]]}, "'zone 0' has no area"),
        ({"polygon": [[0, 0], [2, 0], [1, 1]]}, "less than or equal to 1"),
        ({"polygon": [[0, 0], ["nan", 0], [1, 1]]}, "polygon"),
        ({"name": "<b>"}, "name"),
        ({"kind": "ignore"}, "'include', 'exclude' or 'mask'"),
        ({"hours": ["daily 25:00-26:00"]}, "hours"),
        ({"hours": ["monday 10:00-12:00"]}, "hours"),
    ],
)
def test_what_is_no_zone_is_refused_in_words(zone: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        rules(zone)


def test_two_zones_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="'till' stands twice"):
        rules({"name": "till"}, {"name": "till"})


def test_an_unknown_timezone_is_refused() -> None:
    with pytest.raises(ConfigError, match="'Europe/Bärlin' is not known"):
        rules(timezone="Europe/Bärlin")


def test_people_stand_where_their_box_ends() -> None:
    assert feet((100, 50, 140, 180), 640, 360) == (120 / 640, 0.5)
    assert feet((100, 50, 140, 500), 640, 360)[1] == 1.0
