"""Messages to people through real services of apprise, and that nothing of an address is ever said."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.alert.mail import mailing
from tests.alert.receivers import Receiver
from tests.alert.scenes import ID, delivery, event
from workers.alert.channels.channel import ChannelAwayError
from workers.alert.channels.people import PeopleChannel, redacted, secrets_of
from workers.alert.config import Apprise
from workers.alert.event import trial_event

TOKEN = "token-that-nobody-must-see"


def made(url: str, **more: Any) -> PeopleChannel:
    options = {name: more.pop(name) for name in ("snapshot", "clock", "sleep") if name in more}
    return PeopleChannel(Apprise(url=url, **more), "alert.apprise.guards", lambda: ZoneInfo("UTC"), **options)


def through(receiver: Receiver, **more: Any) -> PeopleChannel:
    """Apprise's plain JSON service."""
    receiver.answer = lambda _: (200, {})
    receiver.path = f"/{TOKEN}"
    return made(f"json://127.0.0.1:{receiver.port}/{TOKEN}", **more)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a worker's log holds with -vv. (pytest's own capture also takes what goes nowhere.)"""
    root, text = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def body(receiver: Receiver) -> dict[str, Any]:
    found: dict[str, Any] = receiver.requests[-1].event
    return found


def test_people_read_what_happened(receiver: Receiver, log: io.StringIO) -> None:
    channel = through(receiver)
    channel.send([delivery(event(1))])
    assert (body(receiver)["title"], body(receiver)["type"]) == ("shop: violence at yard", "warning")
    assert body(receiver)["message"] == "yard, 2026-05-04 20:14:02: 2 people, score 0.97."
    channel.send([delivery(event(2, "end"))])
    assert body(receiver)["type"] == "success"
    channel.send([delivery(event(3)), delivery(event(4, "end"))])
    assert body(receiver)["title"] == "shop: and 2 more about violence"
    channel.send([delivery(trial_event("shop", "yard", "test-1", 0.0))])
    assert body(receiver)["title"] == "[TEST] shop"
    assert TOKEN not in log.getvalue()


def test_a_service_that_does_not_take_it_is_away(receiver: Receiver, log: io.StringIO) -> None:
    channel = through(receiver)
    receiver.answer = lambda _: (500, {})
    with pytest.raises(ChannelAwayError, match="status 500") as away:
        channel.send([delivery(event(1))])
    receiver.close()
    with pytest.raises(ChannelAwayError, match="nobody listens there") as gone:
        channel.send([delivery(event(1))])
    assert TOKEN not in f"{away.value!r} {gone.value!r} {log.getvalue()}"


def test_an_unknown_name_is_said_in_words() -> None:
    with pytest.raises(ChannelAwayError, match="its name is not known"):
        made("json://nobody.invalid/x").send([delivery(event(1))])


def test_a_mail_arrives(log: io.StringIO) -> None:
    with mailing() as server:
        channel = made(f"mailto://ann:{TOKEN}@localhost:{server.port}?from=a@example.com&to=bob@example.com")
        channel.send([delivery(event(1))])
    [mail] = server.mails
    assert "Subject: shop: violence at yard" in mail
    assert "To: bob@example.com" in mail
    assert TOKEN not in log.getvalue()


def test_a_mail_server_that_refuses_the_login_or_is_away_is_said(log: io.StringIO) -> None:
    with mailing(refuses_login=True) as server:
        url = f"mailto://ann:{TOKEN}@localhost:{server.port}?from=a@example.com&to=bob@example.com"
        # One each: apprise itself waits some seconds between two mails.
        refused_by, away_from = made(url), made(url)
        with pytest.raises(ChannelAwayError, match=r"535 5\.7\.8 wrong user or password") as refused:
            refused_by.send([delivery(event(1))])
    with pytest.raises(ChannelAwayError, match="nobody listens there") as away:
        away_from.send([delivery(event(1))])
    encoded = base64.b64encode(f"\0ann\0{TOKEN}".encode()).decode()
    for said in (f"{refused.value}", f"{away.value}", log.getvalue()):
        assert TOKEN not in said
        assert encoded not in said


def test_a_snapshot_goes_with_the_first_message_if_it_comes_in_time(
    receiver: Receiver, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(b"\xff\xd8\xff\xe0 a picture")
    asked: list[str] = []

    def later(incident_id: str) -> Path | None:
        asked.append(incident_id)
        return picture if len(asked) > 2 else None

    now = [0.0]
    passes = {"clock": lambda: now[0], "sleep": lambda s: now.__setitem__(0, now[0] + s)}
    through(receiver, snapshot_wait_s=3, snapshot=later, **passes).send([delivery(event(1))])
    [attached] = body(receiver)["attachments"]
    assert base64.b64decode(attached["base64"]) == picture.read_bytes()
    assert asked == [ID] * 3
    through(receiver, snapshot_wait_s=3, snapshot=lambda _: None, **passes).send([delivery(event(1))])
    assert body(receiver)["attachments"] == []
    assert now[0] >= 3
    through(receiver, snapshot=later).send([delivery(event(1))])
    assert body(receiver)["attachments"] == []


@pytest.mark.parametrize(
    ("url", "shown", "hidden", "stays"),
    [
        ("tgram://123456:abcdefgh/987654321/", "tgram://1...h/987654321/", ["abcdefgh", "987654321"], []),
        ("slack://AAAAAA/BBBBBB/CCCCCCCC/#guards", "slack://A...A/B...B/C...C/", ["AAAAAA", "CCCCCCCC"], []),
        ("mailto://ann:pw@mail.example?to=b@x.y", "mailto://ann:****@mail.example", ["pw"], ["mail.example"]),
        ("json://h/a%2Fsecret?token=1234567", "json://h/", ["a/secret", "a%2Fsecret", "1234567"], []),
    ],
)  # fmt: skip
def test_what_may_be_a_secret_in_an_address_is_hidden(
    url: str, shown: str, hidden: list[str], stays: list[str]
) -> None:
    secrets = secrets_of(url, shown)
    text = redacted(f"{url} said: {' '.join(hidden + stays)}", secrets)
    assert [word for word in hidden if word in text] == []
    assert [word for word in stays if word not in text] == []
