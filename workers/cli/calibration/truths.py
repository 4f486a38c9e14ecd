"""What really happened in recordings: what people said of incidents, a file of truth, or quiet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.engine import make_url

from shared.config import ConfigError
from shared.messages import Incident
from shared.store.database import Database
from shared.store.tables import incidents
from workers.cli.recorded.takes import Take

# An incident that begins before its fight, or after its end, by so much is still that fight's. A label's
# time is that of the first violent verdict: at lower thresholds that comes earlier.
_EARLY_S, _EARLY_OF_LABEL_S, _LATE_S = 1.5, 5.0, 4.0
# Labelled incidents so close together are one fight: at other thresholds they would be one incident.
_LULL_S = 4.0

Spans = dict[str, tuple[tuple[float, float], ...]]
_COLUMNS = ("incident_id", "camera", "generation", "began_at", "confirmed_at", "last_at")
_TRUTH: TypeAdapter[Spans] = TypeAdapter(Spans)


@dataclass(frozen=True)
class Span:
    """A part of a take's time in which something was, or in which nothing was of what was told."""

    first: float
    last: float
    is_labelled: bool = False

    def is_met_by(self, incident: Incident) -> bool:
        """Whether an incident is about it: one that began long before is about something else."""
        early = _EARLY_OF_LABEL_S if self.is_labelled else _EARLY_S
        begins = self.first - early <= incident.began_at <= self.last + _LATE_S
        return begins and incident.confirmed_at >= self.first - (early if self.is_labelled else 0.0)


@dataclass(frozen=True)
class Truth:
    """What is known of one take.

    Attributes:
        fights: when there was violence.
        alarms: when there was none, though an incident was told of.
        complete: there was none at any other time.
    """

    fights: tuple[Span, ...] = ()
    alarms: tuple[Span, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Label:
    """What people said of an incident."""

    incident_id: str
    camera: str
    generation: str
    began_at: float
    confirmed_at: float
    last_at: float
    is_true: bool


@dataclass(frozen=True)
class Known:
    """What is known of takes.

    Attributes:
        truths: of each take, in their order.
        unused: labelled incidents whose tracks were not recorded, or not from early enough on.
    """

    truths: list[Truth]
    unused: list[Label] = field(default_factory=list)


def labels_in(database_url: str) -> list[Label]:
    """The incidents that people labelled; none where there is no database yet.

    Raises:
        DatabaseAwayError: the database does not answer.
        ConfigError: it cannot be used.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return []
    database = Database(database_url)
    is_true = (incidents.c.label == "true").label("is_true")
    wanted = (
        select(*(incidents.c[name] for name in _COLUMNS), is_true)
        .where(incidents.c.label.in_(("true", "false")), incidents.c.merged_into.is_(None))
        .order_by(incidents.c.began_captured_at, incidents.c.incident_id)
    )
    try:
        with database.reading() as connection:
            rows = connection.execute(wanted).all()
    finally:
        database.close()
    return [Label(**row._mapping) for row in rows]


def spans_in(path: Path) -> Spans:
    """What a file says of cameras or recordings: {"lobby": [[12.0, 20.5], ...], "yard": []}, seconds.

    Raises:
        ConfigError: it says nothing of that kind.
    """
    try:
        spans = _TRUTH.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"--truth: {path}: cannot be read: {error.strerror}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise ConfigError(
            f'--truth: {path}: write {{"CAMERA": [[from, until], ...]}} in JSON, seconds'
        ) from error
    for name, pairs in spans.items():
        if any(not first <= last for first, last in pairs):
            raise ConfigError(f"--truth: {path}: {name}: a fight ends before it begins")
    return spans


def known(
    takes: Sequence[Take], labels: Sequence[Label], spans: Spans, quiet: bool, before_s: float
) -> Known:
    """What all sources together say of each take.

    Args:
        takes: what was recorded.
        labels: what people said of incidents.
        spans: fights by camera or file; whoever lists a recording's fights lists all of them.
        quiet: nothing happened but what labels and spans say.
        before_s: how far windows look back: what was not recorded from then on cannot be judged again.

    Raises:
        ConfigError: truth of a camera that no recording is of, or of one that is several.
    """
    listed = _listed(takes, spans)
    usable: dict[int, list[Label]] = {}
    unused = []
    for label in labels:
        number = next((n for n, take in enumerate(takes) if _holds(take, label, before_s)), None)
        if number is None:
            unused.append(label)
        else:
            usable.setdefault(number, []).append(label)
    truths = []
    for number in range(len(takes)):
        mine = usable.get(number, [])
        told = [Span(first, last) for first, last in listed.get(number, ())]
        labelled = [Span(one.began_at, one.last_at, True) for one in mine if one.is_true]
        truths.append(
            Truth(
                fights=tuple(told or _joined(labelled)),
                alarms=tuple(Span(one.began_at, one.last_at, True) for one in mine if not one.is_true),
                complete=quiet or number in listed,
            )
        )
    return Known(truths, unused)


def _holds(take: Take, label: Label, before_s: float) -> bool:
    is_its = (take.camera, take.generation) == (label.camera, label.generation)
    return is_its and take.holds(label.began_at, label.confirmed_at, before_s)


def _listed(takes: Sequence[Take], spans: Spans) -> Mapping[int, tuple[tuple[float, float], ...]]:
    """By number of the take."""
    found: dict[int, tuple[tuple[float, float], ...]] = {}
    for name, pairs in spans.items():
        numbers = [
            n for n, take in enumerate(takes) if name == take.camera or name in {p.name for p in take.files}
        ]
        if not numbers:
            raise ConfigError(f"--truth: {name}: no recording is of a camera, or is a file, of that name")
        if len(numbers) > 1 and pairs:
            raise ConfigError(
                f"--truth: {name}: was recorded in {len(numbers)} runs, whose clocks differ: give the fights"
                " of each file by its name"
            )
        found |= dict.fromkeys(numbers, pairs)
    return found


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.first):
        if joined and span.first - joined[-1].last <= _LULL_S:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last), True)
        else:
            joined.append(span)
    return joined
