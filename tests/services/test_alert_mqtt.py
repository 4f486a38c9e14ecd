"""A real broker hears of every change, of how it stands, and of our going; also after it was away."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.alert.broker import Broker, Listener, broking, listening, program
from tests.alert.scenes import ID, delivery, event, put
from tests.shared.fleet import wait_until
from workers.alert.channels.channel import ChannelAwayError
from workers.alert.channels.mqtt import MqttChannel
from workers.alert.config import Limit, Mqtt
from workers.alert.event import trial_event
from workers.alert.going import Going
from workers.alert.outbox import Outbox
from workers.alert.sending import Sender

pytestmark = pytest.mark.skipif(program() is None, reason="needs mosquitto (apt install mosquitto)")

OTHER = "0" * 16
CONFIG = "homeassistant/binary_sensor/nexara_yard_violence/config"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with broking(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with listening(broker.port) as listener:
        yield listener


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with closing(Outbox(f"sqlite:///{tmp_path / 'outbox.db'}")) as outbox:
        yield outbox


def made(broker: Broker, outbox: Outbox | None = None, trial: bool = False, **more: Any) -> MqttChannel:
    config = Mqtt(**{"host": "127.0.0.1", "port": broker.port, "timeout_s": 5, **more})
    going = (lambda: outbox.going("office")) if outbox else Going
    return MqttChannel(config, "shop", ["yard", "gate"], going, trial)


@pytest.fixture
def sending(outbox: Outbox) -> Iterator[Callable[[MqttChannel], Sender]]:
    stop, senders = threading.Event(), list[Sender]()

    def start(channel: MqttChannel) -> Sender:
        sender = Sender("office", channel, outbox, Limit, 0.5, 3600, stop)
        sender.start()
        senders.append(sender)
        return sender

    yield start
    stop.set()
    for sender in senders:
        sender.wake()
        sender.join(10)


def keys(listener: Listener) -> list[str]:
    return [json.loads(text)["key"] for text, _ in listener.all("nexara/yard/incidents")]


def heard(listener: Listener, topic: str, what: str) -> None:
    wait_until(lambda: listener.last(topic) == what, f"{what} on {topic}, not {listener.last(topic)}")


def test_a_change_is_told_with_its_key_and_the_cameras_state_follows(
    broker: Broker, listener: Listener
) -> None:
    with closing(made(broker)) as channel:
        channel.tend()
        heard(listener, "nexara/yard/violence", "OFF")
        channel.send([delivery(event(1))])
        heard(listener, "nexara/yard/violence", "ON")
        channel.send([delivery(event(2, identity=OTHER))])
        channel.send([delivery(event(3, "end"))])
        wait_until(lambda: len(keys(listener)) == 3, "three changes")
        assert listener.last("nexara/yard/violence") == "ON", "the other incident goes on"
        channel.send([delivery(event(4, "end", OTHER))])
        heard(listener, "nexara/yard/violence", "OFF")
        assert keys(listener)[0] == f"{ID}-1-0-new"
        attributes = json.loads(listener.last("nexara/yard/attributes") or "")
        assert (attributes["key"], attributes["incident"]["people"]) == (f"{OTHER}-4-0-end", 2)
        assert listener.last("nexara/gate/violence") == "OFF"


def test_who_comes_later_finds_state_and_discovery_but_no_old_changes(broker: Broker) -> None:
    with closing(made(broker)) as channel:
        channel.send([delivery(event(1))])
        with listening(broker.port, name="late") as late:
            heard(late, "nexara/yard/violence", "ON")
            heard(late, "nexara/status", "online")
            wait_until(lambda: late.last(CONFIG) is not None, "the discovery")
            sensor = json.loads(late.last(CONFIG) or "")
            assert keys(late) == []
    assert sensor["state_topic"] == "nexara/yard/violence"
    assert sensor["json_attributes_topic"] == "nexara/yard/attributes"
    assert sensor["availability_topic"] == "nexara/status"
    assert (sensor["device_class"], sensor["payload_on"], sensor["unique_id"]) == (
        "safety",
        "ON",
        "nexara_yard_violence",
    )
    assert sensor["device"]["name"] == "NexaraVision shop"


def test_without_discovery_and_below_another_topic(broker: Broker, listener: Listener) -> None:
    with closing(made(broker, discovery=None, topic="site/shop")) as channel:
        channel.send([delivery(event(1))])
        heard(listener, "site/shop/yard/violence", "ON")
    heard(listener, "site/shop/status", "offline")
    assert {topic.split("/")[0] for topic, *_ in listener.messages} == {"site"}


def test_who_goes_says_so_and_of_who_dies_the_broker_does(broker: Broker, listener: Listener) -> None:
    channel = made(broker)
    channel.tend()
    heard(listener, "nexara/status", "online")
    channel.close()
    heard(listener, "nexara/status", "offline")
    again = made(broker)
    again.tend()
    heard(listener, "nexara/status", "online")
    # As a killed process leaves it: a connection that ends without a word.
    client = again._client
    assert client is not None
    client.socket().shutdown(2)
    heard(listener, "nexara/status", "offline")
    again.tend()
    heard(listener, "nexara/status", "online")
    again.close()


def test_a_broker_that_was_away_gets_everything_in_order(
    broker: Broker, listener: Listener, outbox: Outbox, sending: Callable[[MqttChannel], Sender]
) -> None:
    sender = sending(made(broker, outbox))
    put(outbox, event(1))
    sender.wake()
    wait_until(lambda: len(keys(listener)) == 1, "the first change")
    broker.close()
    put(outbox, event(2, "update"), event(3, "end"))
    sender.wake()
    time.sleep(1.5)
    broker.open()
    expected = [f"{ID}-1-0-new", f"{ID}-2-0-update", f"{ID}-3-0-end"]
    wait_until(lambda: set(keys(listener)) == set(expected), "the rest")
    assert list(dict.fromkeys(keys(listener))) == expected
    heard(listener, "nexara/yard/violence", "OFF")
    wait_until(lambda: not outbox.backlogs().get("office"), "the marks")


def test_a_worker_that_starts_again_knows_what_goes_on(
    broker: Broker, listener: Listener, outbox: Outbox, sending: Callable[[MqttChannel], Sender]
) -> None:
    put(outbox, event(1), event(2, identity=OTHER), event(3, "end"))
    outbox.sent([one.id for one in outbox.due("office", time.time(), 0, 10)], time.time())
    sending(made(broker, outbox))
    heard(listener, "nexara/yard/violence", "ON")
    put(outbox, event(4, "end", OTHER))
    heard(listener, "nexara/yard/violence", "OFF")


def test_a_trial_leaves_nothing_behind_and_does_not_disturb_the_worker(
    broker: Broker, listener: Listener
) -> None:
    with closing(made(broker)) as worker, closing(made(broker, trial=True)) as trial:
        worker.tend()
        heard(listener, "nexara/status", "online")
        trial.send([delivery(trial_event("shop", "yard", "test-1", 0.0))])
        wait_until(lambda: listener.last("nexara/test") is not None, "the test")
        trial.close()
        worker.send([delivery(event(1))])
        wait_until(lambda: len(keys(listener)) == 1, "the worker's change")
    assert [text for text, _ in listener.all("nexara/status")].count("online") == 1


def test_a_refused_login_and_a_missing_broker_are_said(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(passwords), "ann", "right-word"], check=True, capture_output=True
    )
    lines = ("allow_anonymous false", f"password_file {passwords}")
    with broking(tmp_path / "broker", lines=lines) as broker:
        with closing(made(broker, username="ann", password="right-word")) as channel:
            channel.tend()
        for credentials in ({}, {"username": "ann", "password": "wrong-word"}):
            with (
                closing(made(broker, **credentials)) as channel,
                pytest.raises(ChannelAwayError, match="check user and password") as refused,
            ):
                channel.tend()
            assert "word" not in str(refused.value).replace("password", "")
    with closing(made(broker)) as channel, pytest.raises(ChannelAwayError, match="nobody listens there"):
        channel.tend()
    with (
        closing(made(broker, host="nobody.invalid")) as channel,
        pytest.raises(ChannelAwayError, match="its name is not known"),
    ):
        channel.tend()
