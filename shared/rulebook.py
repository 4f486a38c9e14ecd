"""Where rules are kept while the fleet runs, and how workers find those that a record names.

One hash on the server for each camera, `rules:{cam:ID}`:

    file, page    the rules of the site file, and what people drew on the site's page; each has one writer
    current       the digest of both together, which ingest writes on new frames
    DIGEST        a document that records may name; the last `KEPT` stay
    revision      counts changes, so that two writers at once do not undo each other's
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import Counter
from pydantic import Field, ValidationError

from shared.bus import Bus
from shared.bus.streams import rules_key
from shared.config import Section
from shared.loop.quiet import OnceAMinute
from shared.messages import MAX_ZONES, Message
from shared.rules import Rules, Zone

log = logging.getLogger(__name__)

KEPT = 64
_CACHED = 1024
_TRIES = 20

# Nothing is written unless nobody has changed anything since these layers were read.
_PUT = """
if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1] + 1, ARGV[2], ARGV[3], 'current', ARGV[4], ARGV[4], ARGV[5],
  'kept', ARGV[6])
for i = 7, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1
"""

MISSING = Counter(
    "nexara_rules_missing_total",
    "Records judged by the rules of the site file, since the server had lost those that they name.",
    ["camera"],
)


class RulesError(RuntimeError):
    """Rules on the server that cannot be used; the text says what to do."""


class Drawn(Section):
    """What people changed on the site's page, beside the site file's rules."""

    zones: tuple[Zone, ...] = Field((), max_length=MAX_ZONES, description="Zones that were drawn.")
    shadow: bool | None = Field(None, description="Shadow mode, instead of the site file's.")


@dataclass(frozen=True)
class Layers:
    """A camera's rules as they are stored; `digest` is "" before there are any."""

    revision: int
    file: Rules
    page: Drawn
    digest: str
    kept: tuple[str, ...]

    @property
    def rules(self) -> Rules:
        """What holds: the site file's rules, and what was drawn beside them."""
        return combined(self.file, self.page)


class RuleBook:
    """Finds the rules that records name. Safe to share between threads.

    Args:
        bus: the server.
        started: each camera's rules as the worker was started with.
    """

    def __init__(self, bus: Bus, started: Mapping[str, Rules]) -> None:
        self._bus = bus
        self._started = started
        self._found: OrderedDict[tuple[str, str], Rules] = OrderedDict()
        self._lock = threading.Lock()
        self._missed = OnceAMinute()

    def __call__(self, message: Message) -> Rules:
        """The rules of a record.

        Raises:
            BusError: the server does not answer; whoever asks must ask again.
        """
        started = self._started.get(message.camera, Rules())
        if message.rules in ("", started.digest):
            return started
        key = message.camera, message.rules
        with self._lock:
            if (rules := self._found.get(key)) is not None:
                self._found.move_to_end(key)
                return rules
        rules = self._read(*key)
        if rules is None:
            MISSING.labels(message.camera).inc()
            if self._missed.due(message.camera):
                log.warning(
                    "camera=%s rules=%s are not on the server: judged by those of the site file", *key
                )
            return started
        with self._lock:
            self._found[key] = rules
            while len(self._found) > _CACHED:
                self._found.popitem(last=False)
        return rules

    def _read(self, camera: str, digest: str) -> Rules | None:
        [document] = self._bus.ask([("HGET", rules_key(camera), digest)])
        try:
            rules = Rules.model_validate_json(document) if document else None
        except ValidationError:
            return None
        return rules if rules is not None and rules.digest == digest else None


def combined(file: Rules, page: Drawn) -> Rules:
    """The rules of both; where a drawn zone has the name of one of the file's, the file's stays."""
    names = {zone.name for zone in file.zones}
    drawn = [zone for zone in page.zones if zone.name not in names]
    shadow = file.shadow if page.shadow is None else page.shadow
    kept = {name: getattr(file, name) for name in Rules.model_fields}
    return Rules(**{**kept, "zones": (*file.zones, *drawn)[:MAX_ZONES], "shadow": shadow})


def current(bus: Bus, cameras: Sequence[str]) -> dict[str, str]:
    """The digest of each camera's rules that hold now, "" where nobody has said anything yet."""
    answers = bus.ask([("HGET", rules_key(camera), "current") for camera in cameras]) if cameras else []
    return {
        camera: answer.decode() if answer else "" for camera, answer in zip(cameras, answers, strict=True)
    }


def layers(bus: Bus, camera: str) -> Layers:
    """A camera's rules as they are stored.

    Raises:
        RulesError: they were written by another version, or damaged.
    """
    names = ("revision", "file", "page", "current", "kept")
    [stored] = bus.ask([("HMGET", rules_key(camera), *names)])
    revision, file, page, digest, kept = stored
    try:
        return Layers(
            revision=int(revision or 0),
            file=Rules.model_validate_json(file) if file else Rules(),
            page=Drawn.model_validate_json(page) if page else Drawn(),
            digest=digest.decode() if digest else "",
            kept=tuple(kept.decode().split()) if kept else (),
        )
    except (ValidationError, ValueError) as error:
        raise RulesError(
            f"camera {camera}: rules on the server cannot be read: are all workers of one version? "
            f"`nexara up --fresh` forgets them"
        ) from error


def publish(bus: Bus, camera: str, layer: Literal["file", "page"], part: Rules | Drawn) -> bool:
    """Puts one layer on the server; new frames are judged by it from ingest's next look on.

    Returns:
        Whether that changed anything.

    Raises:
        RulesError: what is stored cannot be read, or others change it all the time.
    """
    for _ in range(_TRIES):
        before = layers(bus, camera)
        file = part if isinstance(part, Rules) else before.file
        page = part if isinstance(part, Drawn) else before.page
        rules = combined(file, page)
        if before.digest == rules.digest and part == getattr(before, layer):
            return False
        kept = [digest for digest in before.kept if digest != rules.digest] + [rules.digest]
        text = part.model_dump_json()
        gone = kept[:-KEPT]
        done = bus.evaluate(
            _PUT,
            rules_key(camera),
            *(before.revision, layer, text, rules.digest, rules.document, " ".join(kept[-KEPT:]), *gone),
        )
        if done:
            return True
    raise RulesError(f"camera {camera}: others change its rules all the time: try again")
