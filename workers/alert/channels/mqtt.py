"""An MQTT broker: what happened, whether it is going on, and whether we are there.

    PREFIX/status              online or offline (the last will), retained
    PREFIX/CAMERA/violence     ON while an incident goes on, else OFF, retained
    PREFIX/CAMERA/attributes   the last change as JSON, retained
    PREFIX/CAMERA/incidents    every change as JSON, at least once
    PREFIX/test                what `nexara alert test` sends

A connection lives as long as it lasts; the next one is made anew, so that nothing unsent is left in it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from workers.alert.channels.channel import ChannelAwayError, reason_of
from workers.alert.config import Mqtt
from workers.alert.delivery import Delivery
from workers.alert.going import Going

ONLINE, OFFLINE, ON, OFF = "online", "offline", "ON", "OFF"
_AT_LEAST_ONCE = 1
_PORT, _TLS_PORT = 1883, 8883


class MqttChannel:
    """One broker.

    Args:
        config: the broker, and what is told there.
        site: its name, for people.
        cameras: whose state is shown.
        going: asks which incidents go on, of those told before.
        trial: only to see whether it can be reached: without a will and anything retained.
    """

    sums_up = False

    def __init__(
        self,
        config: Mqtt,
        site: str,
        cameras: Sequence[str],
        going: Callable[[], Going],
        trial: bool = False,
    ) -> None:
        self._config, self._site, self._cameras = config, site, tuple(cameras)
        self._ask_going, self._trial = going, trial
        self._client: Client | None = None
        self._going = Going()
        self._answered = threading.Event()
        self._refusal = ""

    def tend(self) -> bool:
        """Connect if we are not; see `Channel`."""
        before = self._client
        return self._tended() is not before

    def send(self, news: Sequence[Delivery]) -> None:
        """Publish one change and what follows from it, and wait for the broker's word; see `Channel`."""
        (one,) = news
        event = one.event
        client, body = self._tended(), event.body().decode()
        if event.kind == "test":
            self._publish(client, f"{self._config.topic}/test", body, retain=False)
            return
        place = f"{self._config.topic}/{event.camera}"
        self._publish(client, f"{place}/incidents", body, retain=False)
        self._going.note(event.camera, one.generation, event.incident.id, event.change)
        self._publish(client, f"{place}/attributes", body)
        self._publish(client, f"{place}/violence", self._state(event.camera))

    def close(self) -> None:
        """Say that we go, and disconnect."""
        client, self._client = self._client, None
        if client is None:
            return
        if client.is_connected() and not self._trial:
            client.publish(
                f"{self._config.topic}/status", OFFLINE, _AT_LEAST_ONCE, retain=True
            ).wait_for_publish(1.0)
        client.disconnect()
        client.loop_stop()

    def _tended(self) -> Client:
        if self._client is not None and self._client.is_connected():
            return self._client
        self.close()
        self._client = client = self._connect()
        if not self._trial:
            self._greet(client)
        return client

    def _connect(self) -> Client:
        config = self._config
        # The same for every process: a broker ends the old connection, with its will, before it takes the
        # new one. With different names an old will could come after our first word.
        suffix = f"-trial-{time.time_ns()}" if self._trial else ""
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"nexara-{config.topic.replace('/', '-')}{suffix}",
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = config.timeout_s
        if config.username is not None:
            client.username_pw_set(
                config.username, config.password.get_secret_value() if config.password else None
            )
        if not self._trial:
            client.will_set(f"{config.topic}/status", OFFLINE, _AT_LEAST_ONCE, retain=True)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        self._answered.clear()
        self._refusal = ""
        try:
            if config.tls:
                client.tls_set(str(config.ca_file) if config.ca_file else None)
            client.connect(config.host, config.port or (_TLS_PORT if config.tls else _PORT), keepalive=30)
        except (OSError, ValueError) as error:
            raise ChannelAwayError(reason_of(error)) from None
        client.loop_start()
        if not self._answered.wait(config.timeout_s) or not client.is_connected():
            client.loop_stop()
            raise ChannelAwayError(self._refusal or "it breaks off before it says who it is")
        return client

    def _greet(self, client: Client) -> None:
        """Say what there is, how it stands, and that we are there."""
        self._going = self._ask_going()
        if self._config.discovery is not None:
            for camera in self._cameras:
                topic, payload = discovery(self._config.discovery, self._config.topic, self._site, camera)
                self._publish(client, topic, json.dumps(payload))
        for camera in self._cameras:
            self._publish(client, f"{self._config.topic}/{camera}/violence", self._state(camera))
        self._publish(client, f"{self._config.topic}/status", ONLINE)

    def _state(self, camera: str) -> str:
        return ON if self._going.on(camera) else OFF

    def _publish(self, client: Client, topic: str, payload: str, *, retain: bool = True) -> None:
        try:
            waiting = client.publish(topic, payload, _AT_LEAST_ONCE, retain)
            waiting.wait_for_publish(self._config.timeout_s)
            taken = waiting.is_published()
        except (RuntimeError, ValueError):
            taken = False
        if not taken:
            # The next connection begins with a greeting.
            self.close()
            raise ChannelAwayError("it does not confirm what it was sent")

    def _connected(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._refusal = (
            f"it refuses us: {str(code).lower()}: check user and password" if code.is_failure else ""
        )
        self._answered.set()

    def _disconnected(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        _code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._answered.set()


def discovery(prefix: str, topic: str, site: str, camera: str) -> tuple[str, dict[str, Any]]:
    """Topic and content by which Home Assistant makes a binary sensor of a camera."""
    identity = f"{topic.replace('/', '_')}_{camera}_violence"
    return f"{prefix}/binary_sensor/{identity}/config", {
        "name": f"{camera} violence",
        "unique_id": identity,
        "object_id": identity,
        # On means unsafe.
        "device_class": "safety",
        "state_topic": f"{topic}/{camera}/violence",
        "json_attributes_topic": f"{topic}/{camera}/attributes",
        "availability_topic": f"{topic}/status",
        "payload_on": ON,
        "payload_off": OFF,
        "qos": _AT_LEAST_ONCE,
        "device": {
            "identifiers": [f"nexara_{topic.replace('/', '_')}"],
            "name": f"NexaraVision {site}",
            "manufacturer": "NexaraVision",
        },
    }
