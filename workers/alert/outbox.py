"""What has to be told, in the database: stored once, sent at least once, kept if it cannot be sent.

A row is one change of one incident for one channel. Its event is stored with it, so that every try sends the
same, whatever has been configured since.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from shared.store.database import Database, DatabaseAwayError
from shared.store.tables import deliveries, evidence
from workers.alert.delivery import Backlog, Delivery, News
from workers.alert.event import Event
from workers.alert.going import Going

log = logging.getLogger(__name__)

_REASON_LENGTH = 300
# Rows of one transaction: other writers wait for it.
_BATCH = 500


class Outbox:
    """The deliveries of a site. Threads may share it; all methods raise DatabaseAwayError.

    Args:
        url: see `Database`.

    Raises:
        ConfigError: the URL, the file or its tables cannot be used by this version.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self._ready = False
        try:
            self._prepare()
        except DatabaseAwayError as error:
            log.warning("alert waits: %s", error)

    def told(self, incident_ids: Sequence[str]) -> set[tuple[str, str]]:
        """Who has been told of incidents, or will be: (channel, incident id)."""
        query = select(deliveries.c.channel, deliveries.c.incident_id).distinct()
        with self._reading() as connection:
            rows = connection.execute(query.where(deliveries.c.incident_id.in_(incident_ids)))
            return {(row.channel, row.incident_id) for row in rows}

    def put(self, news: Sequence[News], now: float) -> None:
        """Store what is not there yet, all of it or nothing."""
        keys = [one.event.key for one in news]
        rows = [_row(one, channel, now) for one in news for channel in one.channels]
        if not rows:
            return
        query = select(deliveries.c.channel, deliveries.c.key).where(deliveries.c.key.in_(keys))
        try:
            with self._writing() as connection:
                known = {(row.channel, row.key) for row in connection.execute(query)}
                fresh = [row for row in rows if (row["channel"], row["key"]) not in known]
                if fresh:
                    connection.execute(insert(deliveries), fresh)
        except IntegrityError as error:
            # A worker that had lost the camera, and did not know it, stored the same in the same moment.
            raise DatabaseAwayError(
                f"{self._database.where}: another alert worker stored the same"
            ) from error

    def due(self, channel: str, now: float, not_before: float, limit: int) -> list[Delivery]:
        """What may be sent now, in order; nothing overtakes an earlier change of the same incident.

        Args:
            channel: whose.
            now: Unix time.
            not_before: what was told earlier is too old.
            limit: at most so many.
        """
        earlier = deliveries.alias()
        held_back = select(earlier.c.id).where(
            earlier.c.channel == deliveries.c.channel,
            earlier.c.incident_id == deliveries.c.incident_id,
            earlier.c.state == "waiting",
            earlier.c.id < deliveries.c.id,
            earlier.c.due_at > now,
        )
        query = (
            select(deliveries)
            .where(
                *(deliveries.c.state == "waiting", deliveries.c.channel == channel),
                *(deliveries.c.due_at <= now, deliveries.c.told_at >= not_before),
                ~held_back.exists(),
            )
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def sent(self, ids: Sequence[int], now: float) -> None:
        """A receiver has taken them."""
        self._set(ids, state="sent", done_at=now, reason=None, tries=deliveries.c.tries + 1)

    def failed(self, ids: Sequence[int], due_at: float, reason: str) -> None:
        """To be tried again."""
        self._set(ids, due_at=due_at, reason=reason[:_REASON_LENGTH], tries=deliveries.c.tries + 1)

    def bury(self, ids: Sequence[int], now: float, reason: str) -> None:
        """To be tried no more."""
        reason = reason[:_REASON_LENGTH]
        self._set(ids, state="dead", done_at=now, reason=reason, tries=deliveries.c.tries + 1)

    def give_up(self, before: float, now: float) -> int:
        """Bury what was told before a time and still waits, whoever should have sent it."""
        old = and_(deliveries.c.state == "waiting", deliveries.c.told_at < before)
        why = func.coalesce(
            "older than alert.give_up_after_s; before: " + deliveries.c.reason,
            "older than alert.give_up_after_s when its turn came",
        )
        change = update(deliveries).where(old).values(state="dead", done_at=now, reason=why)
        with self._writing() as connection:
            return connection.execute(change).rowcount

    def prune(self, before: float) -> int:
        """Remove some of what was sent or given up before a time; returns how many."""
        old = select(deliveries.c.id).where(deliveries.c.state != "waiting", deliveries.c.done_at < before)
        with self._writing() as connection:
            ids = list(connection.execute(old.limit(_BATCH)).scalars())
            return (
                connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids))).rowcount if ids else 0
            )

    def backlogs(self) -> dict[str, Backlog]:
        """How each channel stands that has anything waiting or dead."""
        query = (
            select(
                deliveries.c.channel,
                deliveries.c.state,
                func.count().label("count"),
                func.min(deliveries.c.told_at).label("oldest"),
            )
            .where(deliveries.c.state != "sent")
            .group_by(deliveries.c.channel, deliveries.c.state)
        )
        found: dict[str, dict[str, Any]] = {}
        with self._reading() as connection:
            for row in connection.execute(query):
                kept = found.setdefault(row.channel, {})
                if row.state == "dead":
                    kept["dead"] = row.count
                else:
                    kept |= {"waiting": row.count, "oldest_told_at": row.oldest}
        return {channel: Backlog(**kept) for channel, kept in found.items()}

    def going(self, channel: str) -> Going:
        """Incidents of which a channel has been told, but not of their end, or that was given up."""
        query = (
            select(
                deliveries.c.camera, deliveries.c.generation, deliveries.c.incident_id, deliveries.c.change
            )
            .where(deliveries.c.channel == channel, deliveries.c.state != "waiting")
            .order_by(deliveries.c.id)
        )
        going = Going()
        with self._reading() as connection:
            for row in connection.execute(query):
                going.note(row.camera, row.generation, row.incident_id, row.change)
        return going

    def dead(self) -> list[Delivery]:
        """What was given up and is still kept, the oldest first."""
        query = select(deliveries).where(deliveries.c.state == "dead").order_by(deliveries.c.id)
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def revive(self, ids: Sequence[int], now: float) -> None:
        """Send dead ones again, as if they had been told now."""
        self._set(ids, state="waiting", due_at=now, told_at=now, done_at=None, tries=0)

    def forget(self, ids: Sequence[int]) -> None:
        """Remove rows."""
        with self._writing() as connection:
            connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))

    def snapshot(self, incident_id: str) -> str | None:
        """The path of an incident's snapshot, below the folder of evidence; None until there is one."""
        one = and_(evidence.c.incident_id == incident_id, evidence.c.kind == "snapshot")
        with self._reading() as connection:
            return connection.execute(select(evidence.c.path).where(one)).scalar()

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def _set(self, ids: Sequence[int], **values: Any) -> None:
        with self._writing() as connection:
            connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(**values))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._prepare()
        with self._database.writing() as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._prepare()
        with self._database.reading() as connection:
            yield connection

    def _prepare(self) -> None:
        if not self._ready:
            self._database.migrate()
            self._ready = True


def _row(news: News, channel: str, now: float) -> dict[str, Any]:
    event = news.event
    return {
        "channel": channel,
        "key": event.key,
        "incident_id": event.incident.id,
        "camera": event.camera,
        "generation": news.generation,
        "change": event.change,
        "event": event.model_dump(mode="json"),
        "told_at": event.told_at.timestamp(),
        "state": "waiting",
        "tries": 0,
        "due_at": now,
    }


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        channel=row.channel,
        event=Event.model_validate(row.event),
        generation=row.generation,
        told_at=row.told_at,
        tries=row.tries,
        reason=row.reason,
    )
