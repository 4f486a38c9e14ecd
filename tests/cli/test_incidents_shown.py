"""What `nexara up` and `nexara tail` say of incidents, and when a run with them is over."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest
import redis
from prometheus_client import REGISTRY

from shared.bus import Bus
from shared.bus.streams import state_key, stream_key
from shared.loop import Loop
from shared.messages import Incident, Incidents, Message, encode
from tests.incidents.story import letters, person, play, silence, stage, step
from tests.shared.fleet import wait_until
from workers.cli.progress import CameraProgress, Progress
from workers.cli.show import span, summary
from workers.cli.tail import _as_json, _as_line

CAMERA = "lobby"
RECORDS = [*letters("VVV"), step(2.0, person(1, "SAFE")), silence(2.5, final=True)]


def incidents_of(records: list[Message]) -> Incidents:
    """The last record that tells of an incident."""
    return [output for output in play(records) if isinstance(output, Incidents)][-1]


def classified(client: redis.Redis, records: list[Message]) -> None:
    """What classify leaves after these records."""
    for number, record in enumerate(records, start=1):
        client.xadd(stream_key("verdicts", CAMERA), {"m": encode(record)}, id=f"{number}-0")
    cursor = f"{len(records)}-0"
    client.hset(state_key("classify", CAMERA), mapping={"cursor": cursor, "added": len(records)})


def test_a_run_is_over_when_all_who_read_verdicts_or_incidents_have_seen_the_end(
    bus: Bus, client: redis.Redis
) -> None:
    progress = Progress(bus, [CAMERA])
    classified(client, RECORDS)
    for stage_name in ("archive", "history", "evidence", "alert"):
        client.hset(state_key(stage_name, CAMERA), mapping={"cursor": "5-0"})
    progress.update()
    assert progress.cameras[CAMERA].end == "5-0"
    assert not progress.ended
    stop = threading.Event()
    loop = Loop(stage(), bus, [CAMERA], "w", lease_s=1.0)
    thread = threading.Thread(target=loop.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: progress.ended, "the end of the run", check=progress.update)
    finally:
        stop.set()
        thread.join(10)
    progress.update()
    assert [(incident.change, incident.end_reason) for _, incident in progress.incidents] == [
        ("new", None),
        ("end", "source_ended"),
    ]
    assert summary(progress.cameras[CAMERA], live=False).endswith(", incidents 1 (0:00.0 to 0:01.0)")
    # What a mark ended is counted, too.
    counted = {"camera": CAMERA, "reason": "source_ended"}
    assert REGISTRY.get_sample_value("nexara_incidents_ended_total", counted) == 1
    # Another run does not count them again.
    again = Progress(bus, [CAMERA])
    again.update()
    assert (again.cameras[CAMERA].incidents, again.cameras[CAMERA].end) == (0, None)


def incident(began_at: float, last_at: float) -> Incident:
    [told] = incidents_of(RECORDS).incidents
    return told.model_copy(update={"began_at": began_at, "last_at": last_at, "began_captured_at": 1.7e9})


@pytest.mark.parametrize(
    ("began_at", "last_at", "shown"),
    [(9.93, 13.2, "0:09.9 to 0:13.2"), (59.96, 60, "1:00.0 to 1:00.0"), (3725, 3800, "62:05.0 to 63:20.0")],
)
def test_a_files_incident_is_shown_by_the_files_own_time(began_at: float, last_at: float, shown: str) -> None:
    assert span(incident(began_at, last_at), live=False) == shown


def test_a_live_cameras_incident_is_shown_by_the_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.cli.show.time.localtime", time.gmtime)
    assert span(incident(1e6, 1e6 + 75), live=True) == "22:13:20 to 22:14:35"


def test_of_many_incidents_the_last_ones_are_shown() -> None:
    camera = CameraProgress(CAMERA, incidents=9)
    camera.last_incidents = {str(number): incident(number, number) for number in range(9)}
    assert "incidents 9 (..., 0:04.0 to 0:04.0, 0:05.0" in summary(camera, live=False)
    assert summary(replace(camera, incidents=0, last_incidents={}), live=False).endswith(", incidents 0")


def line(message: Message) -> str:
    return _as_line(CAMERA, "1-0", {"m": encode(message)}).partition(" s  ")[2]


def test_tail_shows_an_incident_in_a_line() -> None:
    output = incidents_of(letters("VVV"))
    key = output.incidents[0].incident_id
    assert line(output) == f"new {key} since 0.000 s of 0001 peak 0.950 violent 3 vetoed 0"
    assert line(incidents_of(RECORDS)) == (
        f"end {key} since 0.000 s of 0001 peak 0.950 violent 3 vetoed 0 until 1.000 s: source ended"
        "  end: end of file"
    )
    assert line(incidents_of([*letters("VVV"), step(6.0), *letters("VVV", start=8.0)])) == (
        "1 kept back by a cooldown"
    )


def test_tail_shows_verdicts_with_each_experts_score_and_doubt() -> None:
    sure = person(1, score=0.951).model_copy(update={"scores": (0.95, 0.953, None)})
    record = step(0.0, scene=[1]).model_copy(update={"experts": step(0.0).experts * 3, "verdicts": (sure,)})
    assert line(record) == "0001 VIOLENCE 0.951 (0.950/0.953/-)  scene VIOLENCE 0.970"
    assert line(step(0.0, person(2, "UNSURE"))) == "0002 UNSURE 0.500 churn  scene SAFE 0.100"


def test_tail_gives_an_incident_as_json_with_the_mark_that_ended_it() -> None:
    data = json.loads(_as_json(CAMERA, "5-0", {"m": encode(incidents_of(RECORDS))}))
    assert (data["kind"], data["entry_id"], data["mark"]["final"]) == ("incidents", "5-0", True)
    assert data["incidents"][0]["end_reason"] == "source_ended"
