"""What people draw on the page: kept in the database, copied to the server for the fleet.

The database is asked first: a copy that the server has lost is made again from there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select, update

from shared.bus.streams import rules_key
from shared.rulebook import Drawn, RulesError, publish
from shared.store.tables import drawn_rules
from workers.serve.services import Services

log = logging.getLogger(__name__)


def keep(connection: Connection, camera: str, drawn: Drawn, name: str, now: float) -> None:
    """Store what was drawn for a camera, in place of what was before."""
    values = {"drawn": drawn.model_dump(mode="json"), "changed_at": now, "changed_by": name}
    row = update(drawn_rules).where(drawn_rules.c.camera == camera)
    if not connection.execute(row.values(**values)).rowcount:
        connection.execute(insert(drawn_rules).values(camera=camera, **values))


def bring_up_to_date(here: Services) -> None:
    """Gives the server what it lacks of what was drawn.

    Raises:
        BusError: it does not answer.
        DatabaseAwayError: the database does not.
    """
    with here.database.reading() as connection:
        kept = _drawn(connection)
    cameras = [camera for camera in here.place.cameras if camera in kept]
    if not cameras:
        return
    copies = here.bus.ask([("HGET", rules_key(camera), "page") for camera in cameras])
    for camera, copy in zip(cameras, copies, strict=True):
        if copy is None or copy.decode() != kept[camera].model_dump_json():
            try:
                publish(here.bus, camera, "page", kept[camera])
            except RulesError as error:
                log.error("camera=%s what was drawn is not in force: %s", camera, error)


def _drawn(connection: Connection) -> Mapping[str, Drawn]:
    found = {}
    for row in connection.execute(select(drawn_rules)).mappings():
        try:
            found[row["camera"]] = Drawn.model_validate(row["drawn"])
        except ValidationError as error:
            log.error("camera=%s what was drawn cannot be read: %s", row["camera"], error)
    return found
