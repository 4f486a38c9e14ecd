"""The protocol under random schedules of work and faults, one step at a time, so that failures shrink."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import Bus
from shared.bus.streams import dead_key, lease_key, members_key
from shared.messages import decode
from tests.shared import story
from tests.shared.stepped import SteppedWorker

CAMERAS = ["a", "b"]
Counts = tuple[int, int, int, int]

WORKERS = 3

# Each as often as it is named; `lists` shrinks towards resting.
MOVES = (
    ["rest"]
    + ["publish"] * 10
    + ["work"] * 40
    + ["everything_once"] * 10
    + ["lose_a_reply"] * 6
    + ["kill"] * 4
    + ["stall_past_the_lease"] * 4
    + ["save", "save", "roll_back", "roll_back", "forget_scripts"]
)
few = st.integers(0, 9)
moves = st.tuples(st.sampled_from(MOVES), st.integers(0, WORKERS - 1), st.tuples(few, few, few, few))


class Fleet:
    """Three workers on two cameras; at the end the outputs must be those of an undisturbed run."""

    def __init__(self, client: redis.Redis, memory: type[story.Chain] | type[story.Recent]) -> None:
        self.client = client
        self.client.flushall()
        self.memory = memory
        self.bus = Bus("redis://in-process", client=self.client)
        self.stage = story.stage(memory)
        self.born = 0
        self.workers = [self._worker() for _ in range(WORKERS)]
        self.saved: dict[bytes, tuple[int, bytes]] = {}

    def _worker(self, name: str | None = None) -> SteppedWorker:
        self.born += 1
        return SteppedWorker(self.stage, self.client, CAMERAS, name or f"w{self.born}")

    # --- work ---------------------------------------------------------------------------------------------

    def rest(self, _worker: int, _counts: Counts) -> None:
        pass

    def publish(self, worker: int, counts: Counts) -> None:
        story.publish(self.bus, self.client.set, CAMERAS[worker % len(CAMERAS)], sum(counts) + 1)

    def work(self, worker: int, counts: Counts) -> None:
        """A little of everything: the steps run apart from each other by any distance.

        It seldom looks after its leases, so it often reads, and tries to commit, what is not its own.
        """
        stepped = self.workers[worker]
        stepped.read(beats=sum(counts) % 3 == 0)
        stepped.look(counts[0])
        stepped.advance(counts[1])
        stepped.judge(counts[2])
        stepped.commit(counts[3])

    def everything_once(self, worker: int, _counts: Counts) -> None:
        self.workers[worker].turn()

    # --- faults -------------------------------------------------------------------------------------------

    def lose_a_reply(self, worker: int, counts: Counts) -> None:
        self.workers[worker].fate.lose_in = counts[0] + 1

    def kill(self, worker: int, counts: Counts) -> None:
        """Another one takes its place, under its name or a new one, before or after its leases run out."""
        old = self.workers[worker]
        old.fate.dead = True
        self.workers[worker] = self._worker(old.name if counts[0] % 2 else None)
        if counts[1] % 2:
            self._run_out(old.name)

    def stall_past_the_lease(self, worker: int, _counts: Counts) -> None:
        self._run_out(self.workers[worker].name)

    def save(self, _worker: int, _counts: Counts) -> None:
        keys = list(self.client.scan_iter())
        self.saved = {key: (max(0, self.client.pttl(key)), self.client.dump(key)) for key in keys}

    def roll_back(self, _worker: int, _counts: Counts) -> None:
        """To what was saved last, or to nothing at all."""
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.flushall()
            for key, (ttl_ms, dump) in self.saved.items():
                pipeline.restore(key, ttl_ms, dump)
            pipeline.execute()

    def forget_scripts(self, _worker: int, _counts: Counts) -> None:
        self.client.script_flush()

    def _run_out(self, name: str) -> None:
        for camera in CAMERAS:
            token: Any = self.client.get(lease_key("pose", camera))
            if token and token.decode().startswith(f"{name}:"):
                self.client.delete(lease_key("pose", camera))
        self.client.zrem(members_key("pose"), name)

    # --- what must be true --------------------------------------------------------------------------------

    def finish(self) -> None:
        """The faults end: whoever is still alive must bring everything to its end."""
        for worker in self.workers:
            worker.fate.lose_in = -1
        self.client.delete(members_key("pose"), *(lease_key("pose", camera) for camera in CAMERAS))
        counts = {camera: story.publish(self.bus, self.client.set, camera, 3) for camera in CAMERAS}
        for _ in range(400):
            for worker in self.workers:
                worker.turn()
            if all(self._cursor(camera) == f"{count}-0" for camera, count in counts.items()):
                break
        for camera, count in counts.items():
            self._check(camera, count)

    def _cursor(self, camera: str) -> str:
        return self.bus.counters("pose", camera).get("cursor", "")

    def _check(self, camera: str, count: int) -> None:
        outputs, dead = story.expected(self.memory, count)
        stored = [(i, decode(data).reason) for i, data in self.bus.history("tracks", camera, "-", "+")]
        assert stored == outputs
        letters = [fields[b"id"].decode() for _, fields in self.client.xrange(dead_key(camera))]
        assert letters == dead
        counters = self.bus.counters("pose", camera)
        assert (counters["cursor"], counters["read"]) == (f"{count}-0", str(count))
        assert int(counters.get("added", 0)) == len(outputs)


@pytest.mark.parametrize("memory", [story.Chain, story.Recent])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(schedule=st.lists(moves, min_size=60, max_size=80))
def test_whatever_happens_nothing_is_lost_doubled_or_reordered(
    client: redis.Redis,
    memory: type[story.Chain] | type[story.Recent],
    schedule: list[tuple[str, int, Counts]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)  # thousands of dead letters
    fleet = Fleet(client, memory)
    for move, worker, counts in schedule:
        getattr(fleet, move)(worker, counts)
    fleet.finish()
