"""`nexara demo`: a minute of four simulated cameras, and what the fleet made of it against the truth."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from shared.bus import Bus
from shared.config import ConfigError
from workers.cli.costs import Costs
from workers.cli.options import changes, set_option
from workers.cli.progress import Progress
from workers.cli.site import compose
from workers.cli.supervisor import Supervisor
from workers.cli.tally import Fight, Tally
from workers.cli.up import run_site
from workers.ingest.simulated.address import Address, parse

SITE = Path(__file__).resolve().parents[2] / "configs" / "demo.yaml"
# What a net for real people needs to see those of 640x360.
_PUBLIC_SIZE = 640


@click.command()
@click.option("--seconds", type=click.FloatRange(5, 3600), default=60.0, show_default=True, help="How long.")
@click.option("--json", "as_json", is_flag=True, help="The last line is the summary as one JSON object.")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Other pose weights, such as yolo26s-pose.pt."
)
@click.option("--seed", type=click.IntRange(0, 999_990), help="Other people than those of the site file.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep server, logs and verdicts here.")
@set_option
def demo(
    seconds: float,
    as_json: bool,
    weights: Path | None,
    seed: int | None,
    data: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Watch four simulated cameras: one empty, one busy, one with a hug and a dance, one with fights.

    Everything runs on this machine as it would for real cameras: server, ingest, pose, classify, incidents,
    archive. Nothing is fetched. At the end stands what was found, against what really happened.
    """
    # Nobody scrapes a demonstration or logs in to it, and a fleet may hold the usual ports already.
    changed = {"metrics.port": "0", "processes.serve": "0", "processes.alert": "0"} | changes(overrides)
    if weights is not None:
        changed["pose.weights"] = str(weights.absolute() if weights.exists() else weights)
        changed.setdefault("pose.image_size", str(_PUBLIC_SIZE))
    with tempfile.TemporaryDirectory(prefix="nexara-demo-") as folder:
        changed["bus.data"] = str(data or folder)
        try:
            contents = recorded(compose(SITE, (), changed), seconds, seed)
        except ValueError as error:
            raise ConfigError(f"demo: {error}") from None
        addresses = {name: parse(camera["source"]) for name, camera in contents["cameras"].items()}
        found: list[tuple[Progress, Watch]] = []

        run_site(
            lambda: contents,
            str(SITE),
            until_eof=True,
            seconds=None,
            fresh=True,
            also=lambda bus, supervisor: Watch(bus, supervisor, addresses),
            at_end=lambda progress, watch: found.append((progress, watch)),
        )
    for progress, watch in found:
        figures, fights = summary(progress, watch)
        if data is None:
            click.echo("nexara: those logs are gone now; --data DIR keeps them")
        click.echo(told(figures, fights))
        if as_json:
            click.echo(json.dumps(figures))


class Watch:
    """Notes what a fleet makes of simulated cameras, and what that costs."""

    def __init__(self, bus: Bus, supervisor: Supervisor, addresses: dict[str, Address]) -> None:
        self.tally = Tally(bus, addresses)
        self.costs = Costs(supervisor)

    def update(self) -> None:
        """Look again.

        Raises:
            BusError: the server does not answer.
        """
        self.tally.update()
        if self.costs.begun:
            self.costs.update()
        elif any(camera.numbers for camera in self.tally.cameras.values()):
            self.costs.begin()


def recorded(contents: dict[str, Any], seconds: float, seed: int | None) -> dict[str, Any]:
    """The site with its cameras as recordings of so long that are played at their own speed.

    Raises:
        ValueError: a camera is not a simulated one.
    """
    for number, camera in enumerate(contents["cameras"].values()):
        address = parse(camera["source"])
        camera["source"] += f"&seconds={seconds:g}"
        if seed is not None:
            camera["source"] = camera["source"].replace(f"seed={address.seed}", f"seed={seed + number}")
        camera["pace"] = "realtime"
    return contents


def summary(progress: Progress, watch: Watch) -> tuple[dict[str, Any], list[Fight]]:
    """What was found, as numbers, and every fight."""
    tally = watch.tally
    cameras = tally.cameras.values()
    captured = sum(camera.address.frames or 0 for camera in cameras)
    tracked = sum(len(camera.numbers) for camera in cameras)
    dropped = sum(camera.dropped for camera in progress.cameras.values())
    dead = sum(camera.dead for camera in progress.cameras.values())
    fights, false = tally.fights()
    delays = [fight.found_after for fight in fights if fight.found_after is not None]
    latencies = np.concatenate([np.array(camera.latencies) for camera in cameras])
    longest = max(camera.times[-1] - camera.times[0] for camera in cameras if camera.times)
    figures = {
        "frames": captured,
        "frames_lost": captured - tracked - dropped - dead,
        "frames_dropped": dropped,
        "frames_dead": dead,
        "tracks": sum(len(camera.people) for camera in cameras),
        "verdicts": sum(camera.verdicts for camera in cameras),
        "incidents_true": len(delays),
        "incidents_false": false,
        "incidents_missed": len(fights) - len(delays),
        "delay_s": [round(delay, 1) for delay in delays],
        "first_fight_s": min((fight.begins for fight in fights), default=None),
        "fps": round(tracked / max(longest, 1e-6), 1),
        "latency_p50_ms": _milliseconds(latencies, 0.5),
        "latency_p99_ms": _milliseconds(latencies, 0.99),
        "cores": {role: round(cores, 2) for role, cores in watch.costs.cores().items()},
    }
    return figures, fights


def _milliseconds(latencies: np.ndarray[Any, np.dtype[np.float64]], share: float) -> float | None:
    return round(1000 * float(np.quantile(latencies, share)), 1) if len(latencies) else None


def told(figures: dict[str, Any], fights: list[Fight]) -> str:
    """The summary for people."""
    lines = [
        f"\n{figures['frames']} frames, {figures['frames_lost']} lost, {figures['frames_dropped']} dropped; "
        f"{figures['fps']:g} frames a second; {figures['tracks']} people followed, "
        f"{figures['verdicts']} verdicts, capture to verdict {figures['latency_p50_ms']} ms "
        f"(p99 {figures['latency_p99_ms']} ms)"
    ]
    for fight in fights:
        after = fight.found_after
        what = "MISSED" if after is None else f"incident confirmed after {after:.1f} s"
        lines.append(f"{fight.camera}: fight from {fight.begins:.1f} to {fight.ends:.1f} s: {what}")
    lines.append(f"incidents where nobody fought: {figures['incidents_false']}")
    cores = figures["cores"]
    by_role = ", ".join(f"{role} {cores[role]:.2f}" for role in sorted(cores, key=cores.__getitem__)[::-1])
    lines.append(f"cores in use: {sum(cores.values()):.2f} ({by_role})")
    return "\n".join(lines)
