"""What this process has of its machine: memory limit, GPUs, version; as metrics."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pynvml
from prometheus_client import REGISTRY, CollectorRegistry, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def watch(registry: CollectorRegistry = REGISTRY) -> None:
    """Adds the machine's metrics to those of this process. Call once."""
    Info("nexara_build", "The version that runs.", registry=registry).info({"version": _version()})
    registry.register(_Memory())
    if _has_driver():
        registry.register(_Gpus())


def gpus() -> int:
    """How many GPUs the driver shows to this process; 0 without an NVIDIA driver."""
    return int(pynvml.nvmlDeviceGetCount()) if _has_driver() else 0


def _has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return True


def memory_limit() -> int:
    """Bytes that this process may use: its container's or service's limit, else the machine's memory."""
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    own = ""
    with contextlib.suppress(OSError):
        own = _OWN_CGROUP.read_text(encoding="utf-8").splitlines()[-1].rpartition(":")[2].strip("/")
    folder = _CGROUPS / own
    for place in (folder, *folder.parents):
        if place.is_relative_to(_CGROUPS):
            with contextlib.suppress(OSError, ValueError):  # absent, or "max"
                limit = min(limit, int((place / "memory.max").read_text(encoding="ascii")))
    return limit


def _version() -> str:
    try:
        return version("nexara")
    except PackageNotFoundError:
        return "unknown"


class _Memory(Collector):
    """Asked at every scrape: a container's limit may be changed while it runs."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "nexara_process_memory_limit_bytes",
            "The container's memory limit, else the machine's memory.",
            value=memory_limit(),
        )


class _Gpus(Collector):
    """Memory and load of each GPU that the driver shows to this process, whoever uses it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        used = GaugeMetricFamily("nexara_gpu_memory_used_bytes", "Memory in use on the GPU.", labels=["gpu"])
        total = GaugeMetricFamily("nexara_gpu_memory_limit_bytes", "Memory of the GPU.", labels=["gpu"])
        busy = GaugeMetricFamily(
            "nexara_gpu_busy_ratio", "Share of time in which a kernel ran on the GPU.", labels=["gpu"]
        )
        for index in range(pynvml.nvmlDeviceGetCount()):
            # A GPU that falls off the bus must not take the other metrics with it.
            with contextlib.suppress(pynvml.NVMLError):
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                used.add_metric([str(index)], memory.used)
                total.add_metric([str(index)], memory.total)
                busy.add_metric([str(index)], pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
        yield from (used, total, busy)
