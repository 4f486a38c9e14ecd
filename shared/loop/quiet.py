"""Keeps a log readable when the same thing goes wrong thirty times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE_S = 60.0


class OnceAMinute:
    """Tells whether something may be logged again. Forgets a key after a minute.

    Args:
        clock: seconds, never backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until: dict[str, float] = {}

    def due(self, key: str) -> bool:
        """Whether nobody has asked for this key within the last minute and been told yes."""
        now = self._clock()
        if now < self._quiet_until.get(key, now):
            return False
        self._quiet_until = {other: until for other, until in self._quiet_until.items() if until > now}
        self._quiet_until[key] = now + _PAUSE_S
        return True
