"""Follows one camera's tracks on the bus and writes them down."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from shared.bus import Bus
from shared.bus.streams import START, parse_id, rules_key, stream_key
from shared.messages import Mark, Message, MessageError, decode
from shared.recording import Writer

# Less than this nobody misses. A source that is silent says so each second.
_GAP_S = 1.5


class Recorder:
    """One camera's recording in the making.

    Attributes:
        key, cursor: where it reads, and after which entry.
        entries: how many were written.
        ended: why there is nothing to wait for any more; "" while there is.

    Args:
        bus: the server.
        camera: whose tracks.
        writer: the file.
        from_now: leave out what is in the stream already.
    """

    def __init__(self, bus: Bus, camera: str, writer: Writer, *, from_now: bool) -> None:
        self._bus = bus
        self._writer = writer
        self.camera = camera
        self.key = stream_key("tracks", camera)
        self.cursor = (self._newest() or START) if from_now else START
        self.ended = ""
        self._rules: set[str] = set()
        self._first: Message | None = None
        self._last: Message | None = None
        self._seconds = 0.0
        self._missing_s = 0.0

    @property
    def entries(self) -> int:
        """How many were written."""
        return self._writer.entries

    def take(self, entries: Sequence[tuple[str, dict[str, bytes]]], *, all_there: bool) -> None:
        """Write down what was read after the cursor; `all_there` if nothing follows for now.

        Raises:
            BusError: the server does not answer; the same entries may be given again.
            OSError: the file cannot be written.
        """
        for entry_id, fields in entries:
            payload = fields.get("m", b"")
            message = self._decoded(payload)
            if message is not None:
                self._note(message, entry_id)
            self._writer.entry(entry_id, payload)
            self.cursor = entry_id
        self._writer.flush()
        if all_there and isinstance(self._last, Mark) and self._last.final:
            self.ended = "the source ended"

    def look_again(self) -> None:
        """Where nothing comes: whether the stream that was read is still the one.

        Raises:
            BusError: the server does not answer.
        """
        newest = self._newest()
        if newest is not None and parse_id(newest) < parse_id(self.cursor):
            self.ended = "its stream was begun anew: make another recording of that"

    def told(self) -> str:
        """What was recorded, in words."""
        if self._first is None:
            return f"{self.entries} records that nobody can read"
        text = f"{self.entries} records, {self._seconds:.1f} s"
        if self._first.number:
            text += f" from frame {self._first.number} on"
        if self._missing_s:
            text += f", {self._missing_s:.1f} s missing: they left the stream before they could be read"
        return f"{text}; {self.ended}" if self.ended else text

    def _note(self, message: Message, entry_id: str) -> None:
        last = self._last
        if message.rules and message.rules not in self._rules:
            self._write_rules(message.rules)
        if last is not None and last.generation == message.generation:
            passed = max(0.0, message.at - last.at)
            if passed > _GAP_S and self._has_lost(entry_id):
                self._writer.gap(passed)
                self._missing_s += passed
            elif passed <= _GAP_S:
                self._seconds += passed
        self._first = self._first or message
        self._last = message

    def _has_lost(self, entry_id: str) -> bool:
        """Whether entries between the cursor and this one were trimmed: the cursor's own is then gone too."""
        oldest = self._bus.page("tracks", self.camera, "-", 1)
        return self.cursor != START and (not oldest or parse_id(oldest[0][0]) > parse_id(self.cursor))

    def _write_rules(self, digest: str) -> None:
        [content] = self._bus.ask([("HGET", rules_key(self.camera), digest)])
        # Rules that the server has lost: its workers, too, went by those of the site file then.
        if content is not None:
            self._writer.rules(digest, content.decode())
        self._rules.add(digest)

    def _newest(self) -> str | None:
        found = self._bus.page("tracks", self.camera, "+", 1, backwards=True)
        return found[0][0] if found else None

    @staticmethod
    def _decoded(payload: bytes) -> Message | None:
        with contextlib.suppress(MessageError):
            return decode(payload)
        return None
