"""`nexara tail`: what passes on the bus, as it passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from shared.bus import Bus
from shared.bus.streams import START, dead_key, stream_key
from shared.messages import (
    Frame,
    Incident,
    Incidents,
    Mark,
    Message,
    MessageError,
    Tracks,
    Verdict,
    Verdicts,
    decode,
)
from workers.cli.options import site_options

STREAMS = ("frames", "tracks", "verdicts", "incidents", "dead")


@click.command()
@click.argument("stream", type=click.Choice(STREAMS))
@site_options
@click.option("--camera", "cameras", multiple=True, help="Only this camera; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, everything but image bytes.")
@click.option("--from-start", is_flag=True, help="Begin with what is still stored, not with what comes.")
@click.option("--seconds", type=float, default=None, help="Stop after this long without anything new.")
def tail(
    stream: str, site: Any, cameras: tuple[str, ...], as_json: bool, from_start: bool, seconds: float | None
) -> None:
    """Print frames, tracks, verdicts, incidents or dead letters as they come. Ctrl-C ends it."""
    chosen = site.choose(cameras)
    bus = site.connect()
    for camera, entry_id, fields in _entries(bus, stream, chosen, from_start, seconds):
        click.echo(_as_json(camera, entry_id, fields) if as_json else _as_line(camera, entry_id, fields))


def _entries(
    bus: Bus, stream: str, cameras: list[str], from_start: bool, seconds: float | None
) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    key_of = dead_key if stream == "dead" else lambda camera: stream_key(stream, camera)
    camera_of = {key_of(camera): camera for camera in cameras}
    cursors = dict.fromkeys(camera_of, START if from_start else "$")
    silent_s = 0.0
    while seconds is None or silent_s < seconds:
        found = bus.follow(cursors, count=100, block_ms=500)
        silent_s = 0.0 if found else silent_s + 0.5
        for key, entries in found.items():
            for entry_id, fields in entries:
                yield camera_of[key], entry_id, fields
            cursors[key] = entries[-1][0]


def _message(fields: dict[str, bytes]) -> Message | str:
    try:
        return decode(fields.get("m", b""))
    except MessageError as error:
        return str(error)


def _as_json(camera: str, entry_id: str, fields: dict[str, bytes]) -> str:
    if "m" not in fields:
        letter = {name: value.decode(errors="replace") for name, value in fields.items() if name != "payload"}
        return json.dumps({"camera": camera, "entry_id": entry_id, **letter})
    message = _message(fields)
    if isinstance(message, str):
        return json.dumps({"camera": camera, "entry_id": entry_id, "error": message})
    data = message.model_dump(mode="json", exclude={"image"})
    return json.dumps({"entry_id": entry_id, "kind": type(message).__name__.lower(), **data})


def _as_line(camera: str, entry_id: str, fields: dict[str, bytes]) -> str:
    start = f"{camera:<20} {entry_id:>16}"
    if "m" not in fields:
        text = {name: value.decode(errors="replace") for name, value in fields.items() if name != "payload"}
        return f"{start}  {text['stage']} could not use {text['stream']} {text['id']}: {text['reason']}"
    message = _message(fields)
    if isinstance(message, str):
        return f"{start}  unreadable: {message}"
    return f"{start}  {message.at:9.3f} s  {_what(message)}"


def _what(message: Message) -> str:
    if isinstance(message, Frame):
        size = len(message.image) if isinstance(message.image, bytes) else message.image.length
        return f"{message.width}x{message.height}  {size / 1000:.0f} kB"
    if isinstance(message, Tracks):
        people = "  ".join(
            f"{short(int(track_id))} {'unseen' if unseen else f'{score:.2f}'}"
            for track_id, score, unseen in zip(
                message.track_ids, message.scores, message.predicted, strict=True
            )
        )
        seen = len(message.track_ids) - int(message.predicted.sum())
        return f"{seen} people of {len(message.detection_boxes)} detections  {people}"
    if isinstance(message, Verdicts):
        scene = message.scene
        judged = [f"{short(verdict.track_id)} {judgement(verdict)}" for verdict in message.verdicts]
        return "  ".join([*judged, f"scene {scene.result} {scene.score:.3f}"])
    if isinstance(message, Incidents):
        told = [_incident(incident) for incident in message.incidents]
        told += [f"{message.suppressed} kept back by a cooldown"] if message.suppressed else []
        return "  ".join([*told, *([_what(message.mark)] if message.mark else [])])
    return f"end: {message.reason}" if isinstance(message, Mark) and message.final else "no frame"


def judgement(verdict: Verdict) -> str:
    """A verdict's result and score; of several experts also each one's, - for who was not asked."""
    text = f"{verdict.result} {verdict.score:.3f}"
    if len(verdict.scores) > 1:
        text += f" ({'/'.join('-' if score is None else f'{score:.3f}' for score in verdict.scores)})"
    return f"{text} {','.join(verdict.unsure)}" if verdict.unsure else text


def _incident(incident: Incident) -> str:
    people = " ".join(map(short, incident.track_ids))
    text = f"{incident.change} {incident.incident_id} since {incident.began_at:.3f} s of {people}"
    text += f" peak {incident.peak_score:.3f} violent {incident.violent} vetoed {incident.vetoed}"
    if incident.change == "end":
        text += f" until {incident.last_at:.3f} s: {(incident.end_reason or '').replace('_', ' ')}"
    return f"{text} into {incident.merged_into}" if incident.merged_into else text


def short(track_id: int) -> str:
    """A track id's last four letters, enough to tell people on a screen apart."""
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(digits[(track_id >> shift) & 31] for shift in (15, 10, 5, 0))
