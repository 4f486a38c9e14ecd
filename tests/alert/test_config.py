"""What a site file may say of alerts, and that no refusal repeats a secret."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from shared.config import ConfigError, validate
from workers.alert.config import AlertConfig
from workers.alert.opening import open_channels

SECRET = "s3cret-s3cret-s3cret"
OFFICE = {"url": f"https://office.example/{SECRET}", "secret": SECRET}


def opened(data: dict[str, Any]) -> None:
    open_channels(validate(data, AlertConfig, "alert"), "shop", ["yard"], None, Path(), lambda: UTC)


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        opened(data)
    text = str(caught.value)
    assert SECRET not in text
    assert "\n" not in text
    return text


def test_without_a_channel_there_is_nothing_to_say() -> None:
    assert AlertConfig().channels == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"webhooks": {"office": {**OFFICE, "secret": "short"}}}, "at least 16"),
        ({"webhooks": {"office": {**OFFICE, "url": f"ftp://{SECRET}"}}}, "https://HOST/PATH"),
        ({"webhooks": {"office": {**OFFICE, "url": f"https://h:{SECRET}/x"}}}, "https://HOST/PATH"),
        ({"webhooks": {"office": {**OFFICE, "ca_file": "/nowhere.pem"}}}, r"office\.ca_file: /nowhere\.pem"),
        ({"webhooks": {"a b": OFFICE}}, "pattern"),
        ({"webhooks": {"one": OFFICE}, "mqtt": {"one": {"host": "h"}}}, "two channels are called 'one'"),
        ({"mqtt": {"home": {"host": "h", "password": SECRET}}}, "needs a username"),
        ({"mqtt": {"home": {"host": "h", "ca_file": "x"}}}, "tls: true"),
        ({"mqtt": {"home": {"host": "h", "topic": "site/#"}}}, "topic"),
        ({"routes": {"all": {"channels": ["nobody"]}}}, "no channel is called 'nobody': there is none"),
        ({"apprise": {"x": {"url": f"nonsense://{SECRET}"}}}, "knows no such service"),
        ({"apprise": {"x": {"url": f"tgram://{SECRET}"}}}, "not in this form"),
        ({"apprise": {"x": {"url": "json://h/x", "body": "{{ camra }}"}}}, "'camra' is undefined"),
        ({"apprise": {"x": {"url": "json://h/x", "title": "{{ site "}}}, "unexpected end"),
        ({"apprise": {"x": {"url": "json://h/x", "body": "{{ site.__class__.__mro__ }}"}}}, "unsafe"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(data: dict[str, Any], said: str) -> None:
    assert said.replace("\\", "") in refused(data)


@pytest.mark.parametrize("hours", ["monday 10:00-12:00", "mon 25:00-26:00", "mon 10:00", "10:00-12:00", ""])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    data = {"webhooks": {"office": OFFICE}, "routes": {"all": {"channels": ["office"], "hours": [hours]}}}
    assert "hours" in refused(data)
