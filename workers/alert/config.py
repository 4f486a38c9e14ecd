"""What a site file may say about the alert worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from shared.config import Section
from shared.hours import HOURS_WORDS, Hours

Change = Literal["new", "update", "end"]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
_TOPIC = r"^[^#+/$\s][^#+\s]*[^#+/\s]$|^[^#+/$\s]$"

TITLE = "{{ site }}: violence at {{ camera }}{% if change == 'end' %} has ended{% endif %}"
BODY = (
    "{{ camera }}, {{ began }}: {{ people }} people, score {{ '%.2f' | format(score) }}"
    "{% if zones %}, {{ zones | join(', ') }}{% endif %}"
    "{% if change == 'end' %}; {{ seconds }} s long, {{ ended_because }}{% endif %}."
    "{% if link %}\n{{ link }}{% endif %}"
)


def _a_web_address(secret: SecretStr) -> SecretStr:
    """Raises ValueError, without repeating it, unless it is an address of a web server."""
    try:
        parts = urlsplit(secret.get_secret_value())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("is no address of the form https://HOST/PATH")
    return secret


class Apprise(Section):
    """People, through any service that apprise knows: Telegram, Slack, Discord, mail and so on."""

    url: SecretStr = Field(
        min_length=4,
        description="The service's apprise URL, as ${TELEGRAM_URL}: docs/alerts.md has examples.",
    )
    title: str = Field(
        TITLE,
        max_length=1000,
        description="Jinja template of a message's title: docs/alerts.md has the names.",
    )
    body: str = Field(BODY, max_length=10_000, description="Jinja template of a message's text.")
    snapshot_wait_s: float = Field(
        0,
        ge=0,
        le=10,
        description="Attach the incident's snapshot to its first message, if it is made within so many "
        "seconds; 0: none.",
    )
    retry_max_s: float = Field(
        300, ge=1, le=3600, description="Longest pause between two tries; the first ones are shorter."
    )


class Webhook(Section):
    """A program that takes signed JSON over HTTP."""

    url: Annotated[SecretStr, AfterValidator(_a_web_address)] = Field(
        description="Where to POST to, as https://HOST/PATH."
    )
    secret: SecretStr = Field(
        min_length=16, description="Signs each request (HMAC-SHA256), as ${WEBHOOK_SECRET}."
    )
    authorization: SecretStr | None = Field(
        None, description="What to send as Authorization, as 'Bearer ${TOKEN}'."
    )
    ca_file: Path | None = Field(
        None, description="Certificates (PEM) that are trusted instead of the machine's."
    )
    timeout_s: float = Field(10, ge=0.5, le=60, description="How long an answer may take.")
    retry_max_s: float = Field(30, ge=1, le=3600, description="Longest pause between two tries.")


class Mqtt(Section):
    """An MQTT broker: every change as JSON, each camera's state retained, Home Assistant's discovery."""

    host: str = Field(min_length=1, description="The broker.")
    port: int | None = Field(None, ge=1, le=65535, description="Its port; absent: 1883, with TLS 8883.")
    tls: bool = Field(False, description="Connect with TLS.")
    ca_file: Path | None = Field(
        None, description="Certificates (PEM) that are trusted instead of the machine's; needs tls."
    )
    username: str | None = Field(None, description="The user's name there.")
    password: SecretStr | None = Field(None, description="The user's password, as ${MQTT_PASSWORD}.")
    topic: str = Field(
        "nexara", max_length=100, pattern=_TOPIC, description="What all topics begin with; one for each site."
    )
    discovery: str | None = Field(
        "homeassistant",
        max_length=100,
        pattern=_TOPIC,
        description="Where Home Assistant looks for new devices; null: tell it nothing.",
    )
    timeout_s: float = Field(10, ge=0.5, le=60, description="How long an answer may take.")
    retry_max_s: float = Field(30, ge=1, le=3600, description="Longest pause between two tries.")

    @model_validator(mode="after")
    def _secrets_go_together(self) -> Self:
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file says whom TLS trusts: set tls: true")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        return self


Channel = Apprise | Webhook | Mqtt


class Route(Section):
    """Which incidents are told to whom. An incident is told to every channel of every route that fits."""

    channels: list[ChannelName] = Field(min_length=1, description="Who is told.")
    cameras: list[str] = Field(
        ["*"], min_length=1, description="Only incidents of these; * and ? stand for any letters: yard_*."
    )
    zones: list[str] = Field([], description="Only incidents in one of these zones; none: anywhere.")
    changes: list[Change] | None = Field(
        None,
        min_length=1,
        description="What is told of an incident; absent: new and end to people, all to webhooks and MQTT.",
    )
    min_score: float = Field(
        0, ge=0, le=1, description="Only incidents whose peak score, a person's or the scene's, is so high."
    )
    hours: tuple[Hours, ...] = Field((), description=f"Only then, {HOURS_WORDS}. Always where absent.")


class Limit(Section):
    """How many messages people are sent; what is more waits for the next one, which sums it up."""

    messages: int = Field(10, ge=1, le=1000, description="So many messages a channel...")
    per_s: float = Field(60, ge=1, le=86_400, description="... in so many seconds.")


class Routing(Section):
    """Who is told of what: all that may change while the worker runs."""

    routes: dict[ChannelName, Route] = Field(
        {}, description="Which incidents are told to whom, by any names; none: all to every channel."
    )
    limit: Limit = Field(default_factory=Limit, description="How many messages people are sent.")
    page_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+(/\S*)?$",
        description="The site's page as people reach it: messages then link to their incident.",
    )

    def check_names(self, known: Mapping[str, object]) -> None:
        """Raises ValueError if a route tells a channel that is not there."""
        for name, route in self.routes.items():
            for channel in route.channels:
                if channel not in known:
                    there = ", ".join(known) or "none"
                    raise ValueError(f"routes.{name}: no channel is called '{channel}': there is {there}")


class AlertConfig(Routing):
    """The alert worker: who is told of incidents, and how. Without any channel nobody is."""

    apprise: dict[ChannelName, Apprise] = Field({}, description="Channels to people, by name.")
    webhooks: dict[ChannelName, Webhook] = Field({}, description="Channels to programs, by name.")
    mqtt: dict[ChannelName, Mqtt] = Field({}, description="Channels to MQTT brokers, by name.")
    give_up_after_s: float = Field(
        86_400,
        ge=60,
        le=30 * 86_400,
        description="News older than this is tried no more: it becomes a dead letter (`nexara alert dead`).",
    )
    keep_days: float = Field(
        7, gt=0, le=365, description="What was sent, and dead letters, are kept for so many days after."
    )

    @property
    def channels(self) -> dict[str, Channel]:
        """All channels, by name."""
        return {**self.apprise, **self.webhooks, **self.mqtt}

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        names = [*self.apprise, *self.webhooks, *self.mqtt]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two channels are called '{twice}': give one another name")
        self.check_names(self.channels)
        return self
