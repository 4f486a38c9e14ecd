"""What is too old or too much goes, and nothing else: first the decision, then on both kinds of database."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import Table, func, select, update

from shared.store.database import Database
from shared.store.tables import changes, evidence, incidents, steps, verdicts
from tests.archive.test_log import records
from tests.archive.test_writing import incident, told
from tests.shared.fleet import wait_until
from workers.archive import sweep
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence.folder import Folder
from workers.archive.retention import Piece, outdated
from workers.archive.store import Store
from workers.archive.sweep import Sweeper
from workers.archive.writing import write_evidence, write_incidents, write_verdicts

DAY_S = 86_400.0


def piece(made_at: float, size: int = 10, held: bool = False, path: str | None = "x") -> Piece:
    name = f"{made_at}"
    return Piece(
        incident_id=name, kind="clip", path=path and f"{name}.mp4", size=size, made_at=made_at, is_held=held
    )


def gone(pieces: list[Piece], keep_s: float = 100, keep_bytes: float = 1000) -> list[tuple[float, str]]:
    return [(one.made_at, reason) for one, reason in outdated(pieces, 1000, keep_s, keep_bytes)]


# --- the decision -------------------------------------------------------------------------------------------


def test_what_is_too_old_goes_unless_it_is_held() -> None:
    pieces = [piece(950), piece(899), piece(900), piece(500, held=True), piece(400, size=0, path=None)]
    assert gone(pieces) == [(400, "age"), (899, "age")]


def test_of_what_is_too_much_the_oldest_goes_first_and_what_is_held_last() -> None:
    pieces = [piece(990), piece(910, held=True), piece(920), piece(930, size=0, path=None)]
    assert gone(pieces, keep_bytes=20) == [(920, "size")]
    assert gone(pieces, keep_bytes=15) == [(920, "size"), (990, "size")]
    assert gone(pieces, keep_bytes=9) == [(920, "size"), (990, "size"), (910, "size")]


def test_what_goes_by_age_makes_room() -> None:
    assert gone([piece(100), piece(950), piece(960)], keep_bytes=20) == [(100, "age")]


PIECES = st.lists(
    st.builds(
        piece,
        st.integers(0, 1000).map(float),
        st.integers(0, 50),
        st.booleans(),
        st.sampled_from(["x", None]),
    ),
    unique_by=lambda one: one.made_at,
)


@given(PIECES, st.floats(1, 1000), st.floats(1, 500))
def test_the_bounds_hold_and_no_more_goes_than_must(
    pieces: list[Piece], keep_s: float, keep_bytes: float
) -> None:
    found = outdated(pieces, 1000, keep_s, keep_bytes)
    removed = {one for one, _ in found}
    left = [one for one in pieces if one not in removed]
    assert len(removed) == len(found)
    assert sum(one.size for one in left) <= keep_bytes
    assert all(one.is_held or one.made_at >= 1000 - keep_s for one in left)
    by_size = [one for one, reason in found if reason == "size"]
    if by_size:
        assert sum(one.size for one in left) + by_size[-1].size > keep_bytes
        if by_size[-1].is_held:
            assert all(one.is_held or not one.size for one in left)


# --- on a database ------------------------------------------------------------------------------------------


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url, durable=False)
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "evidence")


@pytest.fixture
def swept(store: Store, folder: Folder) -> Callable[..., None]:
    """One round at a time, days after 1970."""

    def once(days: float, keep: dict[str, float] | None = None, **config: float) -> None:
        Sweeper(
            EvidenceConfig(**config), ArchiveConfig(**(keep or {})), folder, store, threading.Event(),
            lambda: days * DAY_S,
        ).sweep()  # fmt: skip

    return once


def count(database_url: str, table: Table) -> int:
    with closing(Database(database_url)) as database, database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def kept(folder: Folder) -> list[str]:
    return sorted(path.name for path in folder.root.rglob("*") if path.is_file())


def file(folder: Folder, store: Store, identity: str, day: float, size: int = 10, row: bool = True) -> str:
    """A clip that was made on a day."""
    path = f"lobby/1970-01-{int(day) + 1:02}/{identity}.mp4"
    with folder.writing(path) as draft:
        draft.write_bytes(b"x" * size)
    os.utime(folder.root / path, (day * DAY_S, day * DAY_S))
    facts = {
        "camera": "lobby", "path": path, "bytes": size, "sha256": "0" * 64, "first_at": 1.0, "last_at": 2.0,
        "made_at": day * DAY_S, "note": None,
    }  # fmt: skip
    if row:
        store.write(lambda to: write_evidence(to, identity, "clip", facts))
    return identity


def remember(store: Store, identity: str, day: float, **said: Any) -> None:
    """An incident that was stored on a day, and what people said of it."""
    began = {"identity": identity}
    number = 10 * int(identity, 16)
    entries = [
        told(number, incident("new", 12.0, **began)),
        told(number + 1, incident("end", 13.0, **began)),
    ]
    store.write(lambda to: write_incidents(to, "lobby", entries))
    those = update(incidents).where(incidents.c.incident_id == identity)
    store.write(lambda to: to.execute(those.values(stored_at=day * DAY_S, **said)))


def name(number: int) -> str:
    return f"{number:016x}"


def test_old_evidence_goes_with_its_row_and_the_rest_stays(
    store: Store, folder: Folder, swept: Any, database_url: str
) -> None:
    file(folder, store, name(1), 1)
    file(folder, store, name(2), 15)
    nothing = {"camera": "lobby", "path": None, "bytes": 0, "made_at": DAY_S, "note": "gone"}
    store.write(lambda to: write_evidence(to, name(3), "clip", nothing))
    swept(20, keep_days=10)
    assert kept(folder) == [f"{name(2)}.mp4"]
    assert count(database_url, evidence) == 1
    assert not (folder.root / "lobby" / "1970-01-02").exists()
    swept(30, keep_days=10)
    assert (kept(folder), count(database_url, evidence)) == ([], 0)
    assert list(folder.root.iterdir()) == []


def test_the_oldest_evidence_goes_where_there_is_too_much(
    store: Store, folder: Folder, swept: Any, database_url: str
) -> None:
    for number in range(1, 6):
        file(folder, store, name(number), number, size=1000)
    swept(10, keep_gb=3.5e-6)
    assert kept(folder) == [f"{name(number)}.mp4" for number in (3, 4, 5)]
    assert count(database_url, evidence) == 3
    assert REGISTRY.get_sample_value("nexara_evidence_bytes") == 3000


@pytest.mark.parametrize("said", [{"label": "false"}, {"acknowledged_at": 1.0, "acknowledged_by": "ann"}])
def test_evidence_that_people_have_looked_at_goes_with_its_incident(
    store: Store, folder: Folder, swept: Any, database_url: str, said: dict[str, Any]
) -> None:
    for number, words in ((1, said), (2, {})):
        remember(store, name(number), 1, **words)
        file(folder, store, name(number), 1)
    swept(100)
    assert kept(folder) == [f"{name(1)}.mp4"]
    assert (count(database_url, incidents), count(database_url, changes)) == (2, 4)
    swept(400)
    assert kept(folder) == []
    assert [count(database_url, table) for table in (incidents, changes, evidence)] == [0, 0, 0]


def test_a_file_that_no_row_knows_of_ages_like_the_others(store: Store, folder: Folder, swept: Any) -> None:
    file(folder, store, name(1), 1, row=False)
    file(folder, store, name(2), 15, row=False)
    swept(20, keep_days=10)
    assert kept(folder) == [f"{name(2)}.mp4"]


def test_drafts_and_foreign_files_are_left_alone(store: Store, folder: Folder, swept: Any) -> None:
    day = folder.root / "lobby" / "1970-01-02"
    day.mkdir(parents=True)
    for path in (day / ".draft.mp4.12", day / "notes.txt", folder.root / "README"):
        path.touch()
    swept(10_000)
    assert kept(folder) == [".draft.mp4.12", "README", "notes.txt"]


def test_old_verdicts_go_and_newer_ones_stay(
    store: Store, swept: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_BATCH", 7)
    monkeypatch.setattr(sweep, "_BETWEEN_S", 0)
    for day in (1, 2):
        numbers = range(20 * day - 19, 20 * day + 1)
        new = update(steps).where(steps.c.number.in_(numbers)).values(stored_at=day * DAY_S)
        store.write(lambda to, numbers=numbers: write_verdicts(to, "lobby", records(*numbers)))
        store.write(lambda to, new=new: to.execute(new))
    swept(2.5, {"keep_days": 1})
    assert (count(database_url, steps), count(database_url, verdicts)) == (20, 20)
    with closing(Database(database_url)) as database, database.reading() as connection:
        assert connection.execute(select(func.min(steps.c.number))).scalar() == 21
    swept(4, {"keep_days": 1})
    assert (count(database_url, steps), count(database_url, verdicts)) == (0, 0)


def test_an_old_recordings_rows_are_as_old_as_their_storing(
    store: Store, swept: Any, database_url: str
) -> None:
    store.write(lambda to: write_verdicts(to, "lobby", records(1, 2)))
    store.write(lambda to: write_incidents(to, "lobby", [told(1, incident("new", 12.0))]))
    now = time.time() / DAY_S
    swept(now + 29)
    assert (count(database_url, steps), count(database_url, incidents)) == (2, 1)
    # A change is no second birth.
    store.write(lambda to: write_incidents(to, "lobby", [told(2, incident("end", 13.0))]))
    swept(now + 31)
    assert (count(database_url, steps), count(database_url, incidents)) == (0, 1)
    swept(now + 366)
    assert count(database_url, incidents) == 0


def test_no_transaction_is_longer_than_a_batch(
    store: Store, swept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "_BATCH", 7)
    store.write(lambda to: write_verdicts(to, "lobby", records(*range(1, 41))))
    before = REGISTRY.get_sample_value("nexara_archive_store_seconds_count") or 0
    swept(1e6)
    assert (REGISTRY.get_sample_value("nexara_archive_store_seconds_count") or 0) - before >= 40 / 7


def test_a_round_that_fails_is_tried_again_and_counted(
    store: Store, folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweep, "_EVERY_S", 0.02)
    file(folder, store, name(1), 1)
    failures = [OSError(30, "Read-only file system"), ValueError("unforeseen")]
    real = Folder.remove

    def remove(self: Folder, path: str) -> None:
        if failures:
            raise failures.pop(0)
        real(self, path)

    monkeypatch.setattr(Folder, "remove", remove)
    stop = threading.Event()
    before = REGISTRY.get_sample_value("nexara_archive_sweeps_failed_total") or 0
    sweeper = Sweeper(EvidenceConfig(), ArchiveConfig(), folder, store, stop, lambda: 100 * DAY_S)
    sweeper.start()
    wait_until(lambda: not failures and not any(folder.root.iterdir()), "the file to go")
    stop.set()
    sweeper.join(5)
    assert kept(folder) == []
    assert REGISTRY.get_sample_value("nexara_archive_sweeps_failed_total") == before + 2
    assert "Read-only file system" in caplog.text
