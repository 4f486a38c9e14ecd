"""/api/v1/cameras/CAMERA/rules: what a camera's people are judged by, and the zones that are drawn here."""

from __future__ import annotations

import logging

from fastapi import APIRouter, HTTPException

from shared.messages import MAX_ZONES
from shared.rulebook import Drawn, Layers, RulesError, layers, publish
from workers.serve import drawn
from workers.serve.access import Admin, Viewer
from workers.serve.api import views
from workers.serve.api.fleet import CameraInPath, known
from workers.serve.services import Here, Services

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/cameras/{camera}/rules")


@router.get("")
def rules(camera: CameraInPath, _caller: Viewer, here: Here) -> views.Rules:
    """The rules that hold for new frames."""
    known(camera, here)
    return _view(_stored(camera, here))


@router.put("")
def draw(camera: CameraInPath, said: views.NewRules, caller: Admin, here: Here) -> views.Rules:
    """Draw zones and set shadow mode, beside what the site file says. New frames follow at once."""
    known(camera, here)
    stored = _stored(camera, here)
    if said.digest != stored.digest:
        raise HTTPException(409, "somebody else has changed the rules meanwhile: load them again")
    wanted = Drawn(zones=said.zones, shadow=said.shadow)
    _check_names(wanted, stored)
    with here.database.writing() as database:
        drawn.keep(database, camera, wanted, caller.name, here.clock())
    publish(here.bus, camera, "page", wanted)
    log.info(
        "camera=%s rules drawn zones=%d shadow=%s by=%s", camera, len(said.zones), said.shadow, caller.name
    )
    return _view(_stored(camera, here))


def _stored(camera: str, here: Services) -> Layers:
    try:
        return layers(here.bus, camera)
    except RulesError as error:
        raise HTTPException(503, str(error)) from error


def _check_names(wanted: Drawn, stored: Layers) -> None:
    names = [zone.name for zone in (*stored.file.zones, *wanted.zones)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise HTTPException(422, f"there are two zones '{twice}': each needs a name of its own")
    if len(names) > MAX_ZONES:
        raise HTTPException(422, f"{len(names)} zones are more than {MAX_ZONES}: remove some")


def _view(stored: Layers) -> views.Rules:
    rules = stored.rules
    fixed = {zone.name for zone in stored.file.zones}
    return views.Rules(
        digest=stored.digest,
        primary_threshold=rules.primary_threshold,
        veto_threshold=rules.veto_threshold,
        scene_threshold=rules.scene_threshold,
        shadow=rules.shadow,
        drawn_shadow=stored.page.shadow,
        timezone=rules.timezone,
        zones=[views.Zone(**dict(zone), drawn=zone.name not in fixed) for zone in rules.zones],
    )
