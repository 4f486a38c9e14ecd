"""What a program receives, and what becomes of its answers."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.alert.receivers import SECRET, Receiver
from tests.alert.scenes import ID, delivery, event
from workers.alert.channels.channel import ChannelAwayError, ChannelRefusedError
from workers.alert.channels.webhook import WebhookChannel
from workers.alert.config import Webhook
from workers.alert.event import moment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"
NOW = 1_777_900_000.0


@pytest.fixture
def channel(receiver: Receiver) -> Iterator[WebhookChannel]:
    with closing(made(receiver)) as channel:
        yield channel


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A port with TLS that hangs up after the handshake, and its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", str(key)]
    command += ["-out", str(certificate), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    yield listener.getsockname()[1], certificate
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def made(receiver: Receiver, **more: Any) -> WebhookChannel:
    return WebhookChannel(Webhook(**{"url": receiver.url, "secret": SECRET, **more}), clock=lambda: NOW)


def send(channel: WebhookChannel) -> None:
    channel.send([delivery(event(1))])


def test_a_program_gets_signed_json_with_a_key(channel: WebhookChannel, receiver: Receiver) -> None:
    send(channel)
    [request] = receiver.requests
    assert request.key == request.event["key"] == f"{ID}-1-0-new"
    assert request.headers["content-type"] == "application/json"
    told = request.event
    assert (told["version"], told["kind"], told["site"], told["camera"]) == (1, "incident", "shop", "yard")
    assert told["incident"] == {
        "id": ID, "began_at": "2026-05-04T20:14:02Z", "last_at": "2026-05-04T20:14:04.500000Z",
        "seconds": 2.5, "score": 0.97, "people": 2, "zones": [], "box": [0.1, 0.1, 0.5, 1.0],
        "end_reason": None, "merged_into": None,
    }  # fmt: skip


def test_the_pages_own_sample_finds_the_signature_right(channel: WebhookChannel, receiver: Receiver) -> None:
    [sample] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(sample, names)
    send(channel)
    [request] = receiver.requests
    header = request.headers["x-nexara-signature"]
    verify = names["verify"]
    assert verify(SECRET, header, request.body, NOW + 100)
    assert not verify(SECRET, header, request.body, NOW + 1000), "old"
    assert not verify(SECRET, header, request.body + b" ", NOW), "changed"
    assert not verify("another secret of somebody's", header, request.body, NOW)
    assert not verify(SECRET, header.replace(f"t={int(NOW)}", f"t={int(NOW) + 1}"), request.body, NOW)


def test_the_page_describes_every_field() -> None:
    text = PAGE.read_text(encoding="utf-8")
    one = event(1).model_dump()
    assert [name for name in (*one, *one["incident"]) if f'"{name}"' not in text] == []


@pytest.mark.parametrize("status", [200, 201, 204, 409])
def test_a_taken_event_is_taken(channel: WebhookChannel, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: (status, {})
    send(channel)
    send(channel)
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_some_answers_ask_for_another_try(channel: WebhookChannel, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: (status, {})
    with pytest.raises(ChannelAwayError, match=f"status {status}") as away:
        send(channel)
    assert away.value.answered


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 422])
def test_others_are_final_and_nobody_is_followed(
    channel: WebhookChannel, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda _: (status, {"Location": receiver.url})
    with pytest.raises(ChannelRefusedError, match=f"status {status}"):
        send(channel)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (format_datetime(moment(NOW + 90), usegmt=True), 90.0), ("soon", 0.0), ("999999", 3600.0)],
)
def test_a_receiver_may_ask_for_a_pause(
    channel: WebhookChannel, receiver: Receiver, header: str, seconds: float
) -> None:
    receiver.answer = lambda _: (429, {"Retry-After": header})
    with pytest.raises(ChannelAwayError) as away:
        send(channel)
    assert away.value.again_in_s == seconds


def test_who_hangs_up_or_is_gone_is_away_and_no_secret_is_said(
    channel: WebhookChannel, receiver: Receiver
) -> None:
    receiver.answer = lambda _: None
    with pytest.raises(ChannelAwayError) as hung:
        send(channel)
    receiver.close()
    with pytest.raises(ChannelAwayError, match="nobody listens there") as gone:
        send(channel)
    for error in (hung, gone):
        assert not error.value.answered
        assert "token" not in f"{error.value} {error.value.__cause__} {error.value!r}"


def test_who_answers_too_late_is_away(receiver: Receiver) -> None:
    receiver.answer = lambda _: time.sleep(2) or (204, {})
    with (
        closing(made(receiver, timeout_s=0.5)) as slow,
        pytest.raises(ChannelAwayError, match="no answer in time"),
    ):
        send(slow)


def test_an_unknown_name_and_no_tls_are_said_in_words(receiver: Receiver) -> None:
    with (
        closing(made(receiver, url="http://nobody.invalid/x")) as nobody,
        pytest.raises(ChannelAwayError, match="its name is not known"),
    ):
        send(nobody)
    plain = receiver.url.replace("http:", "https:")
    with closing(made(receiver, url=plain)) as no_tls, pytest.raises(ChannelAwayError, match="no TLS"):
        send(no_tls)


def test_a_certificate_that_nobody_vouches_for_is_said(self_signed: tuple[int, Path]) -> None:
    port, certificate = self_signed
    config = {"url": f"https://localhost:{port}/x", "secret": SECRET}
    with (
        closing(WebhookChannel(Webhook(**config))) as channel,
        pytest.raises(ChannelAwayError, match="not trusted"),
    ):
        send(channel)
    # Whom ca_file names is trusted: what is missing then is only an answer.
    with closing(WebhookChannel(Webhook(**config, ca_file=certificate))) as channel:
        with pytest.raises(ChannelAwayError) as away:
            send(channel)
        assert "trusted" not in str(away.value)


def test_a_header_of_ones_own_goes_with_it(receiver: Receiver) -> None:
    with closing(made(receiver, authorization="Bearer 42")) as channel:
        send(channel)
    assert receiver.requests[0].headers["authorization"] == "Bearer 42"


def test_connections_are_used_again(channel: WebhookChannel, receiver: Receiver) -> None:
    for _ in range(3):
        send(channel)
    assert len({request.peer for request in receiver.requests}) == 1
