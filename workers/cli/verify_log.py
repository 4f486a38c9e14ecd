"""`nexara verify-log`: whether anybody has changed a verdict log."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from shared.config import ConfigError
from workers.archive import chain
from workers.cli.options import Fleet, site_options

_HEAD = re.compile(r"[0-9a-f]{64}")
_MEANINGS: dict[chain.Kind, str] = {
    "changed": "it was changed, or lines before it were removed",
    "inserted": "the line after it goes on from the one before it: it was inserted, or moved here",
    "foreign": "neither it nor what comes after it goes on from what is before: lines were exchanged, "
    "several were changed, or the log was written with another archive.chain_key",
    "no key": "its chain was computed without the key: before archive.chain_key was set, or by somebody who "
    "does not have it",
    "no chain": "it has no chain: it was damaged or inserted, or comes from a version without chains",
    "too long": f"it is longer than {chain.MAX_LINE_BYTES // 2**20} MiB: the archive has not written it",
}


@click.command()
@click.argument("paths", metavar="[FILE|DIR]...", nargs=-1, type=click.Path(path_type=Path))
@site_options
@click.option("--expect", multiple=True, metavar="HEAD", help="A head noted earlier: is it still there?")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a log, and one a HEAD.")
def verify_log(paths: tuple[Path, ...], site: Fleet, expect: tuple[str, ...], as_json: bool) -> None:
    """Say of each verdict log whether it was changed: exit code 0 if none was, 1 if one was.

    \b
    nexara verify-log                                   the site's logs
    nexara verify-log backup/lobby.jsonl --expect HEAD

    Keep the heads that it prints elsewhere: that the end of a log was cut off is found by --expect alone.
    The key is the site's (archive.chain_key). Nothing is written; the fleet may run.
    """  # noqa: D301
    archive = site.site.archive
    expected = {_head(text) for text in expect}
    found: dict[str, tuple[Path, int]] = {}
    good = True
    for path in _logs(paths or (site.site.verdict_directory,)):
        report = _verified(path, archive.chain_secret, expected)
        found.update({head: (path, line) for head, line in report.found.items()})
        good = good and report.mistake is None
        click.echo(json.dumps(_fields(path, report)) if as_json else _told(path, report))
    for head in sorted(expected):
        good = good and head in found
        click.echo(_expected(head, found.get(head), as_json))
    if not archive.chain_key:
        click.echo("no archive.chain_key: whoever can write a log can compute its chain anew", err=True)
    if not good:
        raise click.exceptions.Exit(1)


def _head(text: str) -> str:
    if not _HEAD.fullmatch(text.lower()):
        raise ConfigError(f"--expect {text}: no head: it has {len(chain.START)} digits, 0 to 9 and a to f")
    return text.lower()


def _logs(paths: Sequence[Path]) -> list[Path]:
    """The files, and those of each directory.

    Raises:
        ConfigError: there is none.
    """
    found = []
    for path in paths:
        logs = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not logs:
            raise ConfigError(f"{path}: holds no verdict log, CAMERA.jsonl: give the directory that does")
        found += logs
    return found


def _verified(path: Path, key: bytes, expected: set[str]) -> chain.Report:
    try:
        # What is no file has no size, and would pass as a log without lines.
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path}: no file: give a verdict log, unpacked")
        return chain.verify(_lines(path), key, expected)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}: give a verdict log") from error


def _lines(path: Path) -> Iterator[bytes]:
    """The lines that are there now, in pieces where one is too long; what comes meanwhile is left out."""
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0 and (line := file.readline(min(left, chain.MAX_LINE_BYTES))):
            left -= len(line)
            yield line


def _told(path: Path, report: chain.Report) -> str:
    if report.mistake is not None:
        number, meaning = report.mistake.line, _MEANINGS[report.mistake.kind]
        return f"{path}: line {number} is wrong: {meaning}"
    text = f"{path}: good: {report.lines} line{'s' * (report.lines != 1)}"
    if report.lines:
        text += f", {_captured(report.first) or '?'} to {_captured(report.last) or '?'}"
    text += f", head {report.head}"
    return f"{text}; the line after it is not whole: being written, or torn" if report.torn else text


def _fields(path: Path, report: chain.Report) -> dict[str, Any]:
    mistake = report.mistake and {**asdict(report.mistake), "meaning": _MEANINGS[report.mistake.kind]}
    return {
        "file": str(path),
        "lines": report.lines,
        "first_captured_at": _captured(report.first),
        "last_captured_at": _captured(report.last),
        "head": report.head,
        "torn": report.torn,
        "mistake": mistake,
    }


def _expected(head: str, place: tuple[Path, int] | None, as_json: bool) -> str:
    path, line = place or (None, None)
    if as_json:
        return json.dumps({"expect": head, "file": path and str(path), "line": line})
    if place is None:
        return f"{head}: in none of what is good here: the end of a log was cut off, or it was written anew"
    return f"{head}: line {line} of {path}"


def _captured(body: bytes) -> str | None:
    """When a line's frame was captured; None of a line that does not say so."""
    try:
        captured = datetime.fromtimestamp(json.loads(body)["captured_at"], UTC)
    except (ValueError, LookupError, TypeError, OverflowError, OSError):
        return None
    return captured.isoformat(timespec="milliseconds").replace("+00:00", "Z")
