"""A toy fleet for the protocol's tests, fast enough to be killed a thousand times."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import msgpack

from shared.bus import Bus, Run
from shared.loop import Loop
from shared.messages import Frame, Mark, Message, encode
from shared.stage import BadInput, Stage

GENERATION = "00000000000000aa"


def frame(camera: str, number: int, image: bytes = b"x") -> Frame:
    """A frame whose image nobody opens."""
    return Frame(
        camera=camera,
        generation=GENERATION,
        number=number,
        at=number / 10,
        captured_at=1000.0 + number / 10,
        monotonic_s=0.0,
        pts_s=None,
        width=64,
        height=64,
        source_width=64,
        source_height=64,
        crc=0,
        image=image,
    )


def end(camera: str, number: int) -> Mark:
    """The last record of a file."""
    return Mark(
        camera=camera,
        generation=GENERATION,
        number=number,
        at=number / 10,
        captured_at=0.0,
        final=True,
        reason="end",
    )


@dataclass(frozen=True)
class Chain:
    """A state that any lost, doubled or reordered frame would change for good."""

    value: int = 7
    frames: int = 0

    def after(self, number: int) -> Chain:
        return Chain((self.value * 1_000_003 + number) % (2**53), self.frames + 1)


def chain_stage(
    name: str = "pose", reads: str = "frames", writes: str = "tracks", settings: str = "s"
) -> Stage:
    """Outputs a mark for every frame, whose reason is the chain's value; refuses images b"bad"."""

    def prepare(message: Message) -> Message:
        if isinstance(message, Frame) and message.image == b"bad":
            raise BadInput("image is bad")
        return message

    def advance(state: Chain, item: Message, _seen: None) -> tuple[Chain, Message]:
        state = state.after(item.number)
        fields = {
            name: getattr(item, name) for name in ("camera", "generation", "number", "at", "captured_at")
        }
        return state, Mark(**fields, reason=f"{state.value} {state.frames}")

    return Stage(
        name=name,
        reads=reads,
        writes=writes,
        settings=settings,
        initial=lambda _camera, _generation: Chain(),
        prepare=prepare,
        advance=advance,
        dump=lambda state: msgpack.packb([state.value, state.frames]),
        load=lambda data: Chain(*msgpack.unpackb(data)),
        max_wait_ms=0,
    )


def expected(numbers: list[int]) -> list[str]:
    """The reasons of the chain stage's outputs over these frames."""
    chain, reasons = Chain(), []
    for number in numbers:
        chain = chain.after(number)
        reasons.append(f"{chain.value} {chain.frames}")
    return reasons


def publish(bus: Bus, camera: str, messages: list[Message], previous: str = "0-0") -> str:
    """Puts messages on `frames` as ingest would, ids from the frame numbers; returns the cursor."""
    token = "test:source"
    bus.acquire(f"ingest:lease:{{cam:{camera}}}", token, 60_000)
    for message in messages:
        entry_id = f"{message.number + 1}-0"
        run = Run(
            stage="ingest",
            camera=camera,
            token=token,
            previous=previous,
            last=entry_id,
            writes="frames",
            outputs=[(entry_id, encode(message))],
        )
        [outcome] = bus.commit([run])
        if outcome.value != "DONE":
            raise AssertionError(outcome)
        previous = entry_id
    return previous


class Worker:
    """A loop in a thread, to be stopped or abandoned."""

    def __init__(self, stage: Stage, bus: Bus, cameras: list[str], name: str) -> None:
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self._loop = Loop(stage, bus, cameras, name)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run(self.stop)
        except Exception as error:
            self.error = error

    def close(self) -> None:
        self.stop.set()
        self._thread.join(10)
