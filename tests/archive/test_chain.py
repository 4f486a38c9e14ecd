"""A chain shows every change of a log but the loss of its end, and that one to who noted a head."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import tracemalloc
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.archive.chain import (
    MAX_LINE_BYTES,
    START,
    Kind,
    Mistake,
    Report,
    head_of,
    join,
    link,
    split,
    verify,
)

KEY = b"a key of the site"
KEYS = st.sampled_from([b"", KEY])
OBJECTS = st.dictionaries(st.text(min_size=1), st.integers() | st.text(), min_size=1, max_size=3)
BODIES = OBJECTS.map(lambda fields: json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode())


def body(number: int) -> bytes:
    return b'{"id":"%d-0"}' % number


def chained(bodies: Sequence[bytes], key: bytes, head: str = START) -> list[bytes]:
    lines = []
    for one in bodies:
        head = link(key, head, one)
        lines.append(join(one, head) + b"\n")
    return lines


def cut(data: bytes) -> list[bytes]:
    return io.BytesIO(data).readlines()


def untouched(report: Report, lines: Sequence[bytes]) -> bool:
    return report.mistake is None and not report.torn and report.lines == len(lines)


def head(line: bytes) -> str:
    found = split(line[:-1])
    assert found is not None
    return found.chain


def wrong_line(lines: Sequence[bytes], key: bytes) -> int:
    mistake = verify(lines, key).mistake
    return mistake.line if mistake else 0


def test_a_chain_is_the_hash_of_the_one_before_and_of_the_body() -> None:
    sealed = START.encode() + body(1)
    assert link(b"", START, body(1)) == hashlib.sha256(sealed).hexdigest()
    assert link(KEY, START, body(1)) == hmac.new(KEY, sealed, "sha256").hexdigest()


@given(BODIES, KEYS)
def test_a_line_is_the_object_with_its_chain_as_the_last_field(one: bytes, key: bytes) -> None:
    chain = link(key, START, one)
    line = join(one, chain)
    assert split(line) == (one, chain)
    assert list(json.loads(line).items())[-1] == ("chain", chain)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        body(1),
        join(body(1), "A" * 64),
        join(body(1), "0" * 63),
        join(body(1), START)[:-1],
        join(body(1), START) + b" ",
    ],
)
def test_what_does_not_end_with_a_chain_has_none(line: bytes) -> None:
    assert split(line) is None


@given(st.lists(BODIES, max_size=5), KEYS)
def test_an_untouched_log_is_good(bodies: list[bytes], key: bytes) -> None:
    lines = chained(bodies, key)
    report = verify(lines, key)
    assert untouched(report, lines)
    assert (report.first, report.last) == ((bodies[0], bodies[-1]) if bodies else (b"", b""))
    assert report.head == (head(lines[-1]) if lines else START)


@given(st.lists(BODIES, min_size=1, max_size=4), KEYS, st.data())
def test_any_change_of_any_byte_is_found(bodies: list[bytes], key: bytes, data: st.DataObject) -> None:
    lines = chained(bodies, key)
    log = bytearray(b"".join(lines))
    place = data.draw(st.integers(0, len(log) - 1))
    log[place] ^= data.draw(st.integers(1, 255))
    report = verify(cut(bytes(log)), key)
    assert not untouched(report, lines)
    # A last line without its line break is one that is still being written.
    assert report.torn or report.mistake is not None
    assert not report.torn or place >= len(log) - len(lines[-1])
    wrong = bytes(log[:place]).count(b"\n") + 1
    assert report.mistake is None or report.mistake.line == wrong


@given(st.lists(BODIES, min_size=2, max_size=6), KEYS, st.data())
def test_a_removed_line_is_found(bodies: list[bytes], key: bytes, data: st.DataObject) -> None:
    lines = chained(bodies, key)
    place = data.draw(st.integers(0, len(lines) - 2))
    del lines[place]
    assert wrong_line(lines, key) == place + 1


@given(st.lists(BODIES, min_size=2, max_size=6), KEYS, st.data())
def test_two_exchanged_lines_are_found(bodies: list[bytes], key: bytes, data: st.DataObject) -> None:
    lines = chained(bodies, key)
    first, second = sorted(
        data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True))
    )
    lines[first], lines[second] = lines[second], lines[first]
    assert wrong_line(lines, key) == first + 1


@given(st.lists(BODIES, min_size=1, max_size=5), BODIES, KEYS, st.data())
def test_an_inserted_line_is_found(
    bodies: list[bytes], alien: bytes, key: bytes, data: st.DataObject
) -> None:
    lines = chained(bodies, key)
    place = data.draw(st.integers(0, len(lines)))
    # One of its own, said again, or one with a chain that somebody made up, or one without.
    new = data.draw(st.sampled_from([lines[0], join(alien, "ab" * 32) + b"\n", alien + b"\n"]))
    lines.insert(place, new)
    # Of what stands there twice in a row, the second one is wrong.
    assert wrong_line(lines, key) == place + 1 + (place == 0 and new == lines[1])


@given(st.lists(BODIES, min_size=1, max_size=6), BODIES, st.data())
def test_a_chain_computed_anew_without_the_key_is_found(
    bodies: list[bytes], forged: bytes, data: st.DataObject
) -> None:
    lines = chained(bodies, KEY)
    place = data.draw(st.integers(0, len(lines) - 1))
    before = head(lines[place - 1]) if place else START
    lines[place:] = chained([forged, *bodies[place + 1 :]], b"", before)
    assert verify(lines, KEY).mistake == Mistake(place + 1, "no key")


@given(st.lists(BODIES, min_size=1, max_size=4), KEYS, st.data())
def test_a_log_that_is_being_written_is_good_up_to_its_last_whole_line(
    bodies: list[bytes], key: bytes, data: st.DataObject
) -> None:
    log = b"".join(chained(bodies, key))
    written = log[: data.draw(st.integers(0, len(log)))]
    report = verify(cut(written), key)
    assert report.mistake is None
    assert report.lines == written.count(b"\n")
    assert report.torn == (not written.endswith(b"\n") and written != b"")


def test_a_log_without_its_end_is_good_but_does_not_hold_the_head_that_was_noted() -> None:
    lines = chained([body(number) for number in range(5)], KEY)
    noted = head(lines[3])
    assert verify(lines, KEY, {noted, "f" * 64, START}).found == {noted: 4, START: 0}
    report = verify(lines[:3], KEY, {noted})
    assert report.mistake is None
    assert report.found == {}


LINES = chained([body(number) for number in range(6)], KEY)
OTHER = chained([body(9)], KEY, "ab" * 32)


@pytest.mark.parametrize(
    ("lines", "line", "kind"),
    [
        pytest.param([*LINES[:2], LINES[2].replace(b"2-0", b"2-1"), *LINES[3:]], 3, "changed", id="changed"),
        pytest.param([*LINES[:5], LINES[5].replace(b"5-0", b"5-1")], 6, "changed", id="the last one changed"),
        pytest.param(LINES[2:], 1, "changed", id="the first ones removed"),
        pytest.param([*LINES[:2], *LINES[4:]], 3, "changed", id="removed"),
        pytest.param([*LINES[:3], *OTHER, *LINES[3:]], 4, "inserted", id="inserted"),
        pytest.param([*LINES[:3], LINES[2], *LINES[3:]], 4, "inserted", id="said twice"),
        pytest.param([*LINES[:2], LINES[3], LINES[2], *LINES[4:]], 3, "inserted", id="neighbours exchanged"),
        pytest.param([LINES[0], LINES[4], *LINES[2:4], LINES[1], LINES[5]], 2, "foreign", id="exchanged"),
        pytest.param(chained([body(1), body(2)], b"another"), 1, "foreign", id="another key"),
        pytest.param(chained([body(1)], b"another"), 1, "foreign", id="another key, one line"),
        pytest.param([*LINES[:4], b"\x00\n", *LINES[4:]], 5, "no chain", id="damaged"),
        pytest.param([*LINES[:4], b"\n", *LINES[4:]], 5, "no chain", id="an empty line"),
        pytest.param([*LINES[:4], LINES[4][:-1], *LINES[5:]], 5, "too long", id="no line break"),
        pytest.param([b"x" * MAX_LINE_BYTES, b"x\n"], 1, "too long", id="too long"),
    ],
)
def test_a_mistake_is_told_by_its_line_and_kind(lines: list[bytes], line: int, kind: Kind) -> None:
    report = verify(lines, KEY)
    assert report.mistake == Mistake(line, kind)
    assert report.lines == line - 1


def test_a_log_goes_on_from_its_last_line_with_a_chain() -> None:
    whole = [line[:-1] for line in LINES]
    assert head_of(whole) == head(LINES[-1])
    assert head_of([*whole[:3], b"\x00", body(7), b""]) == head(LINES[2])
    assert head_of([b"\x00", body(7)]) == START


def test_a_log_of_any_length_is_followed_in_constant_memory() -> None:
    def lines(count: int) -> Iterator[bytes]:
        chain = START
        for number in range(count):
            one = b'{"id":"%d-0","x":"%b"}' % (number, b"x" * 1000)
            chain = link(KEY, chain, one)
            yield join(one, chain) + b"\n"

    tracemalloc.start()
    try:
        assert verify(lines(5000), KEY).lines == 5000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000
