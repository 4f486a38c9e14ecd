"""What a worker says of itself over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pynvml
import pytest
import redis
from click.testing import CliRunner
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import generate_latest

from shared import machine
from shared.bus import Bus
from shared.health import Pulse, report, serve
from tests.shared import story
from tests.shared.fleet import Worker, finished, wait_until
from workers.cli.health import health


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def pulses() -> list[Pulse]:
    return [Pulse("ingest"), Pulse("pose")]


@pytest.fixture
def port(pulses: list[Pulse]) -> int:
    return serve("127.0.0.1", 0, pulses)


def shown(metric: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(metric, labels)


def test_who_starts_is_well_but_not_ready(port: int, pulses: list[Pulse]) -> None:
    assert ask(port, "healthz") == (200, '{"ingest": "ok", "pose": "ok"}\n')
    pulses[0].turn()
    assert ask(port, "readyz") == (503, '{"ingest": "ok", "pose": "is starting"}\n')
    pulses[1].turn()
    assert ask(port, "readyz")[0] == 200
    assert shown("nexara_worker_ready", stage="pose") == 1


def test_who_has_lost_the_server_is_well_but_not_ready(port: int, pulses: list[Pulse]) -> None:
    for pulse in pulses:
        pulse.turn()
    pulses[1].turn("redis://127.0.0.1:1: ConnectionError")
    assert ask(port, "healthz")[0] == 200
    status, told = ask(port, "readyz")
    assert (status, json.loads(told)["pose"]) == (503, "redis://127.0.0.1:1: ConnectionError")
    assert shown("nexara_worker_ready", stage="pose") == 0


def test_a_loop_that_stands_still_is_not_well() -> None:
    now = [100.0]
    pulse = Pulse("pose", clock=lambda: now[0])
    pulse.turn()
    now[0] += 59
    assert report([pulse], "healthz") == (True, {"pose": "ok"})
    now[0] += 2
    assert report([pulse], "healthz") == (False, {"pose": "hangs for 61 s"})
    assert report([pulse], "readyz") == (False, {"pose": "hangs for 61 s"})
    assert shown("nexara_worker_ready", stage="pose") == 0


def test_other_paths_are_not_there(port: int) -> None:
    assert ask(port, "")[0] == 404
    assert ask(port, "../etc/passwd")[0] == 404


def test_the_command_asks_and_its_exit_code_tells(port: int, pulses: list[Pulse]) -> None:
    run = CliRunner().invoke
    assert run(health, ["--port", str(port)]).exit_code == 0
    done = run(health, ["--port", str(port), "--ready"])
    assert (done.exit_code, done.output) == (1, "ingest: is starting; pose: is starting\n")
    done = run(health, ["--port", "1"])
    assert done.exit_code == 1
    assert "no answer" in done.output
    assert len(done.output.splitlines()) == 1


@pytest.fixture
def bus(server: str) -> Iterator[Bus]:
    with closing(Bus(server)) as bus:
        yield bus


def test_records_are_counted_once_and_only_the_owner_shows_a_camera(
    server: str, bus: Bus, client: redis.Redis
) -> None:
    story.publish(bus, client.set, "a", 31)
    before = {
        name: shown(f"nexara_{name}", stage="pose", camera="a") or 0.0
        for name in ("stage_read_total", "stage_committed_total")
    }
    dead = shown("nexara_dead_letters_total", stage="pose", camera="a", reason="failure") or 0.0
    worker = Worker(story.stage(story.Chain), server, ["a"], "w")
    wait_until(finished(bus, {"a": 31}), "all records to be committed", worker.check)
    wait_until(lambda: shown("nexara_stage_lag_records", stage="pose", camera="a") == 0, "the lag")
    assert shown("nexara_stage_delay_seconds", stage="pose", camera="a") is not None
    assert shown("nexara_stage_owned_cameras", stage="pose") == 1
    assert abs(shown("nexara_clock_skew_seconds", stage="pose") or 9.0) < 1
    assert (shown("nexara_bus_memory_used_bytes") or 0) > 100_000
    worker.close()
    for name, count in before.items():
        assert (shown(f"nexara_{name}", stage="pose", camera="a") or 0) - count >= 31
    # 7, 9, 20 and 22 of the story break the stage.
    now_dead = shown("nexara_dead_letters_total", stage="pose", camera="a", reason="failure") or 0.0
    assert now_dead - dead == 4
    assert shown("nexara_stage_lag_records", stage="pose", camera="a") is None
    assert shown("nexara_stage_delay_seconds", stage="pose", camera="a") is None
    assert shown("nexara_stage_owned_cameras", stage="pose") == 0


# --- the machine ------------------------------------------------------------------------------------------


def machine_metrics() -> str:
    registry = CollectorRegistry()
    machine.watch(registry)
    return generate_latest(registry).decode()


def test_the_memory_limit_is_the_containers_or_the_services(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "system.slice" / "nexara.service" / "memory.max"
    limit.parent.mkdir(parents=True)
    limit.write_text("123456789\n")
    own = tmp_path / "own"
    own.write_text("0::/system.slice/nexara.service\n")
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path)
    monkeypatch.setattr(machine, "_OWN_CGROUP", own)
    assert "nexara_process_memory_limit_bytes 1.23456789e+08" in machine_metrics()
    (tmp_path / "system.slice" / "memory.max").write_text("99999999\n")
    assert machine.memory_limit() == 99999999  # the narrowest counts
    own.unlink()
    assert machine.memory_limit() > 2**28


def test_gpus_are_shown_and_a_lost_one_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Memory:
        used, total = 1.0, 2.0

    class Rates:
        gpu = 50

    def handle(index: int) -> int:
        if index == 0:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", handle)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda _: Memory)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda _: Rates)
    text = machine_metrics()
    assert 'nexara_gpu_memory_used_bytes{gpu="1"} 1.0' in text
    assert 'nexara_gpu_busy_ratio{gpu="1"} 0.5' in text
    assert 'gpu="0"' not in text
