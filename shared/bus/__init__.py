"""The bus: Redis Streams with one owner for each camera and stage, and effects that happen exactly once."""

from shared.bus.commit import DeadLetter, Opened, Outcome, Run
from shared.bus.connection import Bus, BusError, BusRefusedError
from shared.bus.lease import Changes, Ownership

__all__ = [
    "Bus",
    "BusError",
    "BusRefusedError",
    "Changes",
    "DeadLetter",
    "Opened",
    "Outcome",
    "Ownership",
    "Run",
]
