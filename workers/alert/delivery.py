"""What goes into the outbox, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

from workers.alert.event import Event


@dataclass(frozen=True, kw_only=True)
class News:
    """A change that channels are to be told of."""

    event: Event
    generation: str
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One change for one channel, due or dead.

    Attributes:
        told_at: Unix time at which the fleet knew.
        tries: how often it was tried before.
        reason: why the last try failed.
    """

    id: int
    channel: str
    event: Event
    generation: str
    told_at: float
    tries: int
    reason: str | None


@dataclass(frozen=True)
class Backlog:
    """How a channel stands: what waits, when the oldest of it was told, what was given up."""

    waiting: int = 0
    oldest_told_at: float | None = None
    dead: int = 0
