"""People, through whatever service apprise knows.

Apprise says only whether it worked; why it did not stands in its log, which holds addresses with their
tokens. So its log goes nowhere, and what is taken from it is redacted first.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import apprise
from apprise.manager_plugins import NotificationManager

from shared.config import ConfigError
from workers.alert.channels.channel import ChannelAwayError, silence
from workers.alert.config import Apprise
from workers.alert.delivery import Delivery
from workers.alert.text import Wording, summary

_HIDDEN = "***"
# Shorter parts of an address are words such as `to` or `v1`, and no secrets.
_LEAST = 6
_LONGEST_REASON = 250
_LOOK_AGAIN_S = 0.25
# What apprise's lines say of a failure, the clearest first, and how people are told.
_CAUSES = (
    (re.compile(r"CERTIFICATE_VERIFY_FAILED\]?[^:\n]*: ([^('\")\n]+)"), "its certificate is not trusted: {}"),
    (re.compile(r"Name or service not known|getaddrinfo failed"), "its name is not known"),
    (re.compile(r"Connection refused"), "nobody listens there (connection refused)"),
    (re.compile(r"timed out"), "no answer in time"),
    (re.compile(r"\((5\d\d), b['\"]([^'\"\n]*)"), "it refuses with {} {}"),
    (re.compile(r"\[Errno -?\d+\] ([^'\")\n]+)"), "{}"),
    (re.compile(r"error[ =]+(\d{3})\b"), "it answers with status {}"),
    (re.compile(r"Exception: ([^\n]+)"), "{}"),
)

Snapshot = Callable[[str], Path | None]


class PeopleChannel:
    """One service, with all the people that its URL names.

    Args:
        config: the service, and how messages read.
        where: what the channel is called in the site file.
        zone: asks for the time zone of messages.
        snapshot: incident id -> its picture, None until there is one.
        clock, sleep: of the waiting for it.

    Raises:
        ConfigError: apprise cannot use the URL, or a template is none.
    """

    sums_up = True

    def __init__(
        self,
        config: Apprise,
        where: str,
        zone: Callable[[], tzinfo],
        snapshot: Snapshot = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        silence("apprise", "urllib3")
        # Only its fine print says why something failed.
        logging.getLogger("apprise").setLevel(logging.DEBUG)
        self._config, self._zone, self._snapshot = config, zone, snapshot
        self._clock, self._sleep = clock, sleep
        self._wording = Wording(config.title, config.body, where)
        url = config.url.get_secret_value()
        # In this thread: one slow service must not wait for another one's threads.
        self._service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        if not self._service.add(url):
            known = url.partition(":")[0].lower() in NotificationManager()  # type: ignore[no-untyped-call]
            why = (
                "apprise knows this service, but not in this form"
                if known
                else "apprise knows no such service"
            )
            raise ConfigError(f"{where}.url: {why}: docs/alerts.md has examples")
        shown: str = self._service[0].url(privacy=True)  # type: ignore[no-untyped-call]
        self._secrets = secrets_of(url, shown)

    def tend(self) -> bool:
        """Nothing: each message stands alone."""
        return False

    def send(self, news: Sequence[Delivery]) -> None:
        """Send one message, about one event or about many; see `Channel`."""
        events = [one.event for one in news]
        zone = self._zone()
        title, body = self._wording.of(events[0], zone) if len(events) == 1 else summary(events, zone)
        picture = (
            self._picture(events[0].incident.id) if len(events) == 1 and events[0].change != "end" else None
        )
        kind = apprise.NotifyType.SUCCESS if events[-1].change == "end" else apprise.NotifyType.WARNING
        try:
            result = self._service.notify(
                title=title,
                body=body,
                notify_type=kind,
                body_format=apprise.NotifyFormat.TEXT,
                attach=[str(picture)] if picture else None,
                log_level=logging.DEBUG,
            )
        except Exception as error:
            # Somebody else's code for one of a hundred services; what it raises may hold the address.
            raise ChannelAwayError(f"apprise broke: {type(error).__name__}", answered=True) from None
        if not result:
            raise ChannelAwayError(self._reason([entry.message for entry in result.logs()]), answered=True)

    def close(self) -> None:
        """Nothing is kept open."""

    def _picture(self, incident_id: str) -> Path | None:
        until = self._clock() + self._config.snapshot_wait_s
        while self._config.snapshot_wait_s:
            found = self._snapshot(incident_id)
            if found is not None or self._clock() >= until:
                return found
            self._sleep(_LOOK_AGAIN_S)
        return None

    def _reason(self, lines: Sequence[str]) -> str:
        text = "\n".join(lines)
        for pattern, words in _CAUSES:
            found = pattern.search(text)
            if found:
                return redacted(words.format(*found.groups()), self._secrets)
        return "the service did not take it"


def secrets_of(url: str, shown: str) -> tuple[str, ...]:
    """What may be a secret in a service's URL, the longest first.

    Args:
        url: the URL.
        shown: as apprise shows it to people: of user and host, what stands there is none.
    """
    parts = urlsplit(url)
    rest, _, host = parts.netloc.rpartition("@")
    user, _, password = rest.partition(":")
    found = {part for part in (user, host, *host.split(":")) if len(part) >= _LEAST and part not in shown}
    words = [*parts.path.split("/"), parts.fragment, *(value for _, value in parse_qsl(parts.query))]
    if not parts.scheme.startswith("mailto"):
        found |= {word for word in words if len(word) >= _LEAST}
    found |= {password} - {""}
    found |= {unquote(secret) for secret in found}
    return (url, *sorted(found, key=len, reverse=True))


def redacted(text: str, secrets: Sequence[str]) -> str:
    """One line without them."""
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    return " ".join(text.split())[:_LONGEST_REASON]
