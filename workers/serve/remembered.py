"""Who was let in lately: while the database is away, they may go on looking."""

from __future__ import annotations

import threading
from collections import OrderedDict

from workers.serve.people import Caller

_LASTS_S = 3600.0
_MOST = 2000


class Remembered:
    """Callers by the stored form of their secret. Any thread may call.

    What changes the site is not for them: the database alone knows whether they still may. An hour after
    it was asked last, or when two thousand others came since, a caller is forgotten.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callers: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def note(self, key: str, caller: Caller | None, now: float) -> None:
        """What the database said of a secret; None: nobody's any more."""
        with self._lock:
            self._callers.pop(key, None)
            if caller is not None:
                self._callers[key] = caller, now
            while len(self._callers) > _MOST:
                self._callers.popitem(last=False)

    def of(self, key: str, now: float) -> Caller | None:
        """Whose secret it was when the database was asked last; None if that is too long ago."""
        with self._lock:
            caller, at = self._callers.get(key, (None, 0.0))
        return caller if now - at <= _LASTS_S else None

    def __len__(self) -> int:
        return len(self._callers)
