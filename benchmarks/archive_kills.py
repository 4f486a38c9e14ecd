"""Kills the archive at random moments; log, database and evidence must be those of an undisturbed run.

    python -m benchmarks.archive_kills [--kills 50] [--database postgresql://...] [--seed 1]

Verdicts and incidents of one camera are put into an embedded server's streams while `nexara worker archive`
runs, is killed with SIGKILL, and is started again. At the end every verdict and every change of an incident
must be in the database once, the log must be byte for byte what one pass writes, each incident must have its
snapshot, its clip and its recording, whole, and nothing may be left of what was kept while it went on.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import redis
import yaml
from sqlalchemy import Table, select

from shared import embedded
from shared.bus.streams import state_key, stream_key
from shared.messages import Incident, Incidents, Message, Verdicts, encode
from shared.store.database import Database
from shared.store.tables import changes, evidence, incidents, steps, verdicts
from tests.archive.scenes import tracks
from tests.archive.test_log import GENERATION, record
from workers.archive.log import VerdictLog

CAMERA = "lobby"
_STEPS, _INCIDENTS = 3000, 300
_EVERY = _STEPS // _INCIDENTS


def main() -> int:
    """Runs, compares and prints; 0 if nothing is doubled or lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--database", help="an empty one; default: SQLite in a file")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, embedded.running(Path(name) / "data") as url:
        folder = Path(name)
        database = arguments.database or f"sqlite:///{folder / 'data' / 'verdicts' / 'archive.db'}"
        site = {
            "cameras": {CAMERA: {"source": "lobby.mp4"}},
            "bus": {"data": str(folder / "data")},
            "archive": {"database": database},
            "evidence": {"before_s": 0.5, "after_s": 0},
            "metrics": {"port": 0},
        }
        (folder / "site.yaml").write_text(yaml.safe_dump(site))
        seconds = _killed(folder, url, arguments.kills, random.Random(arguments.seed))
        problems = differences(folder, database)
    print(f"{arguments.kills} kills in {seconds:.0f} s, {_STEPS} steps, {3 * _INCIDENTS} changes: ", end="")
    print("; ".join(problems) or "nothing lost, nothing doubled, the log is that of one pass")
    return int(bool(problems))


def _killed(folder: Path, url: str, kills: int, rng: random.Random) -> float:
    """Runs the archive until it has everything; returns for how long."""
    started, done = time.monotonic(), threading.Event()
    worker = [sys.executable, "-m", "workers", "-v", "worker", "archive", "--site", str(folder / "site.yaml")]
    with redis.Redis.from_url(url, protocol=2) as client, (folder / "log").open("wb") as log:
        # As slowly as it takes to kill so often.
        pause = 1.2 * kills / (_STEPS / 20)
        publisher = threading.Thread(target=_publish, args=(client, pause, done))
        publisher.start()
        for _ in range(kills):
            process = subprocess.Popen(worker, stdout=log, stderr=log)
            time.sleep(rng.uniform(0.3, 4.0))
            process.kill()
            process.wait()
        publisher.join()
        process = subprocess.Popen(worker, stdout=log, stderr=log)
        try:
            _wait(client, process, folder / "log")
        finally:
            process.terminate()
            process.wait()
    return time.monotonic() - started


def _publish(client: Any, pause: float, done: threading.Event) -> None:
    # A camera's first frame, before which there is nothing that a recording could lack.
    client.xadd(stream_key("tracks", CAMERA), {"m": encode(tracks(0, {7: 0, 8: 300}))}, id="0-1")
    for number in range(1, _STEPS + 1):
        seen = tracks(number, {7: number % 300, 8: 300})
        told_of = {"tracks": seen, "verdicts": judged(number), "incidents": told(number)}
        for stream, message in told_of.items():
            if message is not None:
                client.xadd(stream_key(stream, CAMERA), {"m": encode(message)}, id=f"{number}-0")
        if number % 20 == 0:
            time.sleep(pause)
    done.set()


def _wait(client: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = {"archive": f"{_STEPS}-0", "history": f"{_STEPS - 1}-0", "evidence": f"{_STEPS - 1}-0"}
    deadline = time.monotonic() + 600
    while (cursors := {stage: _cursor(client, stage) for stage in ends}) != ends:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the archive stops at {cursors}:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _cursor(client: Any, stage: str) -> str:
    found: bytes | None = client.hget(state_key(stage, CAMERA), "cursor")
    return found.decode() if found else ""


def judged(number: int) -> Verdicts:
    """The verdicts of a step."""
    when = {"number": number, "at": number / 10, "captured_at": 1000 + number / 10}
    return record(number % 1000).model_copy(update=when)


def told(number: int) -> Incidents | None:
    """What changes at a step: of each ten, an incident begins at the first, goes on and ends."""
    change = {1: "new", 5: "update", 9: "end"}.get(number % _EVERY)
    if change is None:
        return None
    began = number - number % _EVERY + 1
    incident = Incident(
        incident_id=f"{began:016x}", change=change, began_at=began / 10, began_captured_at=1000 + began / 10,
        confirmed_at=began / 10, last_at=number / 10, track_ids=(7, 8), box=(0.0, 0.0, 9.0, 9.0),
        peak_score=0.97, peak_at=began / 10, peak_scene_score=0.97, violent=number - began + 1, vetoed=0,
        numbers=(began,), end_reason="quiet" if change == "end" else None,
    )  # fmt: skip
    return Incidents(
        camera=CAMERA, generation=GENERATION, number=number, at=number / 10, captured_at=1000 + number / 10,
        width=640, height=360, incidents=(incident,),
    )  # fmt: skip


def differences(folder: Path, url: str) -> list[str]:
    """What is not as one pass would have left it."""
    numbers = range(1, _STEPS + 1)
    messages: list[Message] = [found for number in numbers if (found := told(number))]
    expected = [(f"{number:016x}", "ended") for number in numbers if number % _EVERY == 1]
    problems = []
    with closing(Database(url)) as database:
        stored = {
            table.name: _rows(database, table) for table in (steps, verdicts, changes, incidents, evidence)
        }
    if [row["number"] for row in stored["steps"]] != list(numbers):
        problems.append(f"{len(stored['steps'])} steps")
    if len(stored["verdicts"]) != _STEPS:
        problems.append(f"{len(stored['verdicts'])} verdicts")
    if [row["milliseconds"] for row in stored["incident_changes"]] != [one.number for one in messages]:
        problems.append(f"{len(stored['incident_changes'])} changes")
    if sorted((row["incident_id"], row["state"]) for row in stored["incidents"]) != expected:
        problems.append(f"{len(stored['incidents'])} incidents")
    problems += _bad_files(folder / "data" / "verdicts" / "evidence", stored["evidence"])
    records: list[tuple[str, Verdicts]] = [(f"{number}-0", judged(number)) for number in numbers]
    VerdictLog(folder / "calm.jsonl", fsync=False, lock_timeout_s=1.0).append(records)
    if (folder / "calm.jsonl").read_bytes() != (folder / "data/verdicts/lobby.jsonl").read_bytes():
        problems.append("another log")
    return problems


def _bad_files(folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the files of evidence: one that is missing, not whole, or left over."""
    wanted = {row["path"]: row["sha256"] for row in rows}
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    problems = [] if found == wanted else [f"{len(found)} files of evidence for {len(wanted)} rows"]
    if len(rows) != 3 * _INCIDENTS or any(row["note"] for row in rows):
        problems.append(f"{len(rows)} rows of evidence, {sum(bool(row['note']) for row in rows)} not whole")
    return problems


def _rows(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.reading() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


if __name__ == "__main__":
    sys.exit(main())
