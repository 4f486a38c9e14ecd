"""What people read: an event through the site's templates, and the sum of many events."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.config import ConfigError
from workers.alert.config import BODY, TITLE
from workers.alert.event import Event, trial_event

log = logging.getLogger(__name__)

_ENDED_BECAUSE = {
    "quiet": "it is quiet again",
    "silent": "the camera gives no picture",
    "source_ended": "the recording has ended",
    "merged": "it goes on with another one",
    None: "",
}
_LINES = 10
_TEMPLATE_ERRORS = (TemplateError, ValueError, TypeError, ArithmeticError, LookupError)


class Wording:
    """A channel's templates.

    Args:
        title, body: Jinja templates.
        where: what the channel is called in the site file.

    Raises:
        ConfigError: a template cannot be used.
    """

    def __init__(self, title: str, body: str, where: str) -> None:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        sample = trial_event("site", "camera", "key", 0.0)
        for name, text in (("title", title), ("body", body)):
            try:
                environment.from_string(text).render(_names(sample, UTC))
            except _TEMPLATE_ERRORS as error:
                reason = " ".join(str(error).split())
                raise ConfigError(f"{where}.{name}: is no template that can be used: {reason}") from None
        self._said = environment.from_string(title), environment.from_string(body)
        self._usual = environment.from_string(TITLE), environment.from_string(BODY)
        self._where = where

    def of(self, event: Event, zone: tzinfo) -> tuple[str, str]:
        """Title and text, with times by a zone."""
        if event.kind == "test":
            return f"[TEST] {event.site}", f"A test of this channel: nothing has happened at {event.camera}."
        names = _names(event, zone)
        try:
            title, body = (template.render(names) for template in self._said)
        except _TEMPLATE_ERRORS as error:
            # It could render the sample. People must be told all the same.
            log.warning("%s: its template fails on %s: %s", self._where, event.key, error)
            title, body = (template.render(names) for template in self._usual)
        return " ".join(title.split()), body.strip()


def summary(events: Sequence[Event], zone: tzinfo) -> tuple[str, str]:
    """Title and text of one message that stands for many."""
    began = Counter(event.camera for event in events if event.change != "end")
    ended = Counter(event.camera for event in events if event.change == "end")
    first, last = (_clock(pick(event.told_at for event in events), zone) for pick in (min, max))
    lines = [
        f"{camera}: {began[camera]} began or went on, {ended[camera]} ended"
        for camera in dict.fromkeys(event.camera for event in events)
    ]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {len(lines) - _LINES} more cameras"]
    title = f"{events[0].site}: and {len(events)} more about violence"
    return title, "\n".join([f"More than this channel's limit, from {first} to {last}:", *lines])


def _names(event: Event, zone: tzinfo) -> dict[str, object]:
    """What a template may name."""
    incident = event.incident
    return {
        "site": event.site,
        "camera": event.camera,
        "change": event.change,
        "began": _clock(incident.began_at, zone),
        "last": _clock(incident.last_at, zone),
        "seconds": round(incident.seconds),
        "score": incident.score,
        "people": incident.people,
        "zones": list(incident.zones),
        "ended_because": _ENDED_BECAUSE.get(incident.end_reason, ""),
        "incident_id": incident.id,
        "link": event.link or "",
    }


def _clock(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
