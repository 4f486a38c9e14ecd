"""The alert worker's stage: Incidents into the outbox, from where each channel's sender takes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from shared.config import ConfigError
from shared.hours import Timezone, clock
from shared.messages import Incidents, Message
from shared.stage import BadInput, Stage, TryLater
from shared.store.database import DatabaseAwayError
from workers.alert import metrics
from workers.alert.care import Caretaker
from workers.alert.channels.channel import Channel
from workers.alert.config import AlertConfig, Limit, Routing
from workers.alert.delivery import News
from workers.alert.event import event_of, moment
from workers.alert.opening import open_channels, usual_changes
from workers.alert.outbox import Outbox
from workers.alert.routing import Routes
from workers.alert.sending import Sender


@dataclass(frozen=True)
class Place:
    """The site as alerts name it.

    Attributes:
        name: for people.
        cameras: all of them.
        evidence: the folder in which snapshots are.
    """

    name: str
    cameras: tuple[str, ...]
    evidence: Path


@dataclass(frozen=True)
class _Rules:
    """All that may be replaced while the worker runs."""

    routing: Routing
    routes: Routes
    zone: tzinfo


class Alert:
    """The worker: one stage, and a thread for each channel.

    Args:
        config: channels and rules.
        place: the site.
        timezone: of hours and of times in messages.
        database_url: where the outbox is.
        now: Unix time.

    Raises:
        ConfigError: a channel, a template or the database's URL cannot be used.
    """

    def __init__(
        self,
        config: AlertConfig,
        place: Place,
        timezone: Timezone,
        database_url: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._place, self._now = place, now
        self._usual = usual_changes(config)
        self._rules = self._made(config, timezone)
        self._outbox = Outbox(database_url)
        self._stop = threading.Event()
        channels = open_channels(config, place.name, place.cameras, self._outbox, place.evidence, self._zone)
        self._senders = [self._sender(config, name, channel) for name, channel in channels.items()]
        self._care = Caretaker(
            self._outbox, list(channels), config.give_up_after_s, config.keep_days, self._stop, now
        )

    def use(self, routing: Routing, timezone: Timezone) -> None:
        """Tell by other rules from now on: routes, limit, link, time zone. Any thread may call it.

        Raises:
            ConfigError: a route tells a channel that this worker was not started with; nothing has changed.
        """
        self._rules = self._made(routing, timezone)

    def stage(self) -> Stage[Any, None, None, Any]:
        """The stage, whose senders run from now on."""
        for thread in (*self._senders, self._care):
            thread.start()
        return Stage(
            name="alert",
            reads="incidents",
            writes="",
            settings="",
            initial=lambda _camera, _generation: None,
            prepare=_prepare,
            advance=lambda _state, item, _seen: (None, item),
            # A mark that ended incidents comes as Incidents.
            mark=lambda _state, _mark: (None, None),
            deliver=self._deliver,
            close=self.close,
            max_batch=64,
            max_wait_ms=0.0,
        )

    def close(self) -> None:
        """End all threads; what is not sent stays in the outbox."""
        self._stop.set()
        for sender in self._senders:
            sender.wake()
        for thread in (*self._senders, self._care):
            if thread.is_alive():
                thread.join(1.0)
        self._outbox.close()

    def _deliver(self, _camera: str, records: Sequence[tuple[str, Message]]) -> None:
        told = [(entry_id, record) for entry_id, record in records if isinstance(record, Incidents)]
        try:
            news = self._news([(entry_id, record) for entry_id, record in told if record.incidents])
            self._outbox.put(news, self._now())
        except DatabaseAwayError as error:
            raise TryLater(str(error)) from error
        for _, record in told:
            self._count_shadowed(record)
        if news:
            for sender in self._senders:
                sender.wake()

    def _news(self, records: Sequence[tuple[str, Incidents]]) -> list[News]:
        rules, found = self._rules, []
        if not records or not self._senders:
            return []
        told = self._outbox.told(
            sorted({one.incident_id for _, record in records for one in record.incidents})
        )
        for entry_id, record in records:
            local = datetime.fromtimestamp(record.captured_at, rules.zone)
            told_at = record.trail[-1].done_at if record.trail else self._now()
            for incident in record.incidents:
                before = {channel for channel, known in told if known == incident.incident_id}
                channels = rules.routes.channels(record.camera, incident, local, before)
                if channels:
                    event = event_of(
                        self._place.name, entry_id, record, incident, told_at, rules.routing.page_url
                    )
                    found.append(News(event=event, generation=record.generation, channels=tuple(channels)))
                    told |= {(channel, incident.incident_id) for channel in channels}
        return found

    def _count_shadowed(self, record: Incidents) -> None:
        shadowed = sum(incident.shadow for incident in record.incidents)
        if shadowed:
            metrics.SHADOWED.labels(record.camera).inc(shadowed)

    def _sender(self, config: AlertConfig, name: str, channel: Channel) -> Sender:
        retry_max_s = config.channels[name].retry_max_s
        return Sender(
            name,
            channel,
            self._outbox,
            self._limit,
            retry_max_s,
            config.give_up_after_s,
            self._stop,
            self._now,
        )

    def _made(self, routing: Routing, timezone: Timezone) -> _Rules:
        try:
            routes = Routes(routing, self._usual)
        except ValueError as error:
            raise ConfigError(f"alert.{error}: a new channel needs a restart of the alert worker") from None
        return _Rules(routing, routes, clock(timezone))

    def _limit(self) -> Limit:
        return self._rules.routing.limit

    def _zone(self) -> tzinfo:
        return self._rules.zone


def _prepare(message: Message) -> Message:
    if not isinstance(message, Incidents):
        raise BadInput(f"expected incidents, got {type(message).__name__}")
    times = [message.captured_at, *(stamp.done_at for stamp in message.trail)]
    times += [one.began_captured_at + one.last_at - one.began_at for one in message.incidents]
    times += [one.began_captured_at for one in message.incidents]
    try:
        for at in times:
            moment(at)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"a time is beyond all years: {error}") from error
    return message
