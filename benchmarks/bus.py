"""Commits a second, and what the loop makes of them: one embedded server, no pictures, no nets.

    python -m benchmarks.bus [--records 4000]

A commit carries one input, one output and a snapshot of 2 KB, for one camera, then for 16 cameras whose
commits share a round trip. The loop runs a stage that only counts, over one camera and over 16.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from shared import embedded
from shared.bus import Bus, Outcome, Run
from shared.bus.streams import lease_key, state_key
from shared.messages import Frame, Mark, Message, encode
from shared.stage import Stage
from tests.shared import story
from tests.shared.fleet import Worker, wait_until

SNAPSHOT = b"s" * 2048


def prepare(bus: Bus, cameras: list[str], records: int) -> None:
    """Publishes records for every camera, past the bound that a file's source would wait at."""
    size = dict.fromkeys(("width", "height", "source_width", "source_height"), 64)
    for camera in cameras:
        bus.acquire(lease_key("ingest", camera), "source", 600_000)
        bus._redis.hset(state_key("pose", camera), mapping={"read": -records})
        for first in range(0, records, 100):
            outputs = []
            for number in range(first, min(first + 100, records)):
                message = Frame(
                    **{**story.head(camera, number), "generation": "0" * 16, "at": number / 10},
                    **size,
                    monotonic_s=0.0,
                    pts_s=None,
                    crc=0,
                    image=b"x",
                )
                outputs.append((f"{number + 1}-0", encode(message)))
            run = Run(
                stage="ingest",
                camera=camera,
                token="source",
                previous=f"{first}-0",
                last=outputs[-1][0],
                writes="frames",
                outputs=outputs,
            )
            if bus.commit([run]) != [Outcome.DONE]:
                raise RuntimeError("publishing was refused")
        bus._redis.hset(state_key("pose", camera), mapping={"read": 0})


def commits(bus: Bus, cameras: list[str], records: int) -> float:
    """Commits a second, one record each; reading is not counted."""
    spent_s = 0.0
    for camera in cameras:
        bus.acquire(lease_key("pose", camera), "w", 600_000)
        bus.open("pose", camera, "w", "frames")
    for first in range(0, records, 100):
        bus.read("pose", "w", "frames", cameras, 100, 0)
        started_s = time.perf_counter()
        for number in range(first, min(first + 100, records)):
            runs = [
                Run(
                    stage="pose",
                    camera=camera,
                    token="w",
                    previous=f"{number}-0",
                    last=f"{number + 1}-0",
                    reads="frames",
                    inputs=[f"{number + 1}-0"],
                    writes="verdicts",
                    outputs=[(f"{number + 1}-0", b"o" * 200)],
                    snapshot=SNAPSHOT,
                )
                for camera in cameras
            ]
            if set(bus.commit(runs)) != {Outcome.DONE}:
                raise RuntimeError("a commit was refused")
        spent_s += time.perf_counter() - started_s
    return records * len(cameras) / spent_s


def counting_stage() -> Stage[Message, None, story.Chain, Message]:
    """Counts, with a snapshot of 2 KB."""

    def advance(state: story.Chain, item: Message, _seen: None) -> tuple[story.Chain, Message]:
        fields = {name: getattr(item, name) for name in story.head("", 0)}
        state = state.after(item.number)
        return state, Mark(**fields, reason=str(state.value))

    return Stage(
        name="pose",
        reads="frames",
        writes="verdicts",
        settings="s",
        initial=lambda _camera, _generation: story.Chain(),
        advance=advance,
        dump=lambda state: SNAPSHOT,
        load=lambda data: story.Chain(),
        max_wait_ms=0,
    )


def loop(url: str, bus: Bus, cameras: list[str], records: int) -> float:
    """Records a second through read, prepare, advance, judge and commit."""
    started_s = time.perf_counter()
    worker = Worker(counting_stage(), url, cameras, "w", live=cameras, lease_s=4.0)
    last = f"{records}-0"
    wait_until(
        lambda: all(bus.counters("pose", c).get("cursor") == last for c in cameras), "the loop", worker.check
    )
    spent_s = time.perf_counter() - started_s
    worker.close()
    return records * len(cameras) / spent_s


def main() -> None:
    """Prints one line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=4000, help="in all, spread over the cameras")
    records = parser.parse_args().records
    for name, measure in (("commits", lambda _url, *rest: commits(*rest)), ("loop", loop)):
        for cameras in (["c0"], [f"c{number}" for number in range(16)]):
            with tempfile.TemporaryDirectory() as directory, embedded.running(Path(directory)) as url:
                bus = Bus(url, live=cameras)
                each = records // len(cameras)
                prepare(bus, cameras, each)
                rate = measure(url, bus, cameras, each)
                bus.close()
            print(f"{name:<8} {len(cameras):>2} cameras {rate:>8.0f} records/s")


if __name__ == "__main__":
    main()
