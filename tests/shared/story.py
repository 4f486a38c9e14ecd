"""A source's records, good and bad in every way, and what a fleet must make of them whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from shared.bus import Bus, Outcome, Run
from shared.bus.streams import lease_key, parse_id
from shared.messages import Frame, Mark, Message, encode
from shared.stage import BadInput, Stage

GENERATION_LENGTH = 7
HISTORY_S = 0.35


def kind_of(number: int) -> str:
    """What is the matter with the record of this number; the very first one is bad, too."""
    if number % 31 in (0, 7):
        return "damaged"
    if number % 10 == 4:
        return "mark"
    return {4: "prepare", 8: "look", 11: "advance", 6: "judge"}.get(number % 13, "good")


def head(camera: str, number: int) -> dict[str, Any]:
    return {
        "camera": camera,
        "generation": f"{number // GENERATION_LENGTH:016x}",
        "number": number,
        "at": number % GENERATION_LENGTH / 10,
        "captured_at": 1000.0,
    }


def payload(camera: str, number: int) -> bytes:
    kind = kind_of(number)
    if kind == "damaged":
        return b"\xc1 damaged"
    if kind == "mark":
        return encode(Mark(**head(camera, number), reason=f"mark {number}"))
    size = dict.fromkeys(("width", "height", "source_width", "source_height"), 64)
    return encode(
        Frame(**head(camera, number), **size, monotonic_s=0.0, pts_s=None, crc=0, image=kind.encode())
    )


@dataclass(frozen=True)
class Chain:
    """A state that any lost, doubled or reordered frame would change for good."""

    value: int = 7

    def after(self, number: int) -> Chain:
        return Chain((self.value * 1_000_003 + number) % (2**53))


@dataclass(frozen=True)
class Recent:
    """A state that is a function of the last `HISTORY_S` seconds."""

    value: tuple[int, ...] = ()

    def after(self, number: int) -> Recent:
        at = number % GENERATION_LENGTH / 10
        near = (n for n in self.value if at - n % GENERATION_LENGTH / 10 <= HISTORY_S)
        return Recent((*near, number))


def stage(memory: type[Chain] | type[Recent], max_batch: int = 8, settings: str = "s") -> Stage:
    """Outputs a mark for every frame, whose reason is the state's value, and fails as `kind_of` says."""

    def prepare(message: Message) -> Message:
        if isinstance(message, Frame) and message.image == b"prepare":
            raise BadInput("prepare")
        return message

    def look(items: Sequence[Frame]) -> list[int]:
        if any(item.image == b"look" for item in items):
            raise ZeroDivisionError("look")
        return [item.number for item in items]

    def advance(state: Any, item: Frame, seen: int) -> tuple[Any, Message]:
        if item.image == b"advance":
            raise BadInput("advance")
        state = state.after(seen)
        fields = {name: getattr(item, name) for name in head("", 0)}
        return state, Mark(**fields, reason=f"{item.image.decode()} {state.value}")

    def judge(findings: Sequence[Mark]) -> Sequence[Mark]:
        if any(finding.reason.startswith("judge") for finding in findings):
            raise ZeroDivisionError("judge")
        return findings

    kept = memory is Chain
    return Stage(
        name="pose",
        reads="frames",
        writes="tracks",
        settings=settings,
        initial=lambda _camera, _generation: memory(),
        prepare=prepare,
        look=look,
        advance=advance,
        judge=judge,
        dump=(lambda state: msgpack.packb(state.value)) if kept else None,
        load=(lambda data: Chain(msgpack.unpackb(data))) if kept else None,
        history_s=0.0 if kept else HISTORY_S,
        max_wait_ms=0,
        max_batch=max_batch,
    )


def expected(memory: type[Chain] | type[Recent], count: int) -> tuple[list[tuple[str, str]], list[str]]:
    """(entry id, reason) of every output and the ids of the dead letters, after `count` records."""
    state, outputs, dead = memory(), [], []
    for number in range(count):
        if number % GENERATION_LENGTH == 0:
            state = memory()
        kind, entry_id = kind_of(number), f"{number + 1}-0"
        if kind in ("good", "judge"):
            state = state.after(number)
        if kind == "good":
            outputs.append((entry_id, f"good {state.value}"))
        elif kind == "mark":
            outputs.append((entry_id, f"mark {number}"))
        else:
            dead.append(entry_id)
    return outputs, dead


def publish(bus: Bus, take_lease: Callable[[str, str], object], camera: str, count: int) -> int:
    """Publishes up to `count` records after what is stored, as a source that has just come would.

    Returns:
        How many records the camera has now.
    """
    token = "source:1"
    take_lease(lease_key("ingest", camera), token)
    opened = bus.open("ingest", camera, token)
    if opened is None:
        raise AssertionError("the source's lease was just taken")
    done, _ = parse_id(opened.cursor)
    run = Run(
        stage="ingest",
        camera=camera,
        token=token,
        previous=opened.cursor,
        last=f"{done + count}-0",
        writes="frames",
        outputs=[(f"{n + 1}-0", payload(camera, n)) for n in range(done, done + count)],
    )
    [outcome] = bus.commit([run])
    if outcome not in (Outcome.DONE, Outcome.FULL):
        raise AssertionError(outcome)
    return done + count if outcome is Outcome.DONE else done
