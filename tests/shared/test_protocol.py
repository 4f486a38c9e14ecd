"""A whole fleet under faults: whatever happens, the outputs are those of an undisturbed run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import redis

from shared import embedded
from shared.bus import Bus, BusError
from shared.bus.streams import lease_key
from tests.shared import story
from tests.shared.fleet import (
    LEASE_S,
    Source,
    Worker,
    assert_undisturbed,
    finished,
    process,
    wait_until,
)
from tests.shared.proxy import LossyProxy

COUNTS = {"a": 260, "b": 160, "c": 80}
CAMERAS = list(COUNTS)

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A story has hundreds of dead letters."""
    caplog.set_level("CRITICAL")


@contextmanager
def story_told(
    url: str, memory: type[story.Chain] | type[story.Recent] = story.Chain, counts: dict[str, int] = COUNTS
) -> Iterator[list[Worker]]:
    """Sources publish while the block lasts, then the listed workers must bring everything to its end."""
    workers: list[Worker] = []
    with closing(Bus(url)) as bus, closing(Source(url, counts)):
        yield workers

        def check() -> None:
            for worker in workers:
                worker.check()

        wait_until(finished(bus, counts), "all records to be committed", check)
    for worker in workers:
        worker.close()
    assert_undisturbed(url, counts, memory)


def stage(memory: type[story.Chain] | type[story.Recent] = story.Chain) -> story.Stage:
    return story.stage(memory)


def progress(url: str, camera: str) -> int:
    """Records that pose has committed; -1 while the server is away."""
    with closing(Bus(url)) as bus:
        try:
            return int(bus.counters("pose", camera).get("read", 0))
        except BusError:
            return -1


def owners(url: str, cameras: list[str] = CAMERAS) -> list[str]:
    with closing(Bus(url)) as bus:
        return [bus.owner("pose", camera) for camera in cameras]


@pytest.mark.parametrize("memory", [story.Chain, story.Recent])
def test_without_faults_a_fleet_tells_the_whole_story(
    server: str, memory: type[story.Chain] | type[story.Recent]
) -> None:
    with story_told(server, memory) as workers:
        workers += [Worker(stage(memory), server, CAMERAS, name) for name in ("w1", "w2")]


@pytest.mark.parametrize(
    ("memory", "share"), [(story.Chain, 0.02), (story.Chain, 0.05), (story.Recent, 0.05)]
)
def test_lost_replies_of_reads_and_commits_change_nothing(
    server: str, memory: type[story.Chain] | type[story.Recent], share: float
) -> None:
    with LossyProxy(server, share, seed=7) as proxy:
        with story_told(server, memory) as workers:
            workers += [Worker(stage(memory), proxy.url, CAMERAS, name) for name in ("w1", "w2")]
            wait_until(lambda: proxy.lost >= 3, "replies to be lost")
        assert proxy.lost >= 3


def test_cut_connections_change_nothing(server: str) -> None:
    with LossyProxy(server, 0.0) as proxy, story_told(server) as workers:
        workers += [Worker(stage(), proxy.url, CAMERAS, name) for name in ("w1", "w2")]
        for _ in range(10):
            time.sleep(0.05)
            proxy.cut()


@pytest.mark.parametrize("memory", [story.Chain, story.Recent])
def test_workers_that_crash_at_random_moments_change_nothing(
    server: str, memory: type[story.Chain] | type[story.Recent]
) -> None:
    dice = random.Random(3)
    crashed = []
    with story_told(server, memory) as workers:
        workers += [Worker(stage(memory), server, CAMERAS, f"w{i}") for i in range(2)]
        for life in range(8):
            time.sleep(dice.uniform(0.05, 0.4))
            victim = workers.pop(dice.randrange(len(workers)))
            victim.kill()
            crashed.append(victim)
            # Some come back under their old name, while their old leases still run.
            name = victim.name if life % 2 else f"again{life}"
            workers.append(Worker(stage(memory), server, CAMERAS, name))
    for worker in crashed:
        worker.join()


def test_a_process_that_is_killed_changes_nothing(server: str) -> None:
    with story_told(server) as workers:
        with process(server, CAMERAS, "victim"):
            wait_until(lambda: progress(server, "a") > 0, "the process to work")
        workers.append(Worker(stage(), server, CAMERAS, "w"))


def test_a_process_that_stalls_past_its_lease_changes_nothing(server: str) -> None:
    with story_told(server) as workers, process(server, CAMERAS, "staller") as staller:
        wait_until(lambda: progress(server, "a") > 0, "the process to work")
        staller.send_signal(signal.SIGSTOP)
        workers.append(Worker(stage(), server, CAMERAS, "w"))
        wait_until(lambda: owners(server) == ["w"] * 3, "the cameras to move")
        staller.send_signal(signal.SIGCONT)
        time.sleep(LEASE_S)


def test_a_process_that_is_told_to_stop_gives_its_cameras_back(server: str) -> None:
    with process(server, CAMERAS, "leaver") as leaver:
        wait_until(lambda: owners(server) == ["leaver"] * 3, "the process to own all")
        leaver.terminate()
        assert leaver.wait(20) == 0
        assert owners(server) == [""] * 3


def test_a_worker_that_joins_gets_its_share_and_leaves_it_behind(server: str) -> None:
    cameras = [*CAMERAS, "d"]
    with story_told(server) as workers:
        workers.append(Worker(stage(), server, cameras, "first"))
        wait_until(lambda: owners(server, cameras) == ["first"] * 4, "the first to own all")
        second = Worker(stage(), server, cameras, "second")
        wait_until(lambda: sorted(owners(server, cameras)) == ["first"] * 2 + ["second"] * 2, "a fair share")
        second.close()
        wait_until(lambda: owners(server, cameras) == ["first"] * 4, "the first to own all again")


def test_more_workers_than_cameras_are_idle_without_churn(server: str) -> None:
    with story_told(server) as workers:
        workers += [Worker(stage(), server, CAMERAS, f"w{i}") for i in range(5)]
        wait_until(lambda: "" not in owners(server), "every camera to be owned")
        time.sleep(LEASE_S)
        settled = owners(server)
        assert len(set(settled)) == 3
        time.sleep(LEASE_S)
        assert owners(server) == settled


def test_two_workers_of_one_name_change_nothing(server: str) -> None:
    with story_told(server) as workers:
        workers += [Worker(stage(), server, CAMERAS, "twin") for _ in range(2)]


def test_a_stolen_lease_changes_nothing(server: str, client: redis.Redis) -> None:
    dice = random.Random(5)
    with story_told(server) as workers:
        workers += [Worker(stage(), server, CAMERAS, name) for name in ("w1", "w2")]
        for _ in range(15):
            time.sleep(dice.uniform(0.0, 0.1))
            client.delete(lease_key("pose", dice.choice(CAMERAS)))


def test_forgotten_scripts_change_nothing(server: str, client: redis.Redis) -> None:
    with story_told(server) as workers:
        workers.append(Worker(stage(), server, CAMERAS, "w"))
        for _ in range(10):
            time.sleep(0.02)
            client.script_flush()


@pytest.mark.parametrize("memory", [story.Chain, story.Recent])
def test_a_flushed_server_starts_the_story_from_its_first_record(
    server: str, client: redis.Redis, memory: type[story.Chain] | type[story.Recent]
) -> None:
    with story_told(server, memory) as workers:
        workers += [Worker(stage(memory), server, CAMERAS, name) for name in ("w1", "w2")]
        for _ in range(2):
            wait_until(lambda: progress(server, "a") > 50, "some of the story to be told")
            client.flushall()


def test_an_older_dump_restored_under_running_workers_changes_nothing(
    server: str, client: redis.Redis
) -> None:
    with story_told(server) as workers:
        workers += [Worker(stage(), server, CAMERAS, name) for name in ("w1", "w2")]
        for goal in (20, 80):
            wait_until(lambda: progress(server, "a") > goal, "some of the story to be told")  # noqa: B023
            with client.pipeline(transaction=True) as pipeline:
                # All at once: a camera's state and streams belong together.
                keys = [key for key in client.keys("*") if b":lease:" not in key]
                for key in keys:
                    pipeline.dump(key)
                old = dict(zip(keys, pipeline.execute(), strict=True))
            time.sleep(0.1)
            with client.pipeline(transaction=True) as pipeline:
                for key, dump in old.items():
                    pipeline.restore(key, 0, dump, replace=True)
                pipeline.execute()


def _kill_server(url: str) -> None:
    with redis.Redis.from_url(url, protocol=2) as client:
        os.kill(client.info("server")["process_id"], signal.SIGKILL)


def test_a_server_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url, story_told(url) as workers:
        workers += [Worker(stage(), url, CAMERAS, name) for name in ("w1", "w2")]
        for goal in (20, 80):
            wait_until(lambda: progress(url, "a") > goal, "some of the story to be told")  # noqa: B023
            _kill_server(url)
            time.sleep(0.5)


def test_a_server_that_lost_the_tail_of_its_log_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_RESTART_PAUSE_S", 1.0)
    log, old = tmp_path / "appendonlydir", tmp_path / "old"
    with embedded.running(tmp_path) as url, story_told(url) as workers:
        workers += [Worker(stage(), url, CAMERAS, name) for name in ("w1", "w2")]
        wait_until(lambda: progress(url, "a") > 20, "some of the story to be told")
        shutil.copytree(log, old)
        goal = min(progress(url, "a") + 30, COUNTS["a"])
        wait_until(lambda: progress(url, "a") >= goal, "more of the story to be told")
        _kill_server(url)
        shutil.rmtree(log)
        old.rename(log)
        time.sleep(1.5)


def test_everything_at_once_changes_nothing(server: str, client: redis.Redis) -> None:
    dice = random.Random(11)
    with ExitStack() as stack:
        proxy = stack.enter_context(LossyProxy(server, 0.03, seed=2))
        crashed = []
        with story_told(server) as workers:
            workers += [Worker(stage(), proxy.url, CAMERAS, f"w{i}") for i in range(3)]
            for life in range(6):
                time.sleep(dice.uniform(0.1, 0.3))
                victim = workers.pop(dice.randrange(len(workers)))
                victim.kill()
                crashed.append(victim)
                workers.append(Worker(stage(), proxy.url, CAMERAS, f"again{life}"))
                client.delete(lease_key("pose", dice.choice(CAMERAS)))
                if life == 3:
                    client.flushall()
            proxy.share = 0.01
        for worker in crashed:
            worker.join()
