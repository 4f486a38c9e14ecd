"""What a channel is, and the two ways in which it fails."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Protocol

from workers.alert.delivery import Delivery


class ChannelAwayError(RuntimeError):
    """The receiver did not take it now; the text says why.

    Args:
        reason: for people, without secrets.
        answered: the receiver is there, but does not want this: other news may get through.
        again_in_s: the receiver asks for so long a pause.
    """

    def __init__(self, reason: str, *, answered: bool = False, again_in_s: float = 0.0) -> None:
        super().__init__(reason)
        self.answered, self.again_in_s = answered, again_in_s


class ChannelRefusedError(RuntimeError):
    """The receiver will never take this; the text says why, without secrets."""


class Channel(Protocol):
    """A way to one receiver. Used by one thread.

    Attributes:
        sums_up: takes several pieces of news as one message, for people; otherwise one at a time.
    """

    sums_up: bool

    def tend(self) -> bool:
        """Keep up what has to be there without news, as a connection; called about once a second.

        Returns:
            Whether the receiver has answered just now, having been away.

        Raises:
            ChannelAwayError: it cannot be kept up.
        """

    def send(self, news: Sequence[Delivery]) -> None:
        """Return when the receiver has taken it.

        Raises:
            ChannelAwayError: to be tried again.
            ChannelRefusedError: not to be tried again.
        """

    def close(self) -> None:
        """Give back what is open."""


def silence(*libraries: str) -> None:
    """Keeps what libraries log out of every log: there are addresses in it, with their tokens."""
    for name in libraries:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def reason_of(error: BaseException) -> str:
    """Why a connection failed, in words that never hold an address's secrets."""
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        inner = getattr(at, "reason", None)
        at = inner if isinstance(inner, BaseException) else at.__cause__ or at.__context__
    for one in reversed(seen):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return f"no TLS with it: {(one.reason or 'handshake failed').lower().replace('_', ' ')}"
        if isinstance(one, socket.gaierror):
            return "its name is not known"
        if isinstance(one, TimeoutError):
            return "no answer in time"
        if isinstance(one, ConnectionRefusedError):
            return "nobody listens there (connection refused)"
        if isinstance(one, OSError) and one.strerror:
            return one.strerror.lower()
    if "timeout" in type(error).__name__.lower():
        return "no answer in time"
    return f"no answer ({type(error).__name__})"
