"""Stores each record in the database once, whoever crashes or stalls when.

The cursor stands beside the rows and moves in their transaction: what it has passed is stored, and nothing
else is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, and_, insert, select, update

from shared.bus.streams import parse_id
from shared.messages import Incident, Incidents, Message, Verdicts
from shared.store.tables import changes, cursors, evidence, incidents, panels, steps, verdicts

Kept = TypeVar("Kept", bound=Message)


def write_verdicts(connection: Connection, camera: str, records: Sequence[tuple[str, Verdicts]]) -> int:
    """Store steps with their verdicts; returns how many were not there yet.

    Args:
        connection: in a transaction.
        camera: whose.
        records: entry ids and messages, in the stream's order.
    """
    fresh = _fresh(connection, "verdicts", camera, records)
    rows: list[dict[str, Any]] = []
    for entry_id, record in fresh:
        scene = record.scene.model_dump(mode="json")
        made = connection.execute(
            insert(steps).values(
                **_place(camera, entry_id, record),
                **{
                    name: getattr(record, name) for name in ("number", "at", "captured_at", "width", "height")
                },
                **scene,
                panel=_panel(connection, record),
            )
        )
        (step,) = made.inserted_primary_key or (None,)
        rows += [{"step": step, **verdict.model_dump(mode="json")} for verdict in record.verdicts]
    if rows:
        connection.execute(insert(verdicts), rows)
    _move(connection, "verdicts", camera, fresh)
    return len(fresh)


def write_incidents(connection: Connection, camera: str, records: Sequence[tuple[str, Incidents]]) -> int:
    """Store what changed in incidents; returns how many records were not there yet. Arguments as above."""
    fresh = _fresh(connection, "incidents", camera, records)
    for entry_id, record in fresh:
        place = _place(camera, entry_id, record)
        for incident in record.incidents:
            told = incident.model_dump(mode="json")
            connection.execute(
                insert(changes).values(
                    **place,
                    incident_id=incident.incident_id,
                    change=incident.change,
                    at=record.at,
                    captured_at=record.captured_at,
                    told=told,
                )
            )
            values = {**_incident(record, incident), "camera": camera, "generation": record.generation}
            _put(connection, incidents, {"incident_id": incident.incident_id}, values)
    _move(connection, "incidents", camera, fresh)
    return len(fresh)


def write_evidence(connection: Connection, incident_id: str, kind: str, values: dict[str, Any]) -> None:
    """Store what was made of an incident, in place of what was noted of it before."""
    _put(connection, evidence, {"incident_id": incident_id, "kind": kind}, values)


def _fresh(
    connection: Connection, stream: str, camera: str, records: Sequence[tuple[str, Kept]]
) -> list[tuple[str, Kept]]:
    """The records beyond the stored cursors, one for each generation."""
    query = select(cursors).where(cursors.c.stream == stream, cursors.c.camera == camera)
    generations = {record.generation for _, record in records}
    rows = connection.execute(query.where(cursors.c.generation.in_(generations)).with_for_update())
    stored = {row.generation: (row.milliseconds, row.sequence) for row in rows}
    return [
        (entry_id, record)
        for entry_id, record in records
        if parse_id(entry_id) > stored.get(record.generation, (-1, -1))
    ]


def _move(connection: Connection, stream: str, camera: str, stored: Sequence[tuple[str, Message]]) -> None:
    last = {record.generation: parse_id(entry_id) for entry_id, record in stored}
    for generation, (milliseconds, sequence) in last.items():
        key = {"stream": stream, "camera": camera, "generation": generation}
        _put(connection, cursors, key, {"milliseconds": milliseconds, "sequence": sequence})


def _put(connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Change a row, or make it."""
    same = and_(*(table.c[name] == value for name, value in key.items()))
    if not connection.execute(update(table).where(same).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values))


def _place(camera: str, entry_id: str, record: Message) -> dict[str, Any]:
    milliseconds, sequence = parse_id(entry_id)
    return {
        "camera": camera,
        "generation": record.generation,
        "milliseconds": milliseconds,
        "sequence": sequence,
    }


def _panel(connection: Connection, record: Verdicts) -> int:
    """The row of those who judged."""
    experts = [expert.model_dump(mode="json") for expert in record.experts]
    digest = hashlib.sha256(json.dumps(experts, sort_keys=True).encode()).hexdigest()
    found = connection.execute(select(panels.c.id).where(panels.c.digest == digest)).scalar()
    if found is None:
        made = connection.execute(insert(panels).values(digest=digest, experts=experts))
        (found,) = made.inserted_primary_key or (None,)
    return int(found or 0)


def _incident(record: Incidents, incident: Incident) -> dict[str, Any]:
    """The columns that a change sets; what people say of the incident stays."""
    told = incident.model_dump(mode="json", exclude={"incident_id", "change"})
    ended = incident.change == "end"
    state = "open" if not ended else "merged" if incident.end_reason == "merged" else "ended"
    return {
        **told,
        "state": state,
        "ended_at": record.at if ended else None,
        "width": record.width,
        "height": record.height,
    }
