"""Who counts: people are where their feet are, and a camera's zones say which places matter."""

from __future__ import annotations

from dataclasses import dataclass

from shared.messages import Verdicts
from shared.rules import Rules, feet


@dataclass(frozen=True)
class Seen:
    """A record with those alone who count.

    Attributes:
        record: its verdicts and its scene; a scene that others carried says nothing here.
        zones: track id -> the zones that the person is in.
        shadow: nobody is to be told.
    """

    record: Verdicts
    zones: dict[int, tuple[str, ...]]
    shadow: bool


def seen(record: Verdicts, rules: Rules) -> Seen:
    """A record as its camera's rules let it be seen."""
    if not rules.zones:
        return Seen(record, {}, rules.shadow)
    zones: dict[int, tuple[str, ...]] = {}
    for verdict in record.verdicts:
        place = feet(verdict.box, record.width, record.height)
        names = rules.zones_at(place, record.captured_at)
        if names is not None:
            zones[verdict.track_id] = names
    if len(zones) == len(record.verdicts):
        return Seen(record, zones, rules.shadow)
    kept = tuple(verdict for verdict in record.verdicts if verdict.track_id in zones)
    scene = record.scene
    if not set(scene.track_ids) & set(zones):
        scene = scene.model_copy(update={"result": "SAFE", "score": 0.0, "track_ids": ()})
    return Seen(record.model_copy(update={"verdicts": kept, "scene": scene}), zones, rules.shadow)
