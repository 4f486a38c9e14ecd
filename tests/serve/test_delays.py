"""How long stages take, off the stamps of verdicts."""

from __future__ import annotations

from typing import Any

import redis

from shared.messages import Stamp, Verdicts
from tests.serve.conftest import Site
from tests.serve.test_live import add, verdicts
from workers.serve.delays import Delay, Delays


def judged(number: int, captured_at: float, pose_s: float, classify_s: float, **more: Any) -> Verdicts:
    pose = Stamp(stage="pose", read_at=captured_at, done_at=captured_at + pose_s)
    classify = Stamp(stage="classify", read_at=pose.done_at, done_at=pose.done_at + classify_s)
    return verdicts(number, captured_at=captured_at, trail=(pose, classify), **more)


def test_each_stage_is_told_its_own_time_and_the_verdict_all_of_it() -> None:
    delays = Delays()
    for number, pose_s in enumerate((0.1, 0.2, 0.9)):
        delays.push(1000.0 + number, [judged(number, 1000.0, pose_s, 0.05)])
    assert delays.by_stage() == {
        "pose": Delay(0.2, 0.9),
        "classify": Delay(0.05, 0.05),
        "verdict": Delay(0.25, 0.95),
    }


def test_the_same_verdicts_count_once_and_old_ones_no_more() -> None:
    delays = Delays()
    delays.push(0.0, [judged(1, 0.0, 5.0, 0.0)])
    for second in range(1, 70):
        delays.push(float(second), [judged(1, 0.0, 5.0, 0.0)])
    assert delays.by_stage() == {}


def test_clocks_that_differ_make_no_time_negative() -> None:
    delays = Delays()
    delays.push(0.0, [judged(1, 100.0, -2.0, 0.1)])
    assert delays.by_stage()["pose"] == Delay(0.0, 0.0)


def test_the_system_tells_them(site: Site, redis_client: redis.Redis) -> None:
    add(redis_client, "verdicts", 40, judged(40, 1000.0, 0.1, 0.05))
    site.services.observer.look()
    told = site.as_("viewer").get("/api/v1/system").json()["delays"]
    assert list(told) == ["pose", "classify", "verdict"]
    assert told["verdict"] == {"median_s": 0.15, "worst_s": 0.15}


def test_of_a_recording_only_its_way_through_the_stages_counts() -> None:
    delays = Delays()
    recorded = judged(1, 1000.0, 0.25, 0.05).model_copy(update={"captured_at": 0.0})
    delays.push(0.0, [recorded])
    assert delays.by_stage()["verdict"] == Delay(0.3, 0.3)
