"""Wrong passwords cost time, and nothing makes the memory of them grow."""

from __future__ import annotations

import pytest

from workers.serve.limits import LoginLimit, Waits, household


def tries_made(limit: LoginLimit, seconds: float, address: str = "10.0.0.1", name: str = "ann") -> int:
    """How many tries somebody gets who tries as fast as they may."""
    now, made = 0.0, 0
    while now < seconds:
        wait_s = limit.begin(address, name, now)
        made += wait_s == 0
        now += wait_s or 1e-3
    return made


def test_a_few_mistakes_cost_nothing_then_waits_double() -> None:
    waits = Waits(free=3, longest_s=8)
    told = []
    now = 0.0
    for _ in range(8):
        waits.begin("a", now)
        told.append(waits.wait_s("a", now))
        now += told[-1]
    assert told == [0, 0, 1, 2, 4, 8, 8, 8]


def test_a_million_tries_are_refused() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    assert sum(limit.begin("10.0.0.1", "ann", 0.001 * i) == 0 for i in range(1_000_000)) < 20


def test_a_day_of_guessing_gives_an_address_a_hundred_tries_and_a_name_of_many_addresses_a_few_more() -> None:
    assert tries_made(LoginLimit(free=5, longest_s=900), 86_400) < 120
    limit = LoginLimit(free=5, longest_s=900)
    made = sum(
        limit.begin(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", "ann", float(i)) == 0 for i in range(86_400)
    )
    assert made < 86_400 / 60 + 20


def test_tries_at_the_same_moment_are_not_all_free() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    assert [limit.begin("10.0.0.1", "ann", 0.0) == 0 for _ in range(8)] == [True] * 5 + [False] * 3


def test_who_tries_other_names_waits_all_the_same() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    assert sum(limit.begin("10.0.0.1", f"user{i}", 0.0) == 0 for i in range(100)) == 5


def test_an_own_login_in_between_buys_no_more_guesses() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    guesses = 0
    for second in range(1000):
        if limit.begin("10.0.0.1", "mine", float(second)) == 0:
            limit.right("10.0.0.1", "mine")
        guesses += limit.begin("10.0.0.1", "ann", second + 0.5) == 0
    assert guesses < 20


def test_strangers_cannot_lock_somebody_out_of_where_they_were_before() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    assert limit.begin("192.168.1.7", "Ann", 0.0) == 0
    limit.right("192.168.1.7", "Ann")
    for i in range(50):
        limit.begin(f"10.0.0.{i}", "ann", 1.0)
    assert limit.begin("10.0.1.1", "ann", 1.5) > 0
    assert limit.begin("192.168.1.7", "ann", 1.5) == 0


def test_a_right_password_is_forgiven_what_came_before() -> None:
    limit = LoginLimit(free=5, longest_s=900)
    for _ in range(4):
        limit.begin("10.0.0.1", "ann", 0.0)
    assert limit.begin("10.0.0.1", "ann", 0.0) == 0
    limit.right("10.0.0.1", "ann")
    assert limit.begin("10.0.0.2", "ann", 0.0) == 0


def test_mistakes_are_forgotten() -> None:
    waits = Waits(free=1, longest_s=60)
    waits.begin("a", 0.0)
    waits.begin("a", 121.0)
    assert waits.wait_s("a", 121.0) == 1.0


def test_memory_stays_flat() -> None:
    waits = Waits(free=5, longest_s=900)
    for i in range(30_000):
        waits.begin(str(i), 0.0)
    assert len(waits) == 10_000


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("", ""),
    ],
)
def test_whoever_has_one_address_of_ipv6_has_all_of_its_network(address: str, one: str) -> None:
    assert household(address) == one
