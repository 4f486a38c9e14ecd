"""Secrets as they are stored: argon2id of what people choose, SHA-256 of random bits."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
SHORTEST, LONGEST = 10, 256


class WeakError(ValueError):
    """A name or password that may not be used; the text says why, without repeating a password."""


class Passwords:
    """Hashes and verifies passwords.

    Args:
        hasher: argon2id as its authors advise (RFC 9106, 64 MiB); tests take a cheaper one.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # For names that nobody has: a guess at them must take as long as one at any other.
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))

    def make(self) -> tuple[str, str]:
        """A password that nobody guesses, and its stored form."""
        password = secrets.token_urlsafe(15)
        return password, self._hasher.hash(password)

    def hash(self, password: str) -> str:
        """The stored form of a password.

        Raises:
            WeakError: it is too short or too long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise WeakError(f"a password has {SHORTEST} to {LONGEST} characters")
        return self._hasher.hash(_same_everywhere(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one's; takes as long where nothing is stored, and is False."""
        try:
            same = self._hasher.verify(stored or self._nobodys, _same_everywhere(password))
            return same and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def _same_everywhere(password: str) -> str:
    """Keyboards of different systems write the same letter as different characters."""
    return unicodedata.normalize("NFC", password)


def checked_name(name: str) -> str:
    """A name that people and programs may have.

    Raises:
        WeakError: it is none.
    """
    if not NAME.match(name):
        raise WeakError(
            "a name has at most 63 letters, digits, '.', '_' and '-', and begins with a letter or digit"
        )
    return name


def digest(secret: str) -> str:
    """The stored form of random bits: nobody finds 256 of them from their SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()
