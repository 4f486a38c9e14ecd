"""What the routes work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from shared.bus import Bus
from shared.store.database import Database
from workers.serve.config import ServeConfig
from workers.serve.limits import LoginLimit
from workers.serve.live.hub import Hub
from workers.serve.observer import Observer
from workers.serve.passwords import Passwords
from workers.serve.remembered import Remembered


@dataclass(frozen=True)
class Place:
    """What is served.

    Attributes:
        name: the site's, for people.
        cameras: their ids.
        evidence: the folder below which clips and snapshots lie.
    """

    name: str
    cameras: tuple[str, ...]
    evidence: Path


@dataclass(frozen=True)
class Services:
    """Everything that a route may use.

    Attributes:
        clock: seconds since 1970.
        monotonic: seconds that never go back, for waits.
    """

    place: Place
    config: ServeConfig
    bus: Bus
    database: Database
    passwords: Passwords
    limit: LoginLimit
    observer: Observer
    hub: Hub
    remembered: Remembered = field(default_factory=Remembered)
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


def _of(connection: HTTPConnection) -> Services:
    services: Services = connection.app.state.services
    return services


Here = Annotated[Services, Depends(_of)]
