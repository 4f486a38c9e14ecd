"""When two runs said the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.config import ConfigError
from shared.messages import Verdict
from tests.archive.test_log import records, verdict
from workers.archive.log import VerdictLog
from workers.cli.recorded.verdict_logs import Difference, Name, Said, compared, named, read_log

ONE = Name("a" * 16, "1-0", 7)


def said(score: float, result: str = "SAFE", veto: float | None = None) -> Said:
    changed = {"result": result, "scores": (score, veto)}
    one: Verdict = verdict(score).model_copy(update=changed)
    return Said(one, (0.9, 0.8))


def difference(one: Said, other: Said) -> Difference:
    return compared({ONE: one}, {ONE: other})


def test_scores_may_differ_by_a_little() -> None:
    assert difference(said(0.5), said(0.502)).is_none
    assert difference(said(0.5), said(0.503)).scores == (ONE,)
    assert difference(said(0.95, "VIOLENCE", 0.9), said(0.95, "VIOLENCE", 0.85)).scores == (ONE,)
    assert difference(said(0.95, "VIOLENCE", 0.9), said(0.95, "VIOLENCE")).scores == (ONE,), "nobody asked"


def test_results_may_differ_only_on_a_threshold() -> None:
    assert difference(said(0.899), said(0.9, "VIOLENCE")).is_none
    assert difference(said(0.5), said(0.5, "UNSURE")).results == (ONE,)
    on_the_vetos = difference(said(0.95, "VETOED", 0.799), said(0.95, "VIOLENCE", 0.8))
    assert on_the_vetos.is_none
    assert on_the_vetos.same == 1


def test_what_only_one_run_judged_is_a_difference() -> None:
    other = ONE._replace(track_id=8)
    found = compared({ONE: said(0.5)}, {other: said(0.5)})
    assert (found.missing, found.extra, found.same) == ((ONE,), (other,), 0)
    assert not found.is_none


def test_the_archives_own_log_is_read_but_for_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "lobby.jsonl"
    VerdictLog(path, fsync=False, lock_timeout_s=1.0).append(records(1, 2, 3))
    with path.open("ab") as file:
        file.write(b'{"id":"4-0"')
    assert list(read_log(path)) == records(1, 2, 3)
    [(name, one)] = named(*records(2)[0])
    assert (name.entry_id, name.track_id, one.thresholds) == ("2-0", 7, (0.94, 0.85))
    with path.open("ab") as file:
        file.write(b"}\n")
    with pytest.raises(ConfigError, match="line 4 is no verdict of the archive's"):
        list(read_log(path))
