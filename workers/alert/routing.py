"""Which channels are told of a change. Pure; replaced as a whole when the rules change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from shared.hours import hold
from shared.messages import Incident
from workers.alert.config import Change, Route, Routing

Changes = tuple[Change, ...]


class Routes:
    """Who is told of what.

    Args:
        routing: the rules.
        usual: channel -> the changes that it is told of where a route does not say.

    Raises:
        ValueError: a route tells a channel that is not there.
    """

    def __init__(self, routing: Routing, usual: Mapping[str, Changes]) -> None:
        routing.check_names(usual)
        self._usual = usual
        everything = {"all": Route(channels=list(usual))} if usual else {}
        self._routes = tuple((routing.routes or everything).values())

    def channels(self, camera: str, incident: Incident, moment: datetime, told: Collection[str]) -> list[str]:
        """Who is told of this change, in the order of the site file.

        Whoever was told of an incident is told of its end, whatever has changed since. Whoever is told of new
        ones hears of an incident that comes to fit a route later (its score rises, the hours begin) when it
        does. Of an incident in shadow mode nobody is told.

        Args:
            camera: whose incident it is.
            incident: the change.
            moment: of its capture, by the site's clock.
            told: the channels that have been told of this incident before.
        """
        return [
            channel
            for channel, usual in self._usual.items()
            if any(
                _tells(route, usual, camera, incident, moment, channel in told)
                for route in self._routes
                if channel in route.channels
            )
        ]

    def reached(self, camera: str) -> list[str]:
        """Who may be told of a camera's incidents at all."""
        return [
            channel
            for channel in self._usual
            if any(channel in route.channels and _leads_from(route, camera) for route in self._routes)
        ]


def _tells(
    route: Route, usual: Changes, camera: str, incident: Incident, moment: datetime, told: bool
) -> bool:
    """Whether a route tells one of its channels, which has been told of this incident before or not."""
    wanted, change = route.changes or usual, incident.change
    if change == "end" and told:
        return change in wanted and _leads_from(route, camera)
    if incident.shadow or not _fits(route, camera, incident, moment):
        return False
    return change in wanted or (change == "update" and "new" in wanted and not told)


def _fits(route: Route, camera: str, incident: Incident, moment: datetime) -> bool:
    return (
        _leads_from(route, camera)
        and (not route.zones or not set(route.zones).isdisjoint(incident.zones))
        and max(incident.peak_score, incident.peak_scene_score) >= route.min_score
        and (not route.hours or any(hold(hours, moment) for hours in route.hours))
    )


def _leads_from(route: Route, camera: str) -> bool:
    return any(fnmatchcase(camera, pattern) for pattern in route.cameras)
