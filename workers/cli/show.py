"""What `nexara up` shows: a live table on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from shared.messages import Incident
from workers.cli.progress import CameraProgress, Progress
from workers.cli.site import Site
from workers.cli.supervisor import Supervisor
from workers.cli.tail import judgement, short
from workers.serve.config import ADDRESS_FILE, FIRST_PASSWORD_FILE, FIRST_USER

_PLAIN_EVERY_S = 5.0
_SPANS_SHOWN = 5


class Display:
    """Shows progress until the context ends."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._next_line_at = 0.0
        self._page_told = False

    def __enter__(self) -> Display:
        count = len(self._site.cameras)
        click.echo(f"nexara: {count} camera{'s' * (count > 1)}; data in {self._site.bus.data}; Ctrl-C ends")
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def show(self, progress: Progress, supervisor: Supervisor) -> None:
        """Brings the picture up to date."""
        if self._live:
            self._live.update(_table(progress, supervisor), refresh=True)
            return
        self._tell_violence(progress)
        if time.monotonic() >= self._next_line_at:
            self._next_line_at = time.monotonic() + _PLAIN_EVERY_S
            click.echo(_line(progress))

    def tell_page(self) -> None:
        """Says once where the site's page is, when it is there."""
        folder = self._site.serve_directory
        if self._page_told or not (folder / ADDRESS_FILE).exists():
            return
        self._page_told = True
        address = (folder / ADDRESS_FILE).read_text(encoding="utf-8")
        password = folder / FIRST_PASSWORD_FILE
        first = f" (user {FIRST_USER}, password in {password})" if password.exists() else ""
        line = f"nexara: the page is at {address}{first}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def finish(self, progress: Progress) -> None:
        """The last word: totals of this run."""
        if self._live:
            self._live.stop()
            # The table has told of them as they came.
            progress.violence.clear()
        self._tell_violence(progress)
        for camera in progress.cameras.values():
            click.echo(summary(camera, self._site.cameras[camera.camera].live))
        click.echo(_line(progress))
        click.echo(f"nexara: verdict logs in {self._site.verdict_directory}")

    def _tell_violence(self, progress: Progress) -> None:
        while progress.violence:
            camera, at, verdict = progress.violence.popleft()
            what = f"track {short(verdict.track_id)}  {judgement(verdict)}"
            click.echo(f"VIOLENCE  {camera}  {_when(at, self._site.cameras[camera].live)}  {what}")
        while progress.incidents:
            camera, incident = progress.incidents.popleft()
            when = span(incident, self._site.cameras[camera].live)
            click.echo(f"INCIDENT  {camera}  {incident.change} {incident.incident_id}  {when}")


def _line(progress: Progress) -> str:
    cameras = progress.cameras.values()
    frames, tracked, dropped, dead = (
        sum(getattr(camera, name) for camera in cameras) for name in ("frames", "tracked", "dropped", "dead")
    )
    results: Counter[str] = sum((camera.results for camera in cameras), Counter())
    return (
        f"{time.monotonic() - progress.started:6.1f} s  records {frames}  tracked {tracked}  "
        f"{sum(camera.fps for camera in cameras):.1f} fps  dropped {dropped}  dead {dead}  "
        f"verdicts {results.total()}  vetoed {results['VETOED']}  violence {results['VIOLENCE']}  "
        f"incidents {sum(camera.incidents for camera in cameras)}"
    )


def span(incident: Incident, live: bool) -> str:
    """From when until when an incident was violent: of a file its own time, of a live camera that of day."""
    if not live:
        return f"{_minutes(incident.began_at)} to {_minutes(incident.last_at)}"
    began = incident.began_captured_at
    return " to ".join(
        _when(moment, live) for moment in (began, began + incident.last_at - incident.began_at)
    )


def _when(at: float, live: bool) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) if live else _minutes(at)


def _minutes(at: float) -> str:
    minutes, tenths = divmod(round(at * 10), 600)
    return f"{minutes}:{tenths / 10:04.1f}"


def summary(camera: CameraProgress, live: bool) -> str:
    """What became of one camera in this run."""
    spans = [span(incident, live) for incident in camera.last_incidents.values()][-_SPANS_SHOWN:]
    if camera.incidents > len(spans) > 0:
        spans.insert(0, "...")
    return (
        f"{camera.camera}: {camera.frames} records in, {camera.tracked} tracked, {camera.dropped} dropped, "
        f"{camera.dead} dead, verdicts {sum(camera.results.values())} "
        f"({camera.results['VIOLENCE']} violence, {camera.results['VETOED']} vetoed), "
        f"incidents {camera.incidents}" + (f" ({', '.join(spans)})" if spans else "")
    )


def _table(progress: Progress, supervisor: Supervisor) -> Table:
    passed = time.monotonic() - progress.started
    table = Table(
        title=f"nexara  {passed:.0f} s  workers restarted {supervisor.restarts}  "
        f"capture to verdict p50 {progress.latency(0.5):.2f} s, p99 {progress.latency(0.99):.2f} s",
        title_justify="left",
    )
    for heading in (
        "camera",
        "fps",
        "records",
        "tracked",
        "behind",
        "dropped",
        "dead",
        "verdicts",
        "violence",
        "incidents",
        "last",
    ):
        table.add_column(heading, justify="left" if heading in ("camera", "last") else "right")
    for camera in progress.cameras.values():
        last = f"{camera.last.result} {camera.last.score:.3f}" if camera.last else ""
        violence = camera.results["VIOLENCE"]
        table.add_row(
            camera.camera + (" (ended)" if camera.ended else " (no picture)" * (camera.source == "no frame")),
            f"{camera.fps:.1f}",
            *map(str, (camera.frames, camera.tracked, camera.behind, camera.dropped, camera.dead)),
            str(sum(camera.results.values())),
            f"[bold red]{violence}[/]" if violence else "0",
            f"[bold red]{camera.incidents}[/]" if camera.incidents else "0",
            last,
        )
    return table
