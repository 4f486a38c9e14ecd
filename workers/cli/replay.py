"""`nexara replay`: recorded tracks judged again, by the same code, other weights or other thresholds."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import click

from shared.config import ConfigError
from shared.messages import Verdicts
from workers.archive.log import LogError, VerdictLog
from workers.cli.options import SITE_PATH, SITE_VARIABLE, changes, set_option
from workers.cli.recorded.pipeline import Pipeline, RecordedRules, Step, incidents_of, verdicts_of
from workers.cli.recorded.settings import ReplaySettings, settings_from
from workers.cli.recorded.takes import Shelf, Take, shelf_of
from workers.cli.recorded.told import Camera, as_comparison, as_numbers, as_text
from workers.cli.recorded.verdict_logs import Difference, Name, Said, compared, named, read_log
from workers.cli.results import clean_stdout

# Lines of a log that are written together.
_TOGETHER = 200
# When records passed through, which is another time each time.
_OF_THIS_RUN: dict[str, Any] = {"trail": True, "mark": {"trail"}}


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--site", "site_file", type=SITE_PATH, envvar=SITE_VARIABLE, help="Judge by this site's settings."
)
@set_option
@click.option("--weights", metavar="FILE|NAME", help="Another primary expert.")
@click.option(
    "--rules",
    type=click.Choice(["recorded", "site"]),
    default="recorded",
    show_default=True,
    help="Thresholds and zones: those that held when it was recorded, or the site file's.",
)
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="Write verdict logs and incidents."
)
@click.option(
    "--against", metavar="LOG|DIR", type=click.Path(path_type=Path), help="Compare with a run's verdict logs."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def replay(
    files: tuple[Path, ...],
    site_file: Path | None,
    overrides: tuple[str, ...],
    weights: str | None,
    rules: Literal["recorded", "site"],
    out: Path | None,
    against: Path | None,
    as_json: bool,
) -> None:
    """Judge recordings again: FILE is what nexara record wrote, or a folder of such files.

    \b
    nexara replay lobby.tracks --against nexara-data/verdicts      says the same as the live run?
    nexara replay lobby.tracks --set classify.primary_threshold=0.9
    nexara replay lobby.tracks --weights our-models/interaction-fights.safetensors --out again

    The same recording and settings give the same bytes. Exit code 1: --against, and there is a difference.
    """  # noqa: D301
    with clean_stdout():
        settings = settings_from(site_file, changes(overrides), weights)
        shelf = shelf_of(files)
        _prepare(out, shelf)
        cameras = _judged(shelf, settings, rules, out)
        differences = {camera.name: _difference(camera, against) for camera in cameras} if against else {}
    for remark in shelf.remarks:
        click.echo(remark, err=True)
    if as_json:
        click.echo(json.dumps([as_numbers(camera, differences.get(camera.name)) for camera in cameras]))
    else:
        for camera in cameras:
            click.echo(as_text(camera))
            if camera.name in differences:
                click.echo(as_comparison(camera, differences[camera.name]))
    if any(not difference.is_none for difference in differences.values()):
        raise click.exceptions.Exit(1)


def _prepare(out: Path | None, shelf: Shelf) -> None:
    """Makes the folder; what is in it already must not be taken for this replay's."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out: {out}: cannot be written: {error.strerror}") from error
    for camera in {take.camera for take in shelf.takes}:
        for path in _files_of(out, camera):
            if path.exists():
                raise ConfigError(f"--out: {path}: is there already: choose another folder")


def _files_of(out: Path, camera: str) -> tuple[Path, Path]:
    return out / f"{camera}.jsonl", out / f"{camera}.incidents.jsonl"


def _judged(
    shelf: Shelf, settings: ReplaySettings, rules: Literal["recorded", "site"], out: Path | None
) -> list[Camera]:
    rules_of = RecordedRules(
        shelf.rules if rules == "recorded" else {}, settings.rules, settings.changed_thresholds
    )
    classify, incidents = settings.stages(rules_of)
    takes: dict[str, list[Take]] = {}
    for take in shelf.takes:
        takes.setdefault(take.camera, []).append(take)
    found = []
    for name, theirs in sorted(takes.items()):
        camera = Camera(name, sum(take.seconds for take in theirs))
        entries = chain.from_iterable(take.entries() for take in theirs)
        with _output(out, name) as write:
            for step in Pipeline(name, classify, incidents).judge(entries):
                _note(camera, step)
                write(step)
        found.append(camera)
    return found


def _note(camera: Camera, step: Step) -> None:
    camera.records += 1
    camera.dead += bool(step.problem)
    if step.settled and step.message is not None:
        camera.settled.add((step.message.generation, step.entry_id))
    if (record := verdicts_of(step)) is not None:
        camera.results.update(verdict.result for verdict in record.verdicts)
        if step.settled:
            camera.said.update(named(step.entry_id, record))
    if (told := incidents_of(step)) is not None:
        camera.incidents.update({incident.incident_id: incident for incident in told.incidents})


@contextlib.contextmanager
def _output(out: Path | None, camera: str) -> Iterator[Callable[[Step], None]]:
    """What writes a camera's steps down; verdicts as the archive does, but never sealed with its key.

    Raises:
        ConfigError: a file cannot be written.
    """
    if out is None:
        yield lambda _step: None
        return
    log, path = (
        VerdictLog(_files_of(out, camera)[0], fsync=False, lock_timeout_s=1.0),
        _files_of(out, camera)[1],
    )
    waiting: list[tuple[str, Verdicts]] = []
    try:
        with path.open("x", encoding="utf-8") as told:

            def write(step: Step) -> None:
                if (record := verdicts_of(step)) is not None:
                    waiting.append((step.entry_id, record))
                if len(waiting) >= _TOGETHER:
                    log.append(waiting)
                    waiting.clear()
                if (incidents := incidents_of(step)) is not None:
                    fields = {"id": step.entry_id, **incidents.model_dump(mode="json", exclude=_OF_THIS_RUN)}
                    told.write(json.dumps(fields, separators=(",", ":")) + "\n")

            yield write
        log.append(waiting)
    except LogError as error:
        raise ConfigError(f"--out: {error}") from error
    except OSError as error:
        raise ConfigError(f"--out: {path}: cannot be written: {error.strerror}") from error


def _difference(camera: Camera, against: Path) -> Difference:
    """How what was said differs from a live run's log, where both can be compared."""
    path = against / f"{camera.name}.jsonl" if against.is_dir() else against
    live: dict[Name, Said] = {}
    for entry_id, record in read_log(path):
        if record.camera == camera.name and (record.generation, entry_id) in camera.settled:
            live.update(named(entry_id, record))
    return compared(live, camera.said)
