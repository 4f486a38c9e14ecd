"""A worker that moves only when told to, and a wire that loses replies: every interleaving can be tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import redis

from shared.bus import Bus
from shared.health import Pulse
from shared.loop.committer import Committer
from shared.loop.reader import Reader
from shared.loop.session import Work
from shared.loop.steps import Steps
from shared.stage import Stage

LEASE_S = 3600.0
_CALLS = frozenset({"eval", "set", "zrem", "xreadgroup", "xrange", "get", "execute"})


@dataclass
class Fate:
    """What happens to a worker's calls: `lose_in` counts down to the one whose reply is lost."""

    dead: bool = False
    lose_in: int = -1

    def meet(self) -> bool:
        """Whether this call's reply is lost."""
        self.lose_in -= 1
        return self.lose_in == 0


class Wire:
    """A redis client (or a pipeline of it) under a fate; reads wait for records only if it `blocks`."""

    def __init__(self, client: Any, fate: Fate, blocks: bool = False) -> None:
        self._client = client
        self._fate = fate
        self._blocks = blocks

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "pipeline":
            return lambda **options: Wire(found(**options), self._fate)
        queues_only = isinstance(self._client, redis.client.Pipeline) and name != "execute"
        return found if name not in _CALLS or queues_only else self._faulty(name, found)

    def _faulty(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*arguments: Any, **options: Any) -> Any:
            if self._fate.dead:
                raise redis.ConnectionError("dead")
            if name == "xreadgroup" and not self._blocks:
                options["block"] = None
            answer = call(*arguments, **options)
            if self._fate.dead:
                raise redis.ConnectionError("dead")
            if self._fate.meet():
                raise redis.TimeoutError("the reply is lost")
            return answer

        return faulty


class SteppedWorker:
    """The parts of `shared.loop.Loop` without its threads; each verb is one turn of one of them."""

    def __init__(self, stage: Stage, client: redis.Redis, cameras: list[str], name: str) -> None:
        self.name = name
        self.fate = Fate()
        self._now = 0.0
        bus = Bus("redis://in-process", client=Wire(client, self.fate))  # type: ignore[arg-type]
        self._steps = Steps(stage)
        pulse = Pulse(stage.name)
        self._reader = Reader(stage, bus, cameras, name, self._prepare, LEASE_S, pulse, clock=self._clock)
        self._committer = Committer(stage, bus)
        self._queues: dict[str, deque[Work]] = {
            name: deque() for name in ("look", "advance", "judge", "commit")
        }

    def read(self, beats: bool = True) -> int:
        if beats:
            self._now += LEASE_S
        works, _rest_s = self._reader.turn()
        self._queues["look"].extend(works)
        return len(works)

    def look(self, count: int) -> None:
        self._pass_on("look", "advance", self._steps.look, count)

    def advance(self, count: int) -> None:
        self._pass_on("advance", "judge", self._steps.advance, count)

    def judge(self, count: int) -> None:
        self._pass_on("judge", "commit", self._steps.judge, count)

    def commit(self, count: int) -> None:
        self._committer.commit(self._take("commit", count))

    def turn(self) -> int:
        """Everything once; returns how many records were read."""
        found = self.read()
        for step in (self.look, self.advance, self.judge, self.commit):
            step(10_000)
        return found

    def _pass_on(self, name: str, following: str, work: Callable[[list[Work]], None], count: int) -> None:
        batch = [work for work in self._take(name, count) if work.session.alive]
        if batch:
            work(batch)
        self._queues[following].extend(batch)

    def _take(self, name: str, count: int) -> list[Work]:
        source = self._queues[name]
        return [source.popleft() for _ in range(min(count, len(source)))]

    def _clock(self) -> float:
        return self._now

    def _prepare(self, camera: str, payload: bytes) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self._steps.prepare(camera, payload))
        except Exception as error:
            future.set_exception(error)
        return future
