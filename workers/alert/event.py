"""One change of an incident, as webhooks and MQTT are told of it: public, versioned JSON.

It is made when the change comes out of the stream, and stored: every try of every channel sends the same.
docs/alerts.md describes the fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.messages import Incident, Incidents

VERSION = 1


class _Part(BaseModel):
    """Read back from the database by a newer version, unknown fields do no harm."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Story(_Part):
    """What is known of the incident.

    Attributes:
        began_at, last_at: its first and last violent verdict.
        seconds: between these.
        score: the highest one, of a person or of the scene.
        people: how many take part.
        box: left, top, right, bottom as shares of the picture.
    """

    id: str
    began_at: AwareDatetime
    last_at: AwareDatetime
    seconds: float
    score: float
    people: int
    zones: tuple[str, ...]
    box: tuple[float, float, float, float]
    end_reason: str | None
    merged_into: str | None


class Event(_Part):
    """What is told.

    Attributes:
        kind: `test` only asks whether somebody listens.
        key: the same whenever the same change is sent again.
        told_at: when the fleet knew.
        link: the incident's page, if the site says where people find it.
    """

    version: int = VERSION
    kind: Literal["incident", "test"] = "incident"
    key: str
    site: str
    camera: str
    change: Literal["new", "update", "end"]
    told_at: AwareDatetime
    incident: Story
    link: str | None = None

    def body(self) -> bytes:
        """As JSON, byte for byte the same each time."""
        return self.model_dump_json().encode()


def event_of(
    site: str, entry_id: str, record: Incidents, incident: Incident, told_at: float, page_url: str | None
) -> Event:
    """A change that a record tells of.

    Args:
        site: its name, for people.
        entry_id: the record's, in the stream.
        record: what tells of it.
        incident: what changed.
        told_at: Unix time.
        page_url: where people reach the site's page.
    """
    seconds = incident.last_at - incident.began_at
    left, top, right, bottom = incident.box
    width, height = record.width, record.height
    return Event(
        key=f"{incident.incident_id}-{entry_id}-{incident.change}",
        site=site,
        camera=record.camera,
        change=incident.change,
        told_at=moment(told_at),
        incident=Story(
            id=incident.incident_id,
            began_at=moment(incident.began_captured_at),
            last_at=moment(incident.began_captured_at + seconds),
            seconds=round(seconds, 3),
            score=max(incident.peak_score, incident.peak_scene_score),
            people=len(incident.track_ids),
            zones=incident.zones,
            box=(
                round(left / width, 4),
                round(top / height, 4),
                round(right / width, 4),
                round(bottom / height, 4),
            ),
            end_reason=incident.end_reason,
            merged_into=incident.merged_into,
        ),
        link=f"{page_url.rstrip('/')}/incident?id={incident.incident_id}" if page_url else None,
    )


def trial_event(site: str, camera: str, key: str, now: float) -> Event:
    """What `nexara alert test` sends: an incident that did not happen."""
    story = Story(
        id="0" * 16,
        began_at=moment(now),
        last_at=moment(now),
        seconds=0.0,
        score=0.0,
        people=0,
        zones=(),
        box=(0.0, 0.0, 0.0, 0.0),
        end_reason=None,
        merged_into=None,
    )
    return Event(
        kind="test", key=key, site=site, camera=camera, change="new", told_at=moment(now), incident=story
    )


def moment(at: float) -> datetime:
    """A Unix time, to the millisecond."""
    return datetime.fromtimestamp(round(at, 3), UTC)
