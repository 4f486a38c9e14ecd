"""What the database holds is what a single undisturbed pass would have stored, on both kinds of database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from shared.messages import Incident, Incidents
from shared.store.database import Database
from shared.store.tables import changes, cursors, incidents, panels, steps, verdicts
from tests.archive.test_log import GENERATION, record, records
from workers.archive.writing import write_incidents, write_verdicts


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        database.migrate()
        yield database


def rows(database: Database, table: Table) -> list[dict[str, Any]]:
    with database.reading() as connection:
        keys = list(table.primary_key.columns)
        return [dict(row) for row in connection.execute(select(table).order_by(*keys)).mappings()]


def write(database: Database, batch: list[Any], camera: str = "lobby") -> int:
    with database.writing() as connection:
        return write_verdicts(connection, camera, batch)


def incident(change: str, last: float, identity: str = "00000000000000ff", **more: Any) -> Incident:
    return Incident(
        **{
            "incident_id": identity, "change": change, "began_at": 10.0, "began_captured_at": 1010.0,
            "confirmed_at": 11.0, "last_at": last, "track_ids": (7, 2**52), "box": (1.0, 2.0, 3.0, 4.0),
            "peak_score": 0.97, "peak_at": 11.0, "peak_scene_score": 0.98, "violent": 3, "vetoed": 1,
            "numbers": (100, 110), **more,
        }
    )  # fmt: skip


def told(number: int, *what: Incident) -> tuple[str, Incidents]:
    message = Incidents(
        camera="lobby", generation=GENERATION, number=number, at=number / 10, captured_at=1000 + number / 10,
        width=640, height=360, incidents=what,
    )  # fmt: skip
    return f"{number}-0", message


def test_every_field_of_a_verdict_is_kept(database: Database) -> None:
    one = record(3)
    assert write(database, [("3-0", one)]) == 1
    [step] = rows(database, steps)
    assert {name: step[name] for name in ("number", "at", "captured_at", "width", "height")} == {
        "number": 3, "at": 0.3, "captured_at": 1000.3, "width": 640, "height": 360,
    }  # fmt: skip
    scene = one.scene.model_dump(mode="json")
    assert {name: step[name] for name in scene} == scene
    [verdict] = rows(database, verdicts)
    assert verdict.pop("step") == step["id"]
    assert verdict == one.verdicts[0].model_dump(mode="json")
    [panel] = rows(database, panels)
    assert panel["experts"] == [expert.model_dump(mode="json") for expert in one.experts]


def test_the_same_experts_are_kept_once(database: Database) -> None:
    write(database, records(1, 2))
    write(database, records(3))
    assert len(rows(database, panels)) == 1
    assert {step["panel"] for step in rows(database, steps)} == {rows(database, panels)[0]["id"]}


def test_what_comes_again_is_stored_once(database: Database) -> None:
    assert write(database, records(1, 2, 3)) == 3
    assert write(database, records(2, 3, 4)) == 1
    assert write(database, records(1)) == 0
    assert [step["number"] for step in rows(database, steps)] == [1, 2, 3, 4]
    [cursor] = rows(database, cursors)
    assert (cursor["milliseconds"], cursor["sequence"]) == (4, 0)


def test_cameras_and_generations_have_cursors_of_their_own(database: Database) -> None:
    other = "00000000000000bb"
    write(database, records(5))
    assert write(database, records(1, generation=other)) == 1
    assert write(database, records(1, camera="yard"), "yard") == 1
    assert write(database, records(5)) == 0
    assert len(rows(database, steps)) == 3


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError):
        fails_after(database, records(1, 2))
    assert rows(database, steps) == []
    assert rows(database, cursors) == []
    assert write(database, records(1, 2)) == 2


def fails_after(database: Database, batch: list[Any]) -> None:
    with database.writing() as connection:
        write_verdicts(connection, "lobby", batch)
        raise KeyError


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_the_rows_are_those_of_one_pass(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    whole, done = records(*range(1, 41)), 0
    while done < len(whole):
        # A taker-over begins at the bus's cursor, which may lag behind the database's.
        first = rng.randint(max(0, done - 6), done)
        batch = whole[first : first + rng.randint(1, 8)]
        if rng.random() < 0.4:
            with pytest.raises(KeyError):
                fails_after(database, batch)
            continue
        write(database, batch)
        done = max(done, first + len(batch))
    assert [step["number"] for step in rows(database, steps)] == list(range(1, 41))
    assert len(rows(database, verdicts)) == 40


def test_an_incident_is_what_its_last_change_left(database: Database) -> None:
    life = [
        told(120, incident("new", 12.0)),
        told(160, incident("update", 16.0, violent=9, track_ids=(7, 8, 9))),
        told(220, incident("end", 18.0, violent=12, end_reason="quiet")),
    ]
    with database.writing() as connection:
        assert write_incidents(connection, "lobby", life[:2]) == 2
    [open_one] = rows(database, incidents)
    assert (open_one["state"], open_one["ended_at"], open_one["track_ids"]) == ("open", None, [7, 8, 9])
    with database.writing() as connection:
        assert write_incidents(connection, "lobby", life) == 1
    [ended] = rows(database, incidents)
    assert (ended["state"], ended["ended_at"], ended["end_reason"]) == ("ended", 22.0, "quiet")
    assert (ended["camera"], ended["violent"], ended["last_at"]) == ("lobby", 12, 18.0)
    assert [row["change"] for row in rows(database, changes)] == ["new", "update", "end"]
    assert rows(database, changes)[1]["told"] == life[1][1].incidents[0].model_dump(mode="json")


def test_an_incident_that_met_an_older_one_says_so(database: Database) -> None:
    one = incident("end", 18.0, end_reason="merged", merged_into="00000000000000aa")
    with database.writing() as connection:
        write_incidents(connection, "lobby", [told(120, incident("new", 12.0)), told(200, one)])
    [row] = rows(database, incidents)
    assert (row["state"], row["merged_into"]) == ("merged", "00000000000000aa")


def test_what_people_said_of_an_incident_stays(database: Database) -> None:
    with database.writing() as connection:
        write_incidents(connection, "lobby", [told(120, incident("new", 12.0))])
        connection.execute(update(incidents).values(label="false", acknowledged_by="ann"))
    with database.writing() as connection:
        write_incidents(connection, "lobby", [told(160, incident("update", 16.0))])
    [row] = rows(database, incidents)
    assert (row["label"], row["acknowledged_by"], row["last_at"]) == ("false", "ann", 16.0)
