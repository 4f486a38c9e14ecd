"""Runs the real fleet as a user would, `nexara up` on video files, and reads everything it wrote."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from shared import embedded
from shared.bus import Bus
from shared.messages import Mark, Message, Tracks, Verdicts, decode

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
WEIGHTS = DATA / "weights" / "yolo26n-pose-o2m.pt"
FOUR_VIDEOS = (
    "pedestrians_crossing.avi",
    "four_crossing_bonn_060470979.mp4",
    "office_fight.mp4",
    "three_exercising.avi",
)


@dataclass
class Record:
    """What a fleet wrote for one camera: entry ids and messages, in stream order."""

    tracks: list[tuple[str, Tracks]] = field(default_factory=list)
    verdicts: list[tuple[str, Verdicts]] = field(default_factory=list)
    ends: int = 0
    counters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class Outcome:
    """One run of a fleet."""

    cameras: dict[str, Record]
    seconds: float
    working_seconds: float
    output: str
    log_directory: str
    exit_code: int


def four_videos() -> list[Path]:
    """The four videos of the acceptance, or a clear exit where they are not at hand."""
    missing = [name for name in FOUR_VIDEOS if not (DATA / "videos" / name).exists()]
    if missing or not WEIGHTS.exists():
        sys.exit(f"needs {DATA} (videos and weights), which this clone does not have beside it")
    return [DATA / "videos" / name for name in FOUR_VIDEOS]


def site_of(
    videos: Sequence[Path], settings: Mapping[str, object] | None = None, **camera: object
) -> dict[str, object]:
    """A site file's contents with one camera a video."""
    site: dict[str, object] = {
        "cameras": {video.stem: {"source": str(video), **camera} for video in videos},
        "metrics": {"port": 0},
        "processes": {"serve": 0, "alert": 0},
        "pose": {"weights": str(WEIGHTS)},
    }
    for key, value in (settings or {}).items():
        section, _, name = key.partition(".")
        site.setdefault(section, {})[name] = value  # type: ignore[index]
    return site


@contextlib.contextmanager
def server() -> Iterator[str]:
    """An embedded server of our own, so that its streams can be read after the fleet has ended."""
    with tempfile.TemporaryDirectory(prefix="nexara-bench-") as folder, embedded.running(Path(folder)) as url:
        yield url


def run_fleet(
    site: Mapping[str, object],
    server_url: str,
    *,
    fleet_url: str | None = None,
    arguments: Sequence[str] = ("--until-eof",),
    meanwhile: Callable[[int, threading.Event], None] | None = None,
    timeout_s: float = 900.0,
) -> Outcome:
    """Runs `nexara up` to its end and reads what it wrote.

    Args:
        site: the site file's contents; the server is filled in.
        server_url: where to read what was written.
        fleet_url: where the fleet connects, when something stands between (a lossy proxy).
        arguments: more arguments of `nexara up`.
        meanwhile: called with the process id of `up` and an event that is set when it has ended.
        timeout_s: after this long the fleet is ended.
    """
    with tempfile.TemporaryDirectory(prefix="nexara-run-") as name:
        folder = Path(name)
        contents = {**site, "bus": {"url": "${BENCH_BUS_URL}", "data": str(folder / "data")}}
        (folder / "site.yaml").write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")
        environment = {**os.environ, "BENCH_BUS_URL": fleet_url or server_url}
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "workers", "up", str(folder / "site.yaml"), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ended = threading.Event()
        helper = None
        if meanwhile is not None:
            helper = threading.Thread(target=meanwhile, args=(process.pid, ended), daemon=True)
            helper.start()
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            output, _ = process.communicate()
            output += f"\ndid not end within {timeout_s:.0f} s"
        ended.set()
        if helper is not None:
            helper.join(10)
        seconds = time.monotonic() - started
        logs = "".join(
            path.read_text(errors="replace") for path in sorted((folder / "data" / "logs").glob("*.log"))
        )
        cameras = read_everything(server_url, list(contents["cameras"]))  # type: ignore[call-overload]
        return Outcome(cameras, seconds, _working_seconds(cameras), output, logs, process.returncode)


def read_everything(url: str, cameras: Sequence[str]) -> dict[str, Record]:
    """All tracks and verdicts that a server holds for the cameras."""
    records = {}
    with contextlib.closing(Bus(url)) as bus:
        for camera in cameras:
            record = Record(
                counters={stage: bus.counters(stage, camera) for stage in ("ingest", "pose", "classify")}
            )
            for entry_id, message in _messages(bus, "tracks", camera):
                if isinstance(message, Tracks):
                    record.tracks.append((entry_id, message))
            for entry_id, message in _messages(bus, "verdicts", camera):
                if isinstance(message, Verdicts):
                    record.verdicts.append((entry_id, message))
                elif isinstance(message, Mark) and message.final:
                    record.ends += 1
            records[camera] = record
    return records


def _messages(bus: Bus, stream: str, camera: str) -> Iterator[tuple[str, Message]]:
    for entry_id, payload in bus.history(stream, camera, "-", "+"):
        yield entry_id, decode(payload)


def _working_seconds(cameras: Mapping[str, Record]) -> float:
    """From the first frame read by pose to the last frame tracked, start-up left out."""
    stamps = [
        message.trail[-1] for record in cameras.values() for _, message in record.tracks if message.trail
    ]
    return max(stamp.done_at for stamp in stamps) - min(stamp.read_at for stamp in stamps) if stamps else 0.0
