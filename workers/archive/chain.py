"""The chain of a verdict log: each line seals the one before it, so that none is changed unnoticed.

A line is a JSON object whose last field, `chain`, is 64 hex digits: the HMAC-SHA256, or without a key the
SHA-256, of the chain before it and of the object without that field, byte for byte. Before the first line it
is 64 zeros. What was cut off at the end leaves no trace here: that takes a chain noted elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

START = "0" * 64
# Far more than the verdicts of one step take.
MAX_LINE_BYTES = 2**24

# changed: the next line goes on from it, but it does not from the line before; a line changed and lines
#     removed before it look the same.
# inserted: the next line goes on from the line before it.
# foreign: neither; lines were exchanged, several changed, or all of it has another key.
Kind = Literal["changed", "inserted", "foreign", "no key", "no chain", "too long"]

_FIELD = re.compile(rb',"chain":"([0-9a-f]{64})"\}')
_FIELD_BYTES = len(b',"chain":""}') + len(START)


class Link(NamedTuple):
    """A line taken apart: the object as it was before its chain was added, and the chain."""

    body: bytes
    chain: str


@dataclass(frozen=True)
class Mistake:
    """The first line, counted from 1, that does not go on from the one before it."""

    line: int
    kind: Kind


@dataclass(frozen=True)
class Report:
    """What a log's chain says.

    Attributes:
        lines: how many go on from one another, from the first on.
        first, last: the bodies of the first and last of these; empty if there are none.
        head: the chain of the last of these.
        torn: the log ends within a line: it is being written, or a crash left it so.
        found: those of the expected heads that are chains of these lines -> the line; 0: before the first.
        mistake: what comes after these lines, if it is wrong.
    """

    lines: int
    first: bytes
    last: bytes
    head: str
    torn: bool
    found: Mapping[str, int]
    mistake: Mistake | None


def link(key: bytes, previous: str, body: bytes) -> str:
    """The chain of a line: 64 hex digits.

    Args:
        key: the secret; empty: none.
        previous: the chain of the line before it, or `START`.
        body: the line's JSON object without its chain.
    """
    sealed = previous.encode("ascii") + body
    return hmac.digest(key, sealed, "sha256").hex() if key else hashlib.sha256(sealed).hexdigest()


def join(body: bytes, chain: str) -> bytes:
    """The line, without its line break; `body` is a JSON object that is not empty."""
    return b'%b,"chain":"%b"}' % (body[:-1], chain.encode("ascii"))


def split(line: bytes) -> Link | None:
    """The parts of a line without its line break; None if it does not end with a chain."""
    field = _FIELD.fullmatch(line[-_FIELD_BYTES:])
    return Link(line[:-_FIELD_BYTES] + b"}", field[1].decode("ascii")) if field else None


def head_of(lines: Iterable[bytes]) -> str:
    """The chain that a log goes on from whose last lines these are, without line breaks.

    Damaged lines are passed over. Where all are, it begins anew: what is before them is told of as wrong.
    """
    head = START
    for line in lines:
        found = split(line)
        head = found.chain if found else head
    return head


def verify(lines: Iterable[bytes], key: bytes, expected: Collection[str] = ()) -> Report:
    """Follows a log's chain up to the first mistake, in constant memory.

    Args:
        lines: each with its line break; one without it that is not the last counts as too long.
        key: the secret; empty: none.
        expected: heads to look for.
    """
    source = iter(lines)
    count, first, last, head = 0, b"", b"", START
    found = {START: 0} if START in expected else {}
    torn, mistake = False, None
    for line in source:
        entry = _entry(line)
        if entry is None or link(key, head, entry.body) != entry.chain:
            after = next(source, b"")
            torn = not after and not line.endswith(b"\n")
            mistake = None if torn else Mistake(count + 1, _kind(key, head, line, after))
            break
        count += 1
        first, last, head = first or entry.body, entry.body, entry.chain
        if head in expected:
            found[head] = count
    return Report(count, first, last, head, torn, found, mistake)


def _entry(line: bytes) -> Link | None:
    return split(line[:-1]) if line.endswith(b"\n") else None


def _kind(key: bytes, head: str, line: bytes, after: bytes) -> Kind:
    """What is wrong with a line that does not go on from `head`; `after` is the line after it, if any."""
    if not line.endswith(b"\n"):
        return "too long"
    entry, following = _entry(line), _entry(after)
    if entry is None:
        return "no chain"
    if key and link(b"", head, entry.body) == entry.chain:
        return "no key"
    if following is None:
        return "foreign" if head == START else "changed"
    if link(key, head, following.body) == following.chain:
        return "inserted"
    return "changed" if link(key, entry.chain, following.body) == following.chain else "foreign"
