"""Passwords are stored as argon2id, and a guess takes as long for nobody as for somebody."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher, Type
from argon2.profiles import RFC_9106_LOW_MEMORY

from tests.serve.conftest import CHEAP
from workers.serve.passwords import Passwords, WeakError, checked_name


def test_a_password_is_its_own_and_no_other() -> None:
    stored = CHEAP.hash("Grüße aus Köln")
    assert stored.startswith("$argon2id$")
    assert CHEAP.verify(stored, "Grüße aus Köln")
    assert not CHEAP.verify(stored, "Grüße aus Bonn")
    assert CHEAP.hash("Grüße aus Köln") != stored, "salted"


def test_the_same_letters_of_another_keyboard_are_the_same_password() -> None:
    assert CHEAP.verify(CHEAP.hash("Gr\u00fc\u00dfe aus K\u00f6ln"), "Gru\u0308\u00dfe aus Ko\u0308ln")


def test_it_is_stored_as_the_authors_of_argon2_advise() -> None:
    assert RFC_9106_LOW_MEMORY.type is Type.ID
    stored = Passwords().hash("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(stored) < 255


@pytest.mark.parametrize("stored", [None, "", "$argon2id$nonsense", "plain"])
def test_nobodys_password_is_never_right(stored: str | None) -> None:
    assert not CHEAP.verify(stored, "anything at all")


def test_a_guess_takes_as_long_for_nobody_as_for_somebody() -> None:
    passwords = Passwords(PasswordHasher(time_cost=4, memory_cost=8192, parallelism=1))
    stored = passwords.hash("correct horse battery")

    def seconds(of: str | None) -> float:
        fastest = []
        for _ in range(5):
            began = time.perf_counter()
            passwords.verify(of, "wrong horse battery")
            fastest.append(time.perf_counter() - began)
        return min(fastest)

    assert 0.5 < seconds(None) / seconds(stored) < 2.0


@pytest.mark.parametrize("password", ["", "short", "x" * 9, "x" * 257])
def test_short_and_endless_passwords_are_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(WeakError, match="10 to 256 characters") as refused:
        CHEAP.hash(password)
    assert not password or password not in str(refused.value)


@pytest.mark.parametrize("name", ["ann", "Ann.B-2_c", "7"])
def test_names_are_letters_digits_and_three_signs(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "<b>", "a b", ".a", "a\n", "ä", "x" * 64, "a\0", "../a"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(WeakError, match="letters"):
        checked_name(name)
