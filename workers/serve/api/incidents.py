"""/api/v1/incidents: find them, look at one, say what it was, take them along."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping

from shared.messages import CameraId
from workers.serve.access import Operator, Viewer
from workers.serve.api import history, views
from workers.serve.api.evidence import evidence_of, evidence_view
from workers.serve.api.export import as_csv, as_json_lines
from workers.serve.api.fleet import scores_view
from workers.serve.api.history import Place, Wanted
from workers.serve.services import Here

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/incidents")

IncidentInPath = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
_PLACE = re.compile(r"^([0-9.e+-]{1,40})_([0-9a-f]{16})\Z")


class Filter(BaseModel):
    """Which incidents; what is absent does not matter."""

    model_config = ConfigDict(extra="forbid")

    camera: list[CameraId] = Field([], max_length=1000, description="One of these.")
    since: float | None = Field(None, description="Began then or later, seconds since 1970.")
    until: float | None = Field(None, description="Began before.")
    state: Literal["open", "ended", "merged"] | None = None
    label: views.Label | None = None
    acknowledged: bool | None = None
    text: str = Field("", max_length=200, description="A part of the note, in capitals or not.")

    def wanted(self) -> Wanted:
        """The same for the database."""
        return Wanted(
            cameras=self.camera,
            **self.model_dump(include={"since", "until", "state", "label", "acknowledged", "text"}),
        )


class Page(Filter):
    """Which incidents, and how many at once."""

    limit: int = Field(50, ge=1, le=500)
    after: str | None = Field(None, max_length=64, description="`next` of the page before.")


class Export(Filter):
    """Which incidents, and in which form."""

    format: Literal["jsonl", "csv"] = "jsonl"


@router.get("")
def incidents(asked: Annotated[Page, Query()], _caller: Viewer, here: Here) -> views.Incidents:
    """A page of incidents, the newest first."""
    with here.database.reading() as database:
        rows = history.find_incidents(database, asked.wanted(), _place(asked.after), asked.limit + 1)
    shown = rows[: asked.limit]
    more = len(rows) > asked.limit
    return views.Incidents(
        incidents=[incident_view(row) for row in shown],
        next="{!r}_{}".format(*history.place_of(shown[-1])) if more else None,
    )


@router.get("/export")
def export(asked: Annotated[Export, Query()], _caller: Viewer, here: Here) -> StreamingResponse:
    """All incidents that are wanted, as JSON lines or CSV."""
    found = (incident_view(row) for row in history.every_incident(here.database, asked.wanted()))
    lines = as_csv(found) if asked.format == "csv" else as_json_lines(found)
    media_type = "text/csv; charset=utf-8" if asked.format == "csv" else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="incidents.{asked.format}"'}
    return StreamingResponse(lines, media_type=media_type, headers=headers)


@router.get("/{incident_id}")
def incident(incident_id: IncidentInPath, _caller: Viewer, here: Here) -> views.IncidentDetail:
    """One incident, with its changes, the verdicts around it, and what shows it."""
    with here.database.reading() as database:
        row = _row(database, incident_id)
        told = history.changes_of(database, incident_id)
        judged = history.judged_around(database, row, told)
        shown = evidence_of(database, incident_id)
    return views.IncidentDetail(
        incident=incident_view(row),
        changes=[views.Change(**change) for change in told],
        scores=scores_view(row["camera"], judged),
        evidence=[evidence_view(one) for one in shown],
    )


@router.post("/{incident_id}/acknowledge")
def acknowledge(incident_id: IncidentInPath, caller: Operator, here: Here) -> views.Incident:
    """You have seen it. Who did first is remembered."""
    with here.database.writing() as database:
        history.acknowledge(database, incident_id, caller.name, here.clock())
        row = _row(database, incident_id)
    log.info("incident=%s acknowledged by=%s", incident_id, caller.name)
    return incident_view(row)


@router.post("/{incident_id}/label")
def label(incident_id: IncidentInPath, said: views.Labelling, caller: Operator, here: Here) -> views.Incident:
    """What you find it to be, with a note. Whoever says that has seen it, too."""
    found = None if said.label == "none" else said.label
    with here.database.writing() as database:
        history.label(database, incident_id, found, said.note)
        history.acknowledge(database, incident_id, caller.name, here.clock())
        row = _row(database, incident_id)
    log.info("incident=%s label=%s by=%s", incident_id, said.label, caller.name)
    return incident_view(row)


def incident_view(row: RowMapping) -> views.Incident:
    """A row as the API tells it."""
    fields: dict[str, Any] = dict(row)
    return views.Incident(**fields, duration_s=round(row["last_at"] - row["began_at"], 3))


def _row(database: Connection, incident_id: str) -> RowMapping:
    row = history.one_incident(database, incident_id)
    if row is None:
        raise HTTPException(404, "there is no such incident")
    return row


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    match = _PLACE.match(after)
    try:
        return (float(match[1]), match[2]) if match else _refuse()
    except ValueError:
        return _refuse()


def _refuse() -> Place:
    raise HTTPException(422, "after: is no `next` of a page")
