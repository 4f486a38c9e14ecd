"""Signed JSON to a program over HTTP.

A receiver knows by the signature that it comes from us, and by the key whether it has it already.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import urllib3
from urllib3.exceptions import HTTPError

from workers.alert.channels.channel import ChannelAwayError, ChannelRefusedError, reason_of, silence
from workers.alert.config import Webhook
from workers.alert.delivery import Delivery

SIGNATURE, KEY = "X-Nexara-Signature", "Idempotency-Key"
# Not now: too slow, too early, too many.
_LATER = frozenset({408, 425, 429})
_TAKEN_BEFORE = 409
_READ_BYTES = 65_536
_LONGEST_PAUSE_S = 3600.0


class WebhookChannel:
    """One receiver.

    Args:
        config: where it is, and what it shares with us.
        clock: Unix time.
    """

    sums_up = False

    def __init__(self, config: Webhook, clock: Callable[[], float] = time.time) -> None:
        silence("urllib3")
        self._config, self._clock = config, clock
        self._pool = urllib3.PoolManager(
            num_pools=1,
            timeout=urllib3.Timeout(connect=config.timeout_s, read=config.timeout_s),
            ca_certs=str(config.ca_file) if config.ca_file else None,
        )

    def tend(self) -> bool:
        """Nothing: each request stands alone."""
        return False

    def send(self, news: Sequence[Delivery]) -> None:
        """POST one event; see `Channel`."""
        (one,) = news
        body = one.event.body()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "nexara",
            KEY: one.event.key,
            SIGNATURE: signature(self._config.secret.get_secret_value(), body, int(self._clock())),
        }
        if self._config.authorization is not None:
            headers["Authorization"] = self._config.authorization.get_secret_value()
        try:
            response = self._pool.request(
                "POST",
                self._config.url.get_secret_value(),
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            # So that the connection can be used again; what it says is of no interest.
            response.read(_READ_BYTES)
            response.close() if response.length_remaining else response.release_conn()
        except (HTTPError, OSError, ValueError) as error:
            raise ChannelAwayError(reason_of(error)) from None
        _judge(response.status, response.headers.get("Retry-After"), self._clock())

    def close(self) -> None:
        """Give connections back."""
        self._pool.clear()


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value: HMAC-SHA256 over the second of sending, a dot, and the body."""
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={made.hexdigest()}"


def _judge(status: int, retry_after: str | None, now: float) -> None:
    if 200 <= status < 300 or status == _TAKEN_BEFORE:
        return
    if status in _LATER or status >= 500:
        raise ChannelAwayError(
            f"it answers with status {status}", answered=True, again_in_s=_pause(retry_after, now)
        )
    hint = ": give the address that it leads to" if 300 <= status < 400 else ""
    raise ChannelRefusedError(f"it refuses with status {status}{hint}")


def _pause(retry_after: str | None, now: float) -> float:
    """Seconds that a receiver asks for, as a number or a date."""
    text = (retry_after or "").strip()
    try:
        if text.isdigit():
            seconds = float(text)
        else:
            when: datetime = parsedate_to_datetime(text)
            seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError, TypeError):
        return 0.0
    return min(max(0.0, seconds), _LONGEST_PAUSE_S)
