"""/api/v1/incidents/ID/evidence: what shows an incident, found in the database, by no path of who asks."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import FileResponse
from sqlalchemy import Connection, RowMapping, select

from shared.store.tables import evidence
from workers.serve.access import Viewer
from workers.serve.api import views
from workers.serve.services import Here

router = APIRouter(prefix="/api/v1/incidents")

Kind = Literal["clip", "snapshot", "tracks"]
_MEDIA_TYPES: dict[str, str] = {
    "clip": "video/mp4",
    "snapshot": "image/jpeg",
    "tracks": "application/octet-stream",
}


@router.get("/{incident_id}/evidence/{kind}", response_class=FileResponse)
def file(
    incident_id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")], kind: Kind, _caller: Viewer, here: Here
) -> FileResponse:
    """An incident's clip (MP4), snapshot (JPEG) or recording (for nexara replay). Parts by the header Range.

    Clip and snapshot show skeletons alone, unless the site file's `evidence.pictures` wants more.
    """
    with here.database.reading() as database:
        row = next((row for row in evidence_of(database, incident_id) if row["kind"] == kind), None)
    if row is None or row["path"] is None:
        raise HTTPException(404, "there is no such evidence" if row is None else row["note"])
    folder = here.place.evidence.resolve()
    path = (folder / row["path"]).resolve()
    # Whoever can write the database must not be able to read the disk with it.
    if not path.is_relative_to(folder) or not path.is_file():
        raise HTTPException(404, "the file is gone")
    name = f"{row['camera']}-{incident_id}{path.suffix}"
    return FileResponse(path, media_type=_MEDIA_TYPES[kind], filename=name, content_disposition_type="inline")


def evidence_of(connection: Connection, incident_id: str) -> list[RowMapping]:
    """What there is of an incident."""
    query = select(evidence).where(evidence.c.incident_id == incident_id).order_by(evidence.c.kind)
    return list(connection.execute(query).mappings())


def evidence_view(row: RowMapping) -> views.Evidence:
    """A row as the API tells it."""
    url = f"/api/v1/incidents/{row['incident_id']}/evidence/{row['kind']}"
    return views.Evidence(
        kind=row["kind"],
        media_type=_MEDIA_TYPES[row["kind"]],
        bytes=row["bytes"],
        url=None if row["path"] is None else url,
        first_at=row["first_at"],
        last_at=row["last_at"],
        note=row["note"],
    )
