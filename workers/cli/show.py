"""What `nexara up` shows: a live table on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from shared.messages import Verdict
from workers.cli.progress import CameraProgress, Progress
from workers.cli.site import Site
from workers.cli.supervisor import Supervisor
from workers.cli.tail import short

_PLAIN_EVERY_S = 5.0


class Display:
    """Shows progress until the context ends."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._next_line_at = 0.0

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

    def finish(self, progress: Progress) -> None:
        """The last word: totals of this run."""
        if self._live:
            self._live.stop()
        self._tell_violence(progress)
        for camera in progress.cameras.values():
            click.echo(_summary(camera))
        click.echo(_line(progress))
        click.echo(f"nexara: verdict logs in {self._site.verdict_directory}")

    def _tell_violence(self, progress: Progress) -> None:
        while progress.violence:
            camera, at, verdict = progress.violence.popleft()
            click.echo(f"VIOLENCE  {camera}  {at:.1f} s  track {short(verdict.track_id)}  {_scores(verdict)}")


def _scores(verdict: Verdict) -> str:
    veto = f", veto {verdict.veto_score:.3f}" if verdict.veto_score is not None else ""
    return f"primary {verdict.primary_score:.3f}{veto}"


def _line(progress: Progress) -> str:
    cameras = progress.cameras.values()
    frames, tracked, dropped, dead = (
        sum(getattr(camera, name) for camera in cameras) for name in ("frames", "tracked", "dropped", "dead")
    )
    results: Counter[str] = sum((camera.results for camera in cameras), Counter())
    return (
        f"{time.monotonic() - progress.started:6.1f} s  records {frames}  tracked {tracked}  "
        f"{sum(camera.fps for camera in cameras):.1f} fps  dropped {dropped}  dead {dead}  "
        f"verdicts {results.total()}  vetoed {results['VETOED']}  violence {results['VIOLENCE']}"
    )


def _summary(camera: CameraProgress) -> str:
    return (
        f"{camera.camera}: {camera.frames} records in, {camera.tracked} tracked, {camera.dropped} dropped, "
        f"{camera.dead} dead, verdicts {sum(camera.results.values())} "
        f"({camera.results['VIOLENCE']} violence, {camera.results['VETOED']} vetoed)"
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
        "last",
    ):
        table.add_column(heading, justify="left" if heading in ("camera", "last") else "right")
    for camera in progress.cameras.values():
        last = f"{camera.last.result} {camera.last.primary_score:.3f}" if camera.last else ""
        violence = camera.results["VIOLENCE"]
        table.add_row(
            camera.camera + (" (ended)" if camera.ended else " (no picture)" * (camera.source == "no frame")),
            f"{camera.fps:.1f}",
            *map(str, (camera.frames, camera.tracked, camera.behind, camera.dropped, camera.dead)),
            str(sum(camera.results.values())),
            f"[bold red]{violence}[/]" if violence else "0",
            last,
        )
    return table
