"""What the API answers, field by field; the OpenAPI document is made from these.

`captured_at` and all times that end in `_at` without a word on frames are seconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared import rules
from shared.messages import MAX_ZONES, CameraId, IncidentId, Result

State = Literal["waiting", "running", "late", "silent", "ended"]
Label = Literal["true", "false", "none"]


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Me(View):
    """Who asks."""

    name: str
    role: Literal["viewer", "operator", "admin"]
    csrf: str = Field(
        description="For the header X-CSRF-Token of requests that change something; empty for tokens."
    )
    site: str = Field(description="The site's name.")
    picture: bool = Field(description="Whether live views may show the cameras' pictures.")


class Camera(View):
    """One camera."""

    camera: CameraId
    state: State = Field(
        description="waiting: nothing came yet; running; late: its last record is old; silent: it gives no "
        "picture; ended: it was a file."
    )
    fps: float = Field(description="Frames a second in which people were looked for.")
    last_at: float | None = Field(description="Capture of its last record.")
    lags: dict[str, int] = Field(description="By stage: records that it has not done yet.")
    owners: dict[str, str] = Field(description="By stage: the worker that has the camera; empty: nobody.")
    dropped: dict[str, int] = Field(description="Frames dropped, by reason.")
    dead: int = Field(description="Records that could not be used.")


class Delay(View):
    """How long records took through one stage in the last minute, with the waiting; seconds."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    median_s: float
    worst_s: float


class System(View):
    """The fleet."""

    site: str
    version: str
    at: float = Field(description="When this was seen, by the server's clock.")
    cameras: list[Camera]
    workers: dict[str, list[str]] = Field(description="By stage: the names of its living workers.")
    delays: dict[str, Delay] = Field(
        description="By stage, in the order of the work; `verdict` is all of it, from the capture on. Empty: "
        "nothing was judged in the last minute."
    )
    memory_bytes: int = Field(description="Memory that the server (Redis) uses.")
    memory_limit_bytes: int = Field(description="Its limit; 0: none.")


class Evidence(View):
    """A file that shows an incident, or why there is none."""

    kind: str
    media_type: str
    bytes: int
    url: str | None = Field(description="Where it is; null: there is none, `note` says why.")
    first_at: float | None = Field(description="Frame time of its beginning.")
    last_at: float | None = Field(description="Frame time of its end.")
    note: str | None


class Incident(View):
    """One incident, as its last change left it, with what people say of it. docs/incidents.md."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    incident_id: IncidentId
    camera: CameraId
    generation: str
    state: Literal["open", "ended", "merged"]
    began_at: float = Field(description="Frame time, as all of these without `captured`.")
    began_captured_at: float
    confirmed_at: float
    last_at: float
    ended_at: float | None
    end_reason: str | None
    merged_into: IncidentId | None
    duration_s: float = Field(description="From the first violent verdict to the last one so far.")
    width: int
    height: int
    box: list[float]
    track_ids: list[int]
    numbers: list[int] = Field(description="Frames of the verdicts that made it.")
    peak_score: float
    peak_at: float
    peak_scene_score: float
    violent: int
    vetoed: int
    acknowledged_at: float | None
    acknowledged_by: str | None
    label: Literal["true", "false"] | None = Field(description="What people found it to be.")
    note: str | None
    zones: list[str] = Field([], description="Zones that its people were in.")
    shadow: bool = Field(False, description="It is recorded, but nobody is to be told.")


class Incidents(View):
    """A page of incidents, the newest first."""

    incidents: list[Incident]
    next: str | None = Field(description="For `after` of the next page; null: there is none.")


class Change(View):
    """How an incident changed."""

    change: Literal["new", "update", "end"]
    at: float
    captured_at: float
    told: dict[str, Any] = Field(description="The incident as it was then: docs/messages.md.")


class Verdict(View):
    """One person's verdict. docs/verdicts.md."""

    track_id: int
    partner_id: int | None
    result: Result
    score: float
    scores: list[float | None]
    unsure: list[str]
    quality: float
    box: list[float]


class Step(View):
    """One judgement of a camera's scene."""

    number: int
    at: float
    captured_at: float
    result: Result
    score: float
    threshold: float
    panel: int = Field(description="Who judged: the key in `panels`.")
    verdicts: list[Verdict]


class Scores(View):
    """Judgements of one camera, the oldest first."""

    camera: CameraId
    panels: dict[int, list[dict[str, Any]]] = Field(
        description="The experts of each panel: docs/messages.md."
    )
    steps: list[Step]
    truncated: bool = Field(description="There were more: the oldest ones are left out.")


class IncidentDetail(View):
    """One incident with all that is known of it."""

    incident: Incident
    changes: list[Change]
    scores: Scores = Field(description="The verdicts around it.")
    evidence: list[Evidence]


Note = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class Labelling(View):
    """What somebody finds an incident to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Label = Field(description="true: violence; false: a false alarm; none: nobody knows.")
    note: Note | None = Field(None, description="Absent: the note stays as it is.")


# --- rules --------------------------------------------------------------------------------------------------


class Zone(rules.Zone):
    """A zone; `drawn` on this page, or fixed by the site file."""

    drawn: bool = Field(description="Whether it was drawn here: the site file's are changed there.")


class Rules(View):
    """What a camera's people are judged by. docs/zones.md."""

    digest: str = Field(description="Names these rules; whoever changes them says which they saw.")
    primary_threshold: float | None = Field(description="null: as the classify worker was started.")
    veto_threshold: float | None
    scene_threshold: float | None
    shadow: bool
    drawn_shadow: bool | None = Field(description="As set here; null: as the site file says.")
    timezone: str
    zones: list[Zone]


class NewRules(BaseModel):
    """What is drawn here, whole: zones that are not in it are gone."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(max_length=16)
    zones: tuple[rules.Zone, ...] = Field((), max_length=MAX_ZONES)
    shadow: bool | None = None
