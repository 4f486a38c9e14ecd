"""Puts a site file's rules into force while the fleet runs, and says what that changes and what it cannot."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from shared.bus import Bus
from shared.rulebook import layers, publish
from shared.rules import Rules, RulesOptions, Zone
from workers.alert.applied import applied_of, put, stored
from workers.alert.config import Routing
from workers.cli.site import Site

log = logging.getLogger(__name__)

# What follows the file without a restart, by its path; `*` is any camera.
_RELOADED = {
    ("timezone",),
    ("classify", "thresholds"),
    ("classify", "primary_threshold"),
    ("classify", "veto_threshold"),
    ("classify", "scene_threshold"),
    *(("alert", name) for name in Routing.model_fields),
    *(("cameras", "*", name) for name in RulesOptions.model_fields),
}
_THRESHOLDS = {
    "primary_threshold": "primary threshold",
    "veto_threshold": "veto threshold",
    "scene_threshold": "scene threshold",
}


@dataclass(frozen=True)
class CameraChange:
    """What became of one camera's rules; `digest` names those that hold now."""

    camera: str
    digest: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What applying a site file has changed: of each camera, and whether of alerts anything."""

    cameras: tuple[CameraChange, ...]
    alerts: bool


def apply(bus: Bus, site: Site) -> Outcome:
    """Puts the rules of every camera of the site file, and those of alerts, on the server.

    Raises:
        BusError: the server does not answer; cameras that were done stay so.
        RulesError: what is stored cannot be read.
    """
    return Outcome(tuple(_camera_rules(bus, site)), _alert_rules(bus, site))


def _camera_rules(bus: Bus, site: Site) -> Iterator[CameraChange]:
    for camera, rules in site.rules().items():
        before = layers(bus, camera)
        publish(bus, camera, "file", rules)
        after = layers(bus, camera)
        changes = tuple(changed(before.rules, after.rules)) if before.digest != after.digest else ()
        if changes:
            log.info("camera=%s rules=%s %s", camera, after.digest, "; ".join(changes))
        yield CameraChange(camera, after.digest, changes)


def _alert_rules(bus: Bus, site: Site) -> bool:
    wanted = applied_of(site.alert, site.timezone)
    if stored(bus) == wanted:
        return False
    put(bus, wanted)
    log.info("other alert rules: %d routes", len(wanted.routing.routes))
    return True


def changed(before: Rules, after: Rules) -> Iterator[str]:
    """What differs between two sets of rules, in words."""
    for field, words in _THRESHOLDS.items():
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield f"{words} {'as started' if was is None else f'{was:g}'} -> {now:g}"
    if before.shadow != after.shadow:
        yield "shadow mode begins: nobody is alerted" if after.shadow else "shadow mode ends"
    if before.timezone != after.timezone:
        yield f"timezone {before.timezone} -> {after.timezone}"
    old, new = _by_name(before.zones), _by_name(after.zones)
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"zone '{name}' is new"
        elif name not in new:
            yield f"zone '{name}' is gone"
        elif old[name] != new[name]:
            yield f"zone '{name}' has changed"


def needs_restart(running: Site, wanted: Site) -> list[str]:
    """The keys in which two site files differ and that only a restart of the fleet puts into force."""
    return sorted(".".join(path) for path in _differences(running, wanted, ()))


def _differences(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if path in _RELOADED or (path[:1] == ("cameras",) and (path[0], "*", *path[2:]) in _RELOADED):
        return
    if isinstance(one, BaseModel) and type(one) is type(other):
        one, other = (
            {name: getattr(part, name) for name in type(part).model_fields} for part in (one, other)
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in one.keys() | other.keys():
            yield from _differences(one.get(name), other.get(name), (*path, str(name)))
    elif one != other:
        yield path


def _by_name(zones: tuple[Zone, ...]) -> dict[str, Zone]:
    return {zone.name: zone for zone in zones}
