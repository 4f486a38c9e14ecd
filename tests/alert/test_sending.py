"""A channel's sender: in order, again after a failure, never more than people are to be sent."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.alert.receivers import SECRET, Receiver
from tests.alert.scenes import ID, event, put
from tests.shared.fleet import wait_until
from workers.alert.care import Caretaker
from workers.alert.channels.channel import ChannelAwayError
from workers.alert.channels.webhook import WebhookChannel
from workers.alert.config import Limit, Webhook
from workers.alert.delivery import Backlog, Delivery
from workers.alert.outbox import Outbox
from workers.alert.sending import Sender

OTHER = "0" * 16
HALF_A_SECOND = 0.5


@pytest.fixture
def sending(outbox: Outbox) -> Iterator[Callable[..., Sender]]:
    """Makes senders that run; they end with the test."""
    stop, made = threading.Event(), list[Sender]()

    def start(channel: Any, limit: Limit | None = None, **more: Any) -> Sender:
        options = {"retry_max_s": HALF_A_SECOND, "give_up_after_s": 3600.0, "stop": stop, **more}
        sender = Sender("office", channel, outbox, lambda: limit or Limit(), **options)
        sender.start()
        made.append(sender)
        return sender

    yield start
    stop.set()
    for sender in made:
        sender.wake()
        sender.join(10)
        assert not sender.is_alive()


@pytest.fixture
def webhook(receiver: Receiver) -> WebhookChannel:
    return WebhookChannel(Webhook(url=receiver.url, secret=SECRET, timeout_s=0.5))


def settled(outbox: Outbox) -> bool:
    return not outbox.backlogs().get("office", Backlog()).waiting


def test_what_is_stored_is_sent_in_order_and_marked(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel, sending: Callable[..., Sender]
) -> None:
    put(outbox, *(event(n, change) for n, change in enumerate(("new", "update", "end"), start=1)))
    sender = sending(webhook)
    wait_until(lambda: settled(outbox), "three requests")
    put(outbox, event(9, identity=OTHER))
    sender.wake()
    wait_until(lambda: settled(outbox), "another one")
    assert receiver.keys == [f"{ID}-1-0-new", f"{ID}-2-0-update", f"{ID}-3-0-end", f"{OTHER}-9-0-new"]


def test_a_receiver_that_was_away_gets_everything_with_the_same_keys(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel, sending: Callable[..., Sender]
) -> None:
    receiver.close()
    put(outbox, event(1), event(2, "end"))
    sending(webhook)
    tries = lambda: REGISTRY.get_sample_value("nexara_alert_failed_total", {"channel": "office"}) or 0  # noqa: E731
    before = tries()
    wait_until(lambda: tries() >= before + 2, "tries in vain")
    receiver.open()
    wait_until(lambda: settled(outbox), "what waited")
    assert receiver.keys == [f"{ID}-1-0-new", f"{ID}-2-0-end"]


def test_who_took_it_but_did_not_say_so_gets_it_again_with_the_same_key_and_body(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel, sending: Callable[..., Sender]
) -> None:
    answers = iter([None, (503, {}), (204, {})])
    receiver.answer = lambda _: next(answers)
    put(outbox, event(1))
    sending(webhook)
    wait_until(lambda: settled(outbox), "the third try")
    assert receiver.keys == [f"{ID}-1-0-new"] * 3
    assert len({request.body for request in receiver.requests}) == 1


def test_what_a_receiver_does_not_want_holds_nothing_else_back(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel, sending: Callable[..., Sender]
) -> None:
    receiver.answer = lambda request: (500, {}) if request.key.startswith(ID) else (204, {})
    put(outbox, event(1), event(2, "end"), event(3, identity=OTHER))
    sending(webhook)
    wait_until(lambda: f"{OTHER}-3-0-new" in receiver.keys, "the other incident")
    assert f"{ID}-2-0-end" not in receiver.keys, "the end must not come before the beginning"
    receiver.answer = lambda _: (204, {})
    wait_until(lambda: settled(outbox), "the rest")
    assert [key for key in dict.fromkeys(receiver.keys) if key.startswith(ID)] == [
        f"{ID}-1-0-new",
        f"{ID}-2-0-end",
    ]


def test_what_is_refused_for_good_is_a_dead_letter_with_its_reason(
    outbox: Outbox,
    receiver: Receiver,
    webhook: WebhookChannel,
    sending: Callable[..., Sender],
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.answer = lambda request: (410, {}) if request.key.startswith(ID) else (204, {})
    put(outbox, event(1), event(3, identity=OTHER))
    sending(webhook)
    wait_until(lambda: settled(outbox), "both")
    [letter] = outbox.dead()
    assert (letter.event.key, letter.reason) == (f"{ID}-1-0-new", "it refuses with status 410")
    assert "channel=office will not take" in caplog.text
    assert "token" not in caplog.text + str(letter.reason)


def test_a_receiver_is_given_the_pause_that_it_asks_for(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel
) -> None:
    receiver.answer = lambda _: (429, {"Retry-After": "40"})
    now = [time.time()]
    put(outbox, event(1))
    sender = Sender(
        "office", webhook, outbox, Limit, 1.0, 3600.0, stop=threading.Event(), clock=lambda: now[0]
    )
    now[0] += 1
    assert sender.turn() == 40.0
    now[0] += 39
    sender.turn()
    assert len(receiver.requests) == 1
    receiver.answer = lambda _: (204, {})
    now[0] += 2
    sender.turn()
    assert len(receiver.requests) == 2
    assert settled(outbox)
    webhook.close()


def test_pauses_grow_up_to_the_longest_and_end_with_a_success(
    outbox: Outbox, receiver: Receiver, webhook: WebhookChannel
) -> None:
    receiver.close()
    now, pauses = [time.time()], []
    put(outbox, event(1))
    sender = Sender("office", webhook, outbox, Limit, 30.0, 1e6, stop=threading.Event(), clock=lambda: now[0])
    for _ in range(9):
        now[0] += 60
        pauses.append(sender.turn())
    longest = [min(30, 2**n) for n in range(9)]
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, longest, strict=True)), pauses
    receiver.open()
    now[0] += 60
    sender.turn()
    assert settled(outbox)
    webhook.close()


class Noted:
    """People who are sent messages; may be away."""

    sums_up = True

    def __init__(self) -> None:
        self.messages: list[list[str]] = []
        self.away = False

    def tend(self) -> bool:
        return False

    def send(self, news: Sequence[Delivery]) -> None:
        if self.away:
            raise ChannelAwayError("away", answered=True)
        self.messages.append([one.event.key for one in news])

    def close(self) -> None:
        pass


def test_people_are_told_of_what_is_too_much_in_one_message_and_of_all(outbox: Outbox) -> None:
    people, now = Noted(), [time.time()]
    limit = Limit(messages=3, per_s=60)
    sender = Sender("office", people, outbox, lambda: limit, 30, 1e6, threading.Event(), lambda: now[0])
    put(outbox, *(event(number, identity=f"{number:016x}") for number in range(1, 11)))
    now[0] += 1
    sender.turn()
    assert [len(message) for message in people.messages] == [1, 1, 8]
    put(outbox, *(event(number, identity=f"{number:016x}") for number in range(11, 14)))
    now[0] += 30
    sender.turn()
    assert len(people.messages) == 3, "the limit holds them back"
    now[0] += 31
    sender.turn()
    told = [key for message in people.messages for key in message]
    assert len(told) == len(set(told)) == 13


def test_a_sum_that_could_not_be_sent_is_sent_later(outbox: Outbox) -> None:
    people, now = Noted(), [time.time()]
    sender = Sender(
        "office", people, outbox, lambda: Limit(messages=1), 30, 1e6, threading.Event(), lambda: now[0]
    )
    put(outbox, event(1), event(2, "end"))
    now[0] += 1
    people.away = True
    assert sender.turn() > 0
    people.away = False
    now[0] += 60
    sender.turn()
    assert people.messages == [[f"{ID}-1-0-new", f"{ID}-2-0-end"]]
    assert settled(outbox)


def test_what_was_sent_while_the_database_went_away_is_marked_when_it_is_back(
    outbox: Outbox, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database._BUSY_S", 0.05)
    with closing(Outbox(sqlite_url)) as hurried:
        put(hurried, event(1))
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)

        class Locks(Noted):
            def send(self, news: Sequence[Delivery]) -> None:
                super().send(news)
                other.execute("BEGIN IMMEDIATE")

        people = Locks()
        sender = Sender("office", people, hurried, Limit, 30, 1e6, threading.Event())
        with pytest.raises(Exception, match="locked"):
            sender.turn()
        other.close()
        sender.turn()
        assert people.messages == [[f"{ID}-1-0-new"]], "not sent twice for that"
        assert settled(hurried)


def test_a_fault_of_ours_ends_no_sender_and_shows_no_address(
    outbox: Outbox, sending: Callable[..., Sender], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Noted):
        def send(self, news: Sequence[Delivery]) -> None:
            if not self.messages:
                super().send(news)
                raise KeyError("https://office.example/token-that-nobody-must-see")
            super().send(news)

    put(outbox, event(1))
    people = Broken()
    sending(people)
    wait_until(lambda: settled(outbox), "the second try")
    assert len(people.messages) == 2
    assert "KeyError in" in caplog.text
    assert "token" not in caplog.text


def test_the_caretaker_says_how_much_waits_and_ends_what_is_too_old(outbox: Outbox) -> None:
    now = [time.time()]
    care = Caretaker(outbox, ["office", "home"], 100.0, 1.0, threading.Event(), lambda: now[0])

    def shown(name: str, channel: str = "office") -> float | None:
        return REGISTRY.get_sample_value(f"nexara_alert_{name}", {"channel": channel})

    put(outbox, event(1), event(2, "end"))
    now[0] += 50
    care.look()
    assert (shown("waiting"), shown("dead_letters"), shown("waiting", "home")) == (2, 0, 0)
    assert 49 < (shown("waiting_seconds") or 0) < 52
    now[0] += 60
    care.look()
    assert (shown("waiting"), shown("waiting_seconds"), shown("dead_letters")) == (0, 0, 2)
    now[0] += 86_500
    care.look()
    assert shown("dead_letters") == 0
