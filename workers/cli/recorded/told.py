"""What is told of a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.messages import Incident
from workers.cli.recorded.verdict_logs import Difference, Name, Said
from workers.cli.show import span
from workers.cli.tail import short

_NAMED = 5
# A file's clock begins at its beginning, a live camera's is that of day.
_A_LIVE_CLOCK_S = 1e8


@dataclass
class Camera:
    """What was said of one camera.

    Attributes:
        seconds: how long was recorded.
        settled: entries whose windows lie within what was recorded, with their generation.
        said: verdicts at these, by name.
        incidents: the last word on each.
    """

    name: str
    seconds: float
    records: int = 0
    dead: int = 0
    settled: set[tuple[str, str]] = field(default_factory=set)
    results: Counter[str] = field(default_factory=Counter)
    said: dict[Name, Said] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)


def as_text(camera: Camera) -> str:
    """What was said, in a line."""
    results = ", ".join(f"{count} {result}" for result, count in sorted(camera.results.items()))
    ours = [one for one in camera.incidents.values() if one.merged_into is None]
    when = ", ".join(span(incident, live=incident.began_at > _A_LIVE_CLOCK_S) for incident in ours)
    return (
        f"{camera.name}: {camera.records} records, {camera.seconds:.1f} s: {camera.results.total()} verdicts"
        f"{f' ({results})' if results else ''}, {len(ours)} incident{'s' * (len(ours) != 1)}"
        f"{f' ({when})' if when else ''}{f', {camera.dead} dead letters' if camera.dead else ''}"
    )


def as_comparison(camera: Camera, difference: Difference) -> str:
    """How that differs from a run's log."""
    text = f"{camera.name}: {difference.same} verdicts are equal"
    unsettled = camera.records - len(camera.settled)
    if unsettled:
        text += f"; at {unsettled} records windows reach back before the recording: not compared"
    kinds = {
        "only in the log": difference.missing,
        "only in the replay": difference.extra,
        "results differ": difference.results,
        "scores differ, or other experts were asked": difference.scores,
    }
    for what, names in kinds.items():
        if names:
            some = ", ".join(f"{name.entry_id} {short(name.track_id)}" for name in names[:_NAMED])
            text += f"\n  {len(names)} {what}: {some}{', ...' * (len(names) > _NAMED)}"
    return text


def as_numbers(camera: Camera, difference: Difference | None) -> dict[str, Any]:
    """For a program."""
    numbers: dict[str, Any] = {
        "camera": camera.name,
        "records": camera.records,
        "seconds": round(camera.seconds, 3),
        "dead": camera.dead,
        "verdicts": dict(sorted(camera.results.items())),
        "incidents": [incident.model_dump(mode="json") for incident in camera.incidents.values()],
    }
    if difference is not None:
        counts = {name: len(getattr(difference, name)) for name in ("missing", "extra", "results", "scores")}
        numbers["difference"] = {"same": difference.same, **counts}
    return numbers
