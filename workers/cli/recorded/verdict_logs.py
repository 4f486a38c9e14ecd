"""Verdict logs compared: whether two runs said the same.

They did if camera, entry, track and result are the same and scores lie within 2e-3 of each other. A result
may differ where a score lies so close to its threshold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from shared.config import ConfigError
from shared.messages import Verdict, Verdicts

TOLERANCE = 2e-3

# Rounding of decimals must not make a difference of just the tolerance a larger one.
_MOST = TOLERANCE + 1e-9


class Name(NamedTuple):
    """What is judged: one track in one entry of a generation."""

    generation: str
    entry_id: str
    track_id: int


@dataclass(frozen=True)
class Said:
    """One verdict, and the thresholds of those who gave it, in their order."""

    verdict: Verdict
    thresholds: tuple[float | None, ...]


@dataclass(frozen=True)
class Difference:
    """How two logs differ.

    Attributes:
        same: verdicts that are equal.
        missing, extra: that only the first, or only the second one has.
        results, scores: that differ in it.
    """

    same: int
    missing: tuple[Name, ...]
    extra: tuple[Name, ...]
    results: tuple[Name, ...]
    scores: tuple[Name, ...]

    @property
    def is_none(self) -> bool:
        """Whether the logs are equal."""
        return not (self.missing or self.extra or self.results or self.scores)


def compared(one: Mapping[Name, Said], other: Mapping[Name, Said]) -> Difference:
    """How the second log differs from the first."""
    both = sorted(one.keys() & other.keys())
    results = tuple(name for name in both if _results_differ(one[name], other[name]))
    scores = tuple(name for name in both if _scores_differ(one[name].verdict, other[name].verdict))
    return Difference(
        same=len(both) - len({*results, *scores}),
        missing=tuple(sorted(one.keys() - other.keys())),
        extra=tuple(sorted(other.keys() - one.keys())),
        results=results,
        scores=scores,
    )


def named(entry_id: str, record: Verdicts) -> Iterator[tuple[Name, Said]]:
    """A record's verdicts."""
    thresholds = tuple(expert.threshold for expert in record.experts)
    for verdict in record.verdicts:
        yield Name(record.generation, entry_id, verdict.track_id), Said(verdict, thresholds)


def read_log(path: Path) -> Iterator[tuple[str, Verdicts]]:
    """A log's records with their entries' ids.

    Raises:
        ConfigError: it cannot be read, or a line is none of the archive's.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                # Torn: being written, or left so by a crash.
                if line.endswith(b"\n"):
                    yield _record(path, number, line)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}: give a verdict log") from error


def _record(path: Path, number: int, line: bytes) -> tuple[str, Verdicts]:
    try:
        fields = json.loads(line)
        return str(fields["id"]), Verdicts.model_validate_json(line)
    except (ValueError, ValidationError, LookupError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: line {number} is no verdict of the archive's") from error


def _results_differ(one: Said, other: Said) -> bool:
    return one.verdict.result != other.verdict.result and not (_is_close(one) or _is_close(other))


def _is_close(said: Said) -> bool:
    """Whether the result hangs on the last digit of a score."""
    verdict = said.verdict
    held = zip((verdict.score, *verdict.scores[1:]), said.thresholds, strict=True)
    return any(
        score is not None and threshold is not None and abs(score - threshold) <= _MOST
        for score, threshold in held
    )


def _scores_differ(one: Verdict, other: Verdict) -> bool:
    """Whether a score does, or one run asked an expert that the other did not ask."""
    if len(one.scores) != len(other.scores):
        return True
    pairs: Iterable[tuple[float | None, float | None]] = zip(
        (one.score, *one.scores), (other.score, *other.scores), strict=True
    )
    return any((a is None) != (b is None) or abs((a or 0.0) - (b or 0.0)) > _MOST for a, b in pairs)
