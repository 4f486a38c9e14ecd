"""A fleet of its own to draw: four films, a dead camera, a dead receiver, and a Prometheus that watches."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.dashboards.outside import at_the_page, taking_news
from benchmarks.fleet_run import DATA, ROOT, WEIGHTS
from shared.processes import end_with_parent

FILMS = {
    "lobby": "one_by_one.mp4",
    "gym": "three_exercising.avi",
    "office": "office_fight.mp4",
    "street": "pedestrians_crossing.avi",
}
PROMETHEUS = ROOT / "configs" / "prometheus"
# The one to look at.
CAMERA = "office"
# Nobody answers there.
_NOBODY = "http://127.0.0.1:1"
_START_S, _END_S = 30.0, 10.0
# Lower than any site would have them, so that short films show every result.
_CLASSIFY = {"primary_threshold": 0.57, "veto_threshold": 0.5}


@dataclass(frozen=True)
class _Part:
    """One process of the demonstration."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def end(self) -> None:
        """Ends it, the hard way if need be."""
        self.process.terminate()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(seconds: float) -> Iterator[str]:
    """Runs the fleet for a while; its pose worker is killed once, so that this can be seen, too.

    Yields:
        The URL of its Prometheus.
    """
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        sys.exit("needs prometheus (apt install prometheus), or give the URL of one that runs")
    films = [DATA / "videos" / name for name in FILMS.values()]
    if not all(path.exists() for path in (*films, WEIGHTS)):
        sys.exit(f"needs {DATA} (videos and weights), which this clone does not have beside it")
    with tempfile.TemporaryDirectory(prefix="nexara-dashboards-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        play_port, metrics_port, web_port = _free_ports(3)
        where = f"127.0.0.1:{web_port}"
        _write(folder, play_port, metrics_port, stack.enter_context(taking_news()))
        workers = [sys.executable, "-m", "workers"]
        commands = {
            "play": [*workers, "play", *map(str, films), "--port", str(play_port), "--fps", "10"],
            "up": [*workers, "up", str(folder / "site.yaml")],
            "prometheus": [
                *(prometheus, f"--config.file={folder / 'prometheus.yaml'}"),
                *(f"--storage.tsdb.path={folder / 'prometheus'}", f"--web.listen-address={where}"),
            ],
        }
        parts = [_started(name, command, folder) for name, command in commands.items()]
        for part in parts:
            stack.callback(part.end)
        stack.enter_context(at_the_page(folder / "data"))
        print(f"four films and a dead camera for {seconds:.0f} s; Prometheus: http://{where}", flush=True)
        _wait(_START_S + seconds * 0.6, parts)
        _kill_worker(parts[1].process.pid, "pose")
        _wait(seconds * 0.4, parts)
        yield f"http://{where}"


def _write(folder: Path, play_port: int, metrics_port: int, receiver: str) -> None:
    """The site, and what Prometheus scrapes."""
    sources = {
        camera: f"http://127.0.0.1:{play_port}/{Path(film).stem}.mjpeg" for camera, film in FILMS.items()
    }
    sources["gate"] = f"{_NOBODY}/gate.mjpeg"
    data = folder / "data"
    site = {
        "cameras": {camera: {"source": source, "image_size": 320} for camera, source in sources.items()},
        "bus": {"data": str(data)},
        "metrics": {"port": metrics_port},
        "serve": {"port": 0},
        "pose": {"weights": str(WEIGHTS)},
        "classify": _CLASSIFY,
        "evidence": {"pictures": "blurred"},
        "alert": {
            "webhooks": {
                channel: {"url": url, "secret": "of the demonstration"}
                for channel, url in (("office", receiver), ("guards", _NOBODY))
            }
        },
    }
    # As it is shipped, but for the places.
    scraping = yaml.safe_load((PROMETHEUS / "local.yaml").read_text(encoding="utf-8"))
    scraping["rule_files"] = [str(PROMETHEUS / "rules" / "*.yaml")]
    targets = [{"files": [str(data / "targets.json")], "refresh_interval": "5s"}]
    scraping["scrape_configs"] = [{"job_name": "nexara", "file_sd_configs": targets}]
    for name, contents in (("site", site), ("prometheus", scraping)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")


def _started(name: str, command: Sequence[str], folder: Path) -> _Part:
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent(os.getpid()),
        )
    return _Part(name, process, path)


def _wait(seconds: float, parts: Sequence[_Part]) -> None:
    """Waits, and gives up where a process does not stay."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for part in parts:
            if part.process.poll() is not None:
                sys.exit(f"{part.name} ended:\n{part.log.read_text(errors='replace')[-2000:]}")
        time.sleep(1)


def _kill_worker(fleet: int, role: str) -> None:
    children = Path(f"/proc/{fleet}/task/{fleet}/children").read_text(encoding="ascii").split()
    for pid in children:
        if f"worker\0{role}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now; those after them, which the workers take, most likely neither."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
