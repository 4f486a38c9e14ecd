"""Not more than so many messages in so many seconds. Pure: who asks says what time it is."""

from __future__ import annotations

from collections import deque


class Window:
    """Remembers when messages went out; forgets those that are older than any limit asks for."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()

    def note(self, now: float) -> None:
        """A message goes out."""
        self._sent.append(now)

    def free(self, now: float, messages: int, per_s: float) -> int:
        """How many more may go out now."""
        while self._sent and self._sent[0] <= now - per_s:
            self._sent.popleft()
        return max(0, messages - len(self._sent))
