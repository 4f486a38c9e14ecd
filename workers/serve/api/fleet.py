"""/api/v1: who asks, the cameras, their scores, the fleet."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.requests import Request

from shared.bus.survey import CameraSurvey
from shared.messages import CAMERA_PATTERN
from workers.serve.access import Viewer
from workers.serve.api import views
from workers.serve.api.history import Judgements, judged_between
from workers.serve.observer import Observation
from workers.serve.services import Here, Services

router = APIRouter(prefix="/api/v1")

CameraInPath = Annotated[str, Path(pattern=CAMERA_PATTERN)]
# A camera whose last frame is older does not give what it should, or the fleet does not keep up.
_LATE_AFTER_S = 10.0
_STATES: dict[str, views.State] = {"": "waiting", "no frame": "silent", "end": "ended", "frame": "running"}


@router.get("/me")
def me(caller: Viewer, here: Here) -> views.Me:
    """Who you are, and what this site shows."""
    return views.Me(
        name=caller.name,
        role=caller.role,
        csrf=caller.csrf,
        site=here.place.name,
        picture=here.config.picture == "picture",
    )


@router.get("/cameras")
def cameras(_caller: Viewer, here: Here) -> list[views.Camera]:
    """All cameras, in the site file's order."""
    return _cameras(_observed(here))


@router.get("/cameras/{camera}")
def camera(camera: CameraInPath, _caller: Viewer, here: Here) -> views.Camera:
    """One camera."""
    known(camera, here)
    return next(found for found in _cameras(_observed(here)) if found.camera == camera)


@router.get("/cameras/{camera}/scores")
def scores(
    camera: CameraInPath,
    _caller: Viewer,
    here: Here,
    minutes: Annotated[float, Query(gt=0, le=60, description="How far to look back.")] = 5,
    until: Annotated[float | None, Query(description="Seconds since 1970; absent: now.")] = None,
) -> views.Scores:
    """What was judged of one camera in the last minutes, the oldest first."""
    known(camera, here)
    end = here.clock() if until is None else until
    with here.database.reading() as database:
        return scores_view(camera, judged_between(database, camera, end - 60 * minutes, end))


@router.get("/system")
def system(_caller: Viewer, here: Here) -> views.System:
    """The fleet: its workers, its cameras, the server's memory."""
    seen = _observed(here)
    return views.System(
        site=here.place.name,
        version=version("nexara"),
        at=seen.survey.at,
        cameras=_cameras(seen),
        delays={stage: views.Delay.model_validate(delay) for stage, delay in seen.delays.items()},
        workers={stage: list(names) for stage, names in seen.survey.workers.items()},
        memory_bytes=seen.memory_bytes,
        memory_limit_bytes=seen.memory_limit_bytes,
    )


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, _caller: Viewer) -> dict[str, Any]:
    """This API, for programs that read OpenAPI."""
    document: dict[str, Any] = request.app.openapi()
    return document


def scores_view(camera: str, judged: Judgements) -> views.Scores:
    """Judgements as the API tells them."""
    return views.Scores(
        camera=camera,
        panels=judged.panels,
        steps=[
            views.Step(**step, verdicts=[views.Verdict(**verdict) for verdict in verdicts])
            for step, verdicts in judged.steps
        ],
        truncated=judged.truncated,
    )


def camera_view(seen: CameraSurvey, fps: float, now: float) -> views.Camera:
    """One camera as the API tells of it."""
    state = _STATES[seen.source]
    if state == "running" and seen.last_at is not None and now - seen.last_at > _LATE_AFTER_S:
        state = "late"
    return views.Camera(
        camera=seen.camera,
        state=state,
        fps=round(fps, 2),
        last_at=seen.last_at,
        lags=seen.lags,
        owners=seen.owners,
        dropped=seen.dropped,
        dead=seen.dead,
    )


def _cameras(seen: Observation) -> list[views.Camera]:
    at = seen.survey.at
    return [camera_view(camera, seen.fps[camera.camera], at) for camera in seen.survey.cameras]


def _observed(here: Services) -> Observation:
    if here.observer.latest is None:
        raise HTTPException(503, "the server has not answered yet: try again")
    return here.observer.latest


def known(camera: str, here: Services) -> None:
    """Raises HTTPException unless the site has this camera."""
    if camera not in here.place.cameras:
        raise HTTPException(404, "the site has no such camera")
