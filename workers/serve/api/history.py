"""What the database knows of incidents and verdicts, the same from SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, or_, select, update

from shared.store.database import Database
from shared.store.tables import changes, incidents, panels, steps, verdicts

_CHUNK = 500
_MOST_STEPS = 5_000
# Verdicts around an incident: by frame time, and by the clock, by which rows are found. A recording may be
# played faster or slower than it was made.
_AROUND_S = 5.0
_AROUND_BY_THE_CLOCK_S = 60.0


@dataclass(frozen=True)
class Wanted:
    """Which incidents. None and empty: any.

    Attributes:
        since, until: of `began_captured_at`; `until` itself is not included.
        label: true, false or none.
        text: a part of the note, in capitals or not.
    """

    cameras: Sequence[str] = ()
    since: float | None = None
    until: float | None = None
    state: str | None = None
    label: str | None = None
    acknowledged: bool | None = None
    text: str = ""


# Where a page ended: the last one's `began_captured_at` and id.
Place = tuple[float, str]


def find_incidents(
    connection: Connection, wanted: Wanted, after: Place | None, limit: int
) -> list[RowMapping]:
    """At most `limit` incidents after a place, the newest first."""
    found: list[RowMapping] = []
    while len(found) < limit:
        query = _ordered(_matching(wanted), after).limit(_CHUNK if wanted.text else limit)
        rows = list(connection.execute(query).mappings())
        found += [row for row in rows if _has_text(row, wanted.text)]
        if len(rows) < (_CHUNK if wanted.text else limit):
            break
        after = place_of(rows[-1])
    return found[:limit]


def every_incident(database: Database, wanted: Wanted) -> Iterator[RowMapping]:
    """All incidents, the newest first; no transaction lasts as long as whoever takes them."""
    after = None
    while True:
        with database.reading() as connection:
            rows = find_incidents(connection, wanted, after, _CHUNK)
        yield from rows
        if len(rows) < _CHUNK:
            return
        after = place_of(rows[-1])


def place_of(row: RowMapping) -> Place:
    """Where an incident stands in the order of pages."""
    return row["began_captured_at"], row["incident_id"]


def one_incident(connection: Connection, incident_id: str) -> RowMapping | None:
    """The incident of that id."""
    query = select(incidents).where(incidents.c.incident_id == incident_id)
    return connection.execute(query).mappings().first()


def changes_of(connection: Connection, incident_id: str) -> list[RowMapping]:
    """How an incident changed, the oldest change first."""
    query = select(changes).where(changes.c.incident_id == incident_id).order_by(changes.c.id)
    return list(connection.execute(query).mappings())


def acknowledge(connection: Connection, incident_id: str, by: str, now: float) -> bool:
    """Somebody has seen it; who did first stays. Returns whether there is such an incident."""
    values = {
        "acknowledged_at": func.coalesce(incidents.c.acknowledged_at, now),
        "acknowledged_by": func.coalesce(incidents.c.acknowledged_by, by),
    }
    return _change(connection, incident_id, values)


def label(connection: Connection, incident_id: str, found: str | None, note: str | None) -> bool:
    """What somebody found it to be; a note of None leaves the old one. Returns whether it exists."""
    values: dict[str, Any] = {"label": found}
    if note is not None:
        values["note"] = note or None
    return _change(connection, incident_id, values)


def _change(connection: Connection, incident_id: str, values: dict[str, Any]) -> bool:
    query = update(incidents).where(incidents.c.incident_id == incident_id).values(**values)
    return bool(connection.execute(query).rowcount)


def _matching(wanted: Wanted) -> Select[Any]:
    column = incidents.c
    query = select(incidents)
    if wanted.cameras:
        query = query.where(column.camera.in_(wanted.cameras))
    if wanted.since is not None:
        query = query.where(column.began_captured_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(column.began_captured_at < wanted.until)
    if wanted.state is not None:
        query = query.where(column.state == wanted.state)
    if wanted.label is not None:
        none = wanted.label == "none"
        query = query.where(column.label.is_(None) if none else column.label == wanted.label)
    if wanted.acknowledged is not None:
        seen = column.acknowledged_at.is_not(None)
        query = query.where(seen if wanted.acknowledged else ~seen)
    if wanted.text:
        query = query.where(column.note.is_not(None))
    return query


def _ordered(query: Select[Any], after: Place | None) -> Select[Any]:
    began, identity = incidents.c.began_captured_at, incidents.c.incident_id
    if after is not None:
        query = query.where(or_(began < after[0], and_(began == after[0], identity < after[1])))
    return query.order_by(began.desc(), identity.desc())


def _has_text(row: RowMapping, text: str) -> bool:
    # Not in SQL: which letters are the same in capitals, each database knows for itself.
    return not text or text.casefold() in (row["note"] or "").casefold()


# --- verdicts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judgements:
    """Steps of one camera, the oldest first, each with its verdicts.

    Attributes:
        truncated: there were more, older ones.
        panels: who judged, by the steps' `panel`.
    """

    steps: list[tuple[RowMapping, list[RowMapping]]]
    panels: dict[int, list[dict[str, Any]]]
    truncated: bool


def judged_between(connection: Connection, camera: str, since: float, until: float) -> Judgements:
    """What was judged of a camera's frames that were captured from `since` to `until`."""
    when = steps.c.captured_at.between(since, until)
    return _judgements(connection, and_(steps.c.camera == camera, when))


def judged_around(connection: Connection, incident: RowMapping, told: Sequence[RowMapping]) -> Judgements:
    """What was judged while an incident lasted, and some seconds before and after.

    Args:
        connection: in a transaction.
        incident: its row.
        told: its changes.
    """
    ended = max([incident["began_captured_at"], *(change["captured_at"] for change in told)])
    began = incident["began_captured_at"]
    return _judgements(
        connection,
        and_(
            steps.c.camera == incident["camera"],
            steps.c.generation == incident["generation"],
            steps.c.captured_at.between(began - _AROUND_BY_THE_CLOCK_S, ended + _AROUND_BY_THE_CLOCK_S),
            steps.c.at.between(incident["began_at"] - _AROUND_S, incident["last_at"] + _AROUND_S),
        ),
    )


def _judgements(connection: Connection, condition: Any) -> Judgements:
    newest = select(steps).where(condition).order_by(steps.c.captured_at.desc(), steps.c.id.desc())
    rows = list(connection.execute(newest.limit(_MOST_STEPS + 1)).mappings())
    truncated = len(rows) > _MOST_STEPS
    rows = rows[:_MOST_STEPS][::-1]
    by_step: dict[int, list[RowMapping]] = {row["id"]: [] for row in rows}
    query = select(verdicts).join(steps, steps.c.id == verdicts.c.step).where(condition)
    if truncated:
        query = query.where(steps.c.captured_at >= rows[0]["captured_at"])
    for verdict in connection.execute(query.order_by(verdicts.c.step, verdicts.c.track_id)).mappings():
        if verdict["step"] in by_step:
            by_step[verdict["step"]].append(verdict)
    who = {row["panel"] for row in rows}
    asked = connection.execute(select(panels).where(panels.c.id.in_(who))).mappings()
    return Judgements(
        steps=[(row, by_step[row["id"]]) for row in rows],
        panels={row["id"]: row["experts"] for row in asked},
        truncated=truncated,
    )
