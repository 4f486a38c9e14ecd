"""An outbox, and a receiver of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shared.store.database import Database
from shared.store.tables import deliveries
from tests.alert.receivers import Receiver, receiving
from workers.alert.outbox import Outbox


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'outbox.db'}"


@pytest.fixture
def outbox(sqlite_url: str) -> Iterator[Outbox]:
    with closing(Outbox(sqlite_url)) as outbox:
        yield outbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def rows() -> Callable[[str], list[dict[str, Any]]]:
    """All deliveries in a database."""

    def read(url: str) -> list[dict[str, Any]]:
        with closing(Database(url)) as database, database.reading() as connection:
            found = connection.execute(select(deliveries).order_by(deliveries.c.id))
            return [dict(row) for row in found.mappings()]

    return read
