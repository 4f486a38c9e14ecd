"""A server, empty for each test, and evidence that is made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select

from shared import embedded
from shared.bus import Bus
from shared.stage import Stage
from shared.store.database import Database
from shared.store.tables import evidence
from workers.archive.config import ArchiveConfig, EvidenceConfig
from workers.archive.evidence.pictures import Views
from workers.archive.evidence.stage import build_evidence

Build = Callable[..., Stage[Any, None, None, Any]]


@pytest.fixture(scope="session")
def archive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded.running(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture
def client(archive_server: str) -> Iterator[redis.Redis]:
    """A plain client of the empty server."""
    with redis.Redis.from_url(archive_server, protocol=2) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def bus(archive_server: str, client: redis.Redis) -> Iterator[Bus]:
    with closing(Bus(archive_server)) as bus:
        yield bus


@pytest.fixture
def build(tmp_path: Path, bus: Bus, database_url: str) -> Iterator[Build]:
    """Stages that are closed after the test."""
    opened = []

    def made(views: Views | None = None, **config: Any) -> Stage[Any, None, None, Any]:
        stage = build_evidence(
            EvidenceConfig(**{"before_s": 2, "after_s": 2, "tracks": False, **config}),
            ArchiveConfig(fsync=False),
            tmp_path / "evidence",
            database_url,
            bus,
            views,
        )
        opened.append(stage)
        return stage

    yield made
    for stage in opened:
        assert stage.close is not None
        stage.close()


@pytest.fixture
def rows(database_url: str) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        with closing(Database(database_url)) as database, database.reading() as connection:
            found = connection.execute(select(evidence).order_by(evidence.c.incident_id, evidence.c.kind))
            return [dict(row) for row in found.mappings()]

    return read


@pytest.fixture
def files(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """Everything below the folder, drafts too, but what is kept of open incidents."""
    root = tmp_path / "evidence"
    return lambda: {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.relative_to(root).parts[0] != ".open"
    }


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[], list[str]]:
    """Whatever is kept of incidents that are still open."""
    root = tmp_path / "evidence" / ".open"
    return lambda: sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
