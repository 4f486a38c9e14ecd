"""Incidents as lines, for spreadsheets and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from workers.serve.api import views

_COLUMNS = (
    *("incident_id", "camera", "began", "state", "duration_s", "peak_score", "peak_scene_score", "violent"),
    *("vetoed", "label", "note", "acknowledged_by", "acknowledged", "end_reason", "merged_into", "track_ids"),
)
# Spreadsheets take what begins so for a formula, and would run what a stranger wrote.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json_lines(incidents: Iterable[views.Incident]) -> Iterator[str]:
    """One JSON object each, with all fields."""
    for incident in incidents:
        yield incident.model_dump_json() + "\n"


def as_csv(incidents: Iterable[views.Incident]) -> Iterator[str]:
    """One line each, with the fields that people read, after a line of their names."""
    yield _line(_COLUMNS)
    for incident in incidents:
        fields = incident.model_dump()
        fields["began"] = _when(incident.began_captured_at)
        fields["acknowledged"] = _when(incident.acknowledged_at)
        fields["track_ids"] = " ".join(map(str, incident.track_ids))
        yield _line([_cell(fields[name]) for name in _COLUMNS])


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _when(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
