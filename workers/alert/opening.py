"""Makes the channels of a site file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path

from shared.config import ConfigError
from workers.alert.channels.channel import Channel
from workers.alert.config import AlertConfig
from workers.alert.going import Going
from workers.alert.outbox import Outbox
from workers.alert.routing import Changes

_TO_PEOPLE: Changes = ("new", "end")
_TO_PROGRAMS: Changes = ("new", "update", "end")


def usual_changes(config: AlertConfig) -> dict[str, Changes]:
    """Each channel, and the changes that it is told of where no route says."""
    return {name: _TO_PEOPLE if name in config.apprise else _TO_PROGRAMS for name in config.channels}


def open_channels(
    config: AlertConfig,
    site: str,
    cameras: Sequence[str],
    outbox: Outbox | None,
    evidence: Path,
    zone: Callable[[], tzinfo],
) -> dict[str, Channel]:
    """All channels of a site, by name; none is connected yet.

    Args:
        config: what they are.
        site: its name.
        cameras: whose incidents there are.
        outbox: what was told before; None: they are only tried, and leave nothing behind.
        evidence: where snapshots are.
        zone: asks for the time zone of messages.

    Raises:
        ConfigError: a URL, a template or a file cannot be used.
    """
    # Imported where they are used: most sites need one of these libraries, or none.
    made: dict[str, Channel] = {}
    if config.apprise:
        from workers.alert.channels.people import PeopleChannel

        for name, people in config.apprise.items():
            made[name] = PeopleChannel(people, f"alert.apprise.{name}", zone, _finder(outbox, evidence))
    if config.webhooks:
        from workers.alert.channels.webhook import WebhookChannel

        for name, webhook in config.webhooks.items():
            _check(webhook.ca_file, f"alert.webhooks.{name}.ca_file")
            made[name] = WebhookChannel(webhook)
    if config.mqtt:
        from workers.alert.channels.mqtt import MqttChannel

        for name, broker in config.mqtt.items():
            _check(broker.ca_file, f"alert.mqtt.{name}.ca_file")
            going = functools.partial(outbox.going, name) if outbox else Going
            made[name] = MqttChannel(broker, site, cameras, going, trial=outbox is None)
    return made


def _finder(outbox: Outbox | None, evidence: Path) -> Callable[[str], Path | None]:
    def find(incident_id: str) -> Path | None:
        path = outbox.snapshot(incident_id) if outbox else None
        found = evidence / path if path else None
        return found if found and found.is_file() else None

    return find


def _check(path: Path | None, key: str) -> None:
    """Raises ConfigError if a file is named that cannot be read."""
    if path is None:
        return
    try:
        path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{key}: {path}: cannot be read: {error.strerror}") from error
